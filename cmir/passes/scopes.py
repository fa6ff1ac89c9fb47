"""Blocks whose operators become stages: the body of a function, and the bodies of scans.

An iteration of a stage in a scan has the step as its first coordinate, and so has each element of a value that the scan
computes. With these, the values of a step are values of the block around the scan: a carried value is the initial one
in the first step, and a result of the scan, one step before, in the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import islpy as isl
from xdsl.ir import Block, SSAValue

from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.stage import ScanOp, StageOp
from cmir.dialects.nn.views import Views, compose
from cmir.isl import dim_names
from cmir.isl.text import read_map
from cmir.passes.granularity import Granularity
from cmir.passes.histories import History
from cmir.support.naming import UniqueNames, suffixed


class Scope:
    """The body of a function. histories: those of its carried arguments."""

    def __init__(self, block: Block, histories: Mapping[SSAValue, History], views: Views):
        self.views = views
        self.granularity = Granularity(block, views, histories)

    @staticmethod
    def views_of(block: Block) -> Views:
        """Return the views of the values of a block, and of the arguments of its stages."""
        outer: dict[SSAValue, SSAValue] = {}
        for op in block.ops:
            if isinstance(op, StageOp):
                outer.update(zip(op.body.block.args, op.inputs, strict=True))
        return Views(outer)

    @property
    def steps(self) -> tuple[int, ...]:
        """The sizes of the coordinates in front of those of an iteration: the steps of the scans around it."""
        return ()

    def iterations(self, domain: isl.Set) -> isl.Set:
        """Return all iterations of a stage, given those in one step."""
        return domain

    def in_steps(self, access: isl.Map) -> isl.Map:
        """Return `{ [[iteration] -> [lane]] -> [element] }` for the iterations of all steps: each reads the same."""
        return access

    def of_steps(self, access: isl.Map) -> isl.Map:
        """Return the access for the iterations of all steps, to elements of their own step."""
        return access

    def values(self, value: SSAValue, access: isl.Map) -> Iterator[tuple[SSAValue, isl.Map]]:
        """Yield the accesses of the iterations of all steps, given the one to elements of a value of this block.

        They are accesses to values of the function, or to values that a scan computes and does not yield.
        """
        yield value, access


class StepScope(Scope):
    """The body of a scan. outer: the scope of the block that the scan is in."""

    def __init__(self, outer: Scope, scan: ScanOp):
        block = scan.body.block
        super().__init__(block, {}, self.views_of(block))
        self.outer, self.scan = outer, scan
        carried, over, others = scan.arguments()
        begun = zip(carried, zip(scan.carried, scan.outputs, strict=False), strict=True)
        self._carried: dict[SSAValue, tuple[SSAValue, SSAValue]] = dict(begun)
        self._over: dict[SSAValue, SSAValue] = dict(zip(over, scan.over, strict=True))
        self._others: dict[SSAValue, SSAValue] = dict(zip(others, scan.others, strict=True))
        self._yielded: dict[SSAValue, tuple[SSAValue, isl.Map]] = {}
        """For what yielded values are made of: a result of the scan, and `{ [element] -> [element of a step] }`."""
        for value, result in zip(scan.terminator.values, scan.outputs, strict=True):
            for base, elements in self.views.of(value).sources.items():
                self._yielded[base] = result, unnamed(elements.reverse())

    @property
    def steps(self) -> tuple[int, ...]:
        return (*self.outer.steps, self.scan.steps)

    def is_local(self, value: SSAValue) -> bool:
        """Return True for a value of a step that no result of the scan holds."""
        return value not in self._yielded

    def iterations(self, domain: isl.Set) -> isl.Set:
        names = dim_names(domain)
        found = domain.insert_dims(isl.dim_type.set, 0, 1)
        found = found.lower_bound_val(isl.dim_type.set, 0, isl.Val(0))
        found = found.upper_bound_val(isl.dim_type.set, 0, isl.Val(self.scan.steps - 1))
        unique = UniqueNames(form=suffixed("_"))
        for dim, name in enumerate(["t", *names]):
            found = found.set_dim_name(isl.dim_type.set, dim, unique.take(name))
        return self.outer.iterations(found)

    def in_steps(self, access: isl.Map) -> isl.Map:
        return self.outer.in_steps(self._in_each_step(access))

    def of_steps(self, access: isl.Map) -> isl.Map:
        return self.outer.of_steps(self._back(access, 0))

    def values(self, value: SSAValue, access: isl.Map) -> Iterator[tuple[SSAValue, isl.Map]]:
        if value in self._carried:
            first, result = self._carried[value]
            begin = self._in_each_step(access, "t = 0")
            yield from self._through(compose(begin, self.outer.views.of(first).sources).items())
            if self.scan.steps > 1:
                yield from self.outer.values(result, self._back(access, 1))
        elif value in self._over or value in self._others:
            sliced = value in self._over
            operand = self._over[value] if sliced else self._others[value]
            found = self._back(access, 0) if sliced else self._in_each_step(access)
            yield from self._through(compose(found, self.outer.views.of(operand).sources).items())
        elif isinstance(value.owner, ParameterOp):
            yield value, self.in_steps(access)
        elif value in self._yielded:
            result, elements = self._yielded[value]
            yield from self.outer.values(result, self._back(access.apply_range(elements), 0))
        else:
            yield value, self.of_steps(access)

    def _through(
        self, sources: Iterable[tuple[SSAValue, isl.Map]]
    ) -> Iterator[tuple[SSAValue, isl.Map]]:
        for value, access in sources:
            yield from self.outer.values(value, access)

    def _in_each_step(self, access: isl.Map, where: str = "") -> isl.Map:
        """Return `{ [[t, iteration] -> [lane]] -> [element] }` for `{ [[iteration] -> [lane]] -> [element] }`.

        where: a condition on t.
        """
        pair = access.domain().unwrap()
        iteration, lanes = (pair.dim(side) for side in (isl.dim_type.in_, isl.dim_type.out))
        places = [f"i{d}" for d in range(iteration)]
        lane = ", ".join(f"l{d}" for d in range(lanes))
        stepped, plain = (f"[[{', '.join(x)}] -> [{lane}]]" for x in (["t", *places], places))
        steps = f"0 <= t < {self.scan.steps}"
        condition = f"{steps} and {where}" if where else steps
        result = read_map(f"{{ {stepped} -> {plain} : {condition} }}").apply_range(access)
        for dim in range(access.dim(isl.dim_type.in_)):
            if name := access.get_dim_name(isl.dim_type.in_, dim):
                result = result.set_dim_name(isl.dim_type.in_, dim + 1, name)
        return result.set_dim_name(isl.dim_type.in_, 0, "t")

    def _back(self, access: isl.Map, back: int) -> isl.Map:
        """Return `{ [[t, iteration] -> [lane]] -> [t - back, element] }`, where there is such a step."""
        found = self._in_each_step(access, f"t >= {back}")
        found = found.insert_dims(isl.dim_type.out, 0, 1)
        constraint = isl.Constraint.equality_alloc(isl.LocalSpace.from_space(found.get_space()))
        constraint = constraint.set_coefficient_val(isl.dim_type.in_, 0, isl.Val(1))
        constraint = constraint.set_coefficient_val(isl.dim_type.out, 0, isl.Val(-1))
        return found.add_constraint(constraint.set_constant_val(isl.Val(-back)))


def unnamed(relation: isl.Map) -> isl.Map:
    """Return the relation without names for the dimensions of its range."""
    count = relation.dim(isl.dim_type.out)
    relation = relation.add_dims(isl.dim_type.out, count)
    for dim in range(count):
        relation = relation.equate(isl.dim_type.out, dim, isl.dim_type.out, count + dim)
    return relation.project_out(isl.dim_type.out, 0, count)
