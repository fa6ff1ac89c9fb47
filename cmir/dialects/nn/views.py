"""Views: values defined by layout operators, as relations to the values they are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import islpy as isl
from xdsl.ir import SSAValue

from cmir.dialects.nn.cuts import Cuts
from cmir.dialects.nn.interface import Access, LayoutOp
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.relations import box_set, element_box, element_map, element_names
from cmir.isl.functions import simplest
from cmir.isl.unions import union


class PadConflictError(Exception):
    """Error for a read that meets paddings with different values, which one read cannot distinguish."""


@dataclass(frozen=True)
class View:
    """A map from the elements of a value to the elements of computed or given values.

    sources: for each value that is not the result of a layout operator,
    `{ [element of the view] -> [element of that value] }`; the domains are disjoint.
    pad: the value of elements that are in no source; None if all are in one.
    cuts: those that layout operators between the sources and the view make.
    """

    sources: Mapping[SSAValue, isl.Map]
    pad: float | None
    cuts: Cuts
    trivial: bool = False
    """True if the view equals its source, element by element."""

    @property
    def domain(self) -> isl.Set:
        """The elements that are not padding."""
        return union([source.domain() for source in self.sources.values()])

    @property
    def pieces(self) -> int:
        """The most affine pieces in which a source appears."""
        return max(source.n_basic_map() for source in self.sources.values())


@dataclass(frozen=True)
class Read:
    """A vector that is read through a view: an access to each source, and the value of the other lanes."""

    sources: Mapping[SSAValue, isl.Map]
    pad: float

    @property
    def pieces(self) -> int:
        """Maximum number of affine pieces in which an iteration reads a source. It drives the cost of dependences."""
        accesses = (relation.domain_factor_domain() for relation in self.sources.values())
        return max(access.coalesce().n_basic_map() for access in accesses)


class Views:
    """The views defined by layout operators, each computed once.

    outer: the values for which other values stand, such as the arguments of a stage. A view that ends at such a value
    continues there. Call `forget` when operands of an operator change.
    """

    def __init__(self, outer: Mapping[SSAValue, SSAValue] | None = None):
        self.outer = outer or {}
        self._known: dict[SSAValue, View] = {}

    def forget(self, value: SSAValue) -> None:
        """Drop the view of a value whose operator has other operands now. No known view may be made of it."""
        self._known.pop(value, None)

    def of(self, value: SSAValue) -> View:
        """Return the view that defines `value`, or the trivial view if `value` is computed. Raises PadConflictError.

        Chains of layout operators can be long, so this keeps a stack of its own.
        """
        stack = [value]
        while stack:
            current = stack[-1]
            unknown = [v for v in self._made_of(current) if v not in self._known]
            if current in self._known or not unknown:
                stack.pop()
            if current not in self._known and not unknown:
                self._known[current] = self._of(current)
            stack += unknown
        return self._known[value]

    def _made_of(self, value: SSAValue) -> Sequence[SSAValue]:
        """Return the values whose views that of `value` is made of."""
        if value in self.outer:
            return [self.outer[value]]
        return value.owner.operands if isinstance(value.owner, LayoutOp) else []

    def _of(self, value: SSAValue) -> View:
        """Return the view of a value that is made of known ones."""
        if value in self.outer:
            return self._known[self.outer[value]]
        op, shape = value.owner, shape_of(value)
        if not isinstance(op, LayoutOp):
            same = element_map(element_box(shape), element_names(len(shape)), shape)
            return View({value: same}, None, (frozenset(),) * len(shape), trivial=True)
        found: defaultdict[SSAValue, list[isl.Map]] = defaultdict(list)
        pads: set[float] = set()
        steps = op.element_relations()
        for operand, step in zip(op.operands, steps, strict=True):
            inner = self._known[operand]
            for base, relation in compose(step, inner.sources).items():
                found[base].append(relation)
            if inner.pad is not None and not step.range().is_subset(inner.domain):
                pads.add(inner.pad)
        if not box_set(element_box(shape)).is_subset(union([step.domain() for step in steps])):
            pads.add(op.pad_value)
        if len(pads) > 1:
            raise PadConflictError(f"padding with {_numbers(pads)} in one value")
        sources = _used({base: union(relations) for base, relations in found.items()})
        cuts = op.cuts([self._known[operand].cuts for operand in op.operands])
        return View(sources, pads.pop() if pads else None, cuts)


def read_through(access: Access, domain: isl.Set, view: View) -> Read:
    """Compose a read of the view, by an iteration of `domain`, with the view. Raises PadConflictError."""
    pad = access.pad
    if view.trivial:
        return Read(dict.fromkeys(view.sources, access.relation), pad)
    if (
        view.pad is not None
        and view.pad != access.pad
        and not access.relation.range().is_subset(view.domain)
    ):
        lanes = box_set({f"l{i}": size for i, size in enumerate(access.lanes)})
        everywhere = isl.Map.from_domain_and_range(domain, lanes).wrap()
        if not everywhere.is_subset(access.relation.domain()):
            raise PadConflictError(f"padding with {_numbers({access.pad, view.pad})} in one read")
        pad = view.pad
    return Read(compose(access.relation, view.sources), pad)


def compose(step: isl.Map, sources: Mapping[SSAValue, isl.Map]) -> dict[SSAValue, isl.Map]:
    """Compose `step`, a relation to elements of a view, with the view's relations to its sources."""
    composed = {base: simplest(step.apply_range(relation)) for base, relation in sources.items()}
    return _used(composed)


def _used(sources: dict[SSAValue, isl.Map]) -> dict[SSAValue, isl.Map]:
    """Return the sources with non-empty relations, or the first source if all elements are padding."""
    used = {base: relation for base, relation in sources.items() if not relation.is_empty()}
    return used or dict(islice(sources.items(), 1))


def written_as(view: View) -> bool:
    """Return True if the stages that compute the sources can write the view instead.

    They can if the view has no padding and no element occurs twice.
    """
    return view.pad is None and all(source.is_injective() for source in view.sources.values())


def _numbers(pads: set[float]) -> str:
    return " and ".join(map(str, sorted(pads)))
