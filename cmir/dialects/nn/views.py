"""Values that are another value read differently: what a chain of layout operators means to its readers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import islpy as isl
from xdsl.ir import SSAValue

from cmir.dialects.nn.interface import Access, LayoutOp
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.relations import box_set, element_box, element_map, element_names


class PadConflictError(Exception):
    """Padding of one value inside padding of another: one read cannot tell them apart."""


@dataclass(frozen=True)
class View:
    """How the elements of a value are found in the value that is computed or given.

    base: a value that no layout operator produces.
    relation: `{ [element of the value] -> [element of base] }`, partial where the value is padded.
    pad: the value of elements that have no element of base; None if all have one.
    """

    base: SSAValue
    relation: isl.Map
    pad: float | None


def view_of(value: SSAValue) -> View:
    """The view that a chain of layout operators ending in `value` makes. Raises PadConflictError."""
    shape = shape_of(value)
    op = value.owner
    if not isinstance(op, LayoutOp):
        names = element_names(len(shape))
        return View(value, element_map(element_box(shape), names, shape), None)
    inner = view_of(op.operands[0])
    step = op.element_relation()
    pads = not box_set(element_box(shape)).is_subset(step.domain())
    if pads and inner.pad not in (None, op.pad_value):
        raise PadConflictError(f"padding with {op.pad_value} around padding with {inner.pad}")
    pad = op.pad_value if pads else inner.pad
    return View(inner.base, step.apply_range(inner.relation), pad)


def read_through(access: Access, domain: isl.Set, view: View) -> Access:
    """The access to `view.base` by which an iteration of `domain` reads the view. Raises PadConflictError."""
    pad = access.pad
    if view.pad is not None and view.pad != access.pad:
        lanes = box_set({f"l{i}": size for i, size in enumerate(access.lanes)})
        everywhere = isl.Map.from_domain_and_range(domain, lanes).wrap()
        if not everywhere.is_subset(access.relation.domain()):
            raise PadConflictError(f"padding with {access.pad} around padding with {view.pad}")
        pad = view.pad
    relation = access.relation.apply_range(view.relation)
    return dataclasses.replace(access, relation=relation, pad=pad)
