"""Quasi-affine functions on arrays of points.

A single-valued relation is compiled once to NumPy arithmetic on its input coordinates. The coordinates are
broadcastable arrays, and each output depends on few of them: the row of a window, for example, depends on the row of
the iteration and of the kernel only. Intermediate arrays therefore stay small; only arrays that depend on all
coordinates have full size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from functools import reduce
from math import gcd, lcm

import islpy as isl
import numpy as np

from cmir.isl.memo import kept_by_text, unnamed
from cmir.isl.unions import MOST_COALESCED

Coordinates = Sequence[np.ndarray]


@dataclass(frozen=True)
class _Affine:
    """(Σ coefficient · input + Σ coefficient · ⌊division⌋ + constant) / denominator, exact or floored."""

    constant: int
    inputs: tuple[tuple[int, int], ...]  # (input, coefficient)
    divisions: tuple[tuple[_Affine, int], ...]  # (floored affine, coefficient)
    denominator: int

    def __call__(self, point: Coordinates) -> np.ndarray:
        value: np.ndarray | int = self.constant
        for index, coefficient in self.inputs:
            value = value + (point[index] if coefficient == 1 else coefficient * point[index])
        for division, coefficient in self.divisions:
            value = value + coefficient * division(point)
        return np.asarray(value if self.denominator == 1 else value // self.denominator)

    def __str__(self) -> str:
        """Return the formula in ISL syntax, with inputs x0, x1 and so on."""
        terms = [str(self.constant), *(f"{c}*x{index}" for index, c in self.inputs)]
        terms += [f"{c}*({division})" for division, c in self.divisions]
        total = " + ".join(f"({term})" for term in terms)
        return total if self.denominator == 1 else f"floor(({total}) / {self.denominator})"

    def uses(self) -> frozenset[int]:
        """Return the inputs that the value depends on."""
        own = frozenset(index for index, _ in self.inputs)
        return own.union(*(division.uses() for division, _ in self.divisions))

    def cycle(self, index: int) -> tuple[int, int]:
        """Return (P, s), P >= 1: the value grows by s when input `index` grows by P, for all values of the inputs."""
        parts = [(division.cycle(index), c) for division, c in self.divisions]
        period = lcm(1, *(p for (p, _), _ in parts))
        growth = sum(c * s * (period // p) for (p, s), c in parts)
        growth += period * dict(self.inputs).get(index, 0)
        repeats = self.denominator // gcd(self.denominator, growth)
        return period * repeats, growth * repeats // self.denominator


def _affine(aff: isl.Aff) -> _Affine:
    denominator = aff.get_denominator_val().to_python()

    def numerator(value: isl.Val) -> int:
        return (value * isl.Val(denominator)).to_python()

    inputs = range(aff.dim(isl.dim_type.in_))
    divisions = range(aff.dim(isl.dim_type.div))
    return _Affine(
        numerator(aff.get_constant_val()),
        tuple(
            (i, c) for i in inputs if (c := numerator(aff.get_coefficient_val(isl.dim_type.in_, i)))
        ),
        tuple(
            (_affine(aff.get_div(k)), c)
            for k in divisions
            if (c := numerator(aff.get_coefficient_val(isl.dim_type.div, k)))
        ),
        denominator,
    )


def _holds(equality: bool, affine: _Affine, point: Coordinates) -> np.ndarray:
    value = affine(point)
    return value == 0 if equality else value >= 0


def _folded(combine: np.ufunc, parts: Iterable[np.ndarray], nothing: bool) -> np.ndarray:
    """Return all parts combined; `nothing` if there are none. Each step is an array of the size of the result."""
    return reduce(combine, parts) if (parts := list(parts)) else np.asarray(nothing)


@dataclass(frozen=True)
class _Guard:
    """A union of conjunctions of `affine = 0` (True) and `affine >= 0` (False)."""

    conjunctions: tuple[tuple[tuple[bool, _Affine], ...], ...]

    def __call__(self, point: Coordinates) -> np.ndarray:
        either = [
            _folded(
                np.logical_and, (_holds(*constraint, point) for constraint in constraints), True
            )
            for constraints in self.conjunctions
        ]
        return _folded(np.logical_or, either, False)

    def __str__(self) -> str:
        conjunctions = [
            " and ".join(f"({affine}) {'=' if equal else '>='} 0" for equal, affine in constraints)
            for constraints in self.conjunctions
        ]
        return " or ".join(f"({constraints or '1 = 1'})" for constraints in conjunctions) or "1 = 0"

    def part(self, keep: Callable[[frozenset[int]], bool]) -> _Guard | None:
        """Return the constraints of the sole conjunction whose inputs `keep` accepts; None if there are none."""
        (constraints,) = self.conjunctions
        kept = tuple((equal, affine) for equal, affine in constraints if keep(affine.uses()))
        return _Guard((kept,)) if kept else None


def _guard(domain: isl.Set) -> _Guard:
    return _Guard(
        tuple(
            tuple((c.is_equality(), _affine(c.get_aff())) for c in basic.get_constraints())
            for basic in domain.compute_divs().get_basic_sets()
        )
    )


@dataclass(frozen=True)
class Function:
    """A compiled single-valued relation: input coordinates -> output coordinates, with its domain of definition.

    A call returns (outputs, defined): one array per output dimension, and a boolean array, or None if the function is
    defined on the whole box that it was compiled for. Outputs are meaningless where the function is not defined.
    """

    pieces: tuple[tuple[_Guard | None, tuple[_Affine, ...]], ...]
    inputs: int
    outputs: int

    def __str__(self) -> str:
        """Return the function as a relation in ISL syntax."""
        inputs = ", ".join(f"x{d}" for d in range(self.inputs))
        pieces = [
            f"[{inputs}] -> [{', '.join(map(str, values))}] : {'1 = 1' if guard is None else guard}"
            for guard, values in self.pieces
        ]
        return f"{{ {'; '.join(pieces)} }}"

    def uses(self) -> list[frozenset[int]]:
        """Return the inputs that each output depends on, including those that select among its formulas."""
        choosing = frozenset[int]().union(*self.constraints())
        return [
            affines[0].uses()
            if len(affines) == 1
            else choosing.union(*(affine.uses() for affine in affines))
            for affines in (
                list(dict.fromkeys(values[d] for _, values in self.pieces))
                for d in range(self.outputs)
            )
        ]

    def constraints(self) -> list[frozenset[int]]:
        """Return the inputs that each constraint of the domain of definition depends on."""
        guards = [guard for guard, _ in self.pieces if guard is not None]
        return [affine.uses() for g in guards for c in g.conjunctions for _, affine in c]

    @property
    def convex(self) -> bool:
        """True if the function has one formula, defined where a single conjunction of constraints holds."""
        guards = [guard for guard, _ in self.pieces]
        return len(guards) == 1 and (guards[0] is None or len(guards[0].conjunctions) == 1)

    def sole(self, output: int) -> Function | None:
        """Return an output without its domain of definition, if the output has one formula; otherwise None."""
        formulas = {values[output] for _, values in self.pieces}
        pieces = tuple((None, (formula,)) for formula in formulas)
        return Function(pieces, self.inputs, 1) if len(formulas) == 1 else None

    def linked(self, index: int) -> frozenset[int]:
        """Return the inputs that a formula or a constraint depends on together with this one, or with one of these."""
        groups = [
            *self.constraints(),
            *(value.uses() for _, values in self.pieces for value in values),
        ]
        found = frozenset([index])
        while True:
            more = found.union(*(group for group in groups if group & found))
            if more == found:
                return found
            found = more

    def depending_on(self, inputs: Set[int]) -> set[int]:
        """Return the outputs of which a formula depends on some of these inputs."""
        return {
            d
            for _, values in self.pieces
            for d, value in enumerate(values)
            if value.uses() & inputs
        }

    def factor(self, inputs: Set[int]) -> Function | None:
        """Return the sole output that depends on some of these inputs, where the constraints on them hold.

        If the result is not None, neither the other outputs nor the other constraints depend on the inputs. It is None
        if not exactly one output depends on them, if that output has several formulas, or if the formulas are defined
        under different constraints on the inputs.
        """
        conjunctions = [
            c for guard, _ in self.pieces for c in (((),) if guard is None else guard.conjunctions)
        ]
        constraints = {frozenset(c for c in cs if c[1].uses() & inputs) for cs in conjunctions}
        dependent = self.depending_on(inputs)
        if len(constraints) != 1 or len(dependent) != 1 or (sole := self.sole(*dependent)) is None:
            return None
        (shared,), ((_, formula),) = constraints, sole.pieces
        return Function(((_Guard((tuple(shared),)) if shared else None, formula),), self.inputs, 1)

    def part(
        self, outputs: Sequence[int], keep: Callable[[frozenset[int]], bool] | None = None
    ) -> Function:
        """Return some of the outputs, subject only to the constraints whose inputs `keep` accepts (default: all).

        Constraints can be dropped from `convex` functions only.
        """
        assert keep is None or self.convex
        return Function(
            tuple(
                (
                    guard if keep is None or guard is None else guard.part(keep),
                    tuple(affines[d] for d in outputs),
                )
                for guard, affines in self.pieces
            ),
            self.inputs,
            len(outputs),
        )

    @property
    def is_partial(self) -> bool:
        """True if the function may be undefined on a part of the box that it was compiled for."""
        return not self.pieces or any(guard is not None for guard, _ in self.pieces)

    def cycle(self, index: int) -> int | None:
        """Return the period P >= 1 of the function in input `index`; None if it is not periodic in this input."""
        affines = [affine for _, values in self.pieces for affine in values]
        guards = [guard for guard, _ in self.pieces if guard is not None]
        affines += [affine for g in guards for c in g.conjunctions for _, affine in c]
        cycles = [affine.cycle(index) for affine in affines]
        return None if any(growth for _, growth in cycles) else lcm(1, *(p for p, _ in cycles))

    def affine(self) -> tuple[list[int], list[list[int]]] | None:
        """Return (constants, coefficients of the inputs) of the outputs; None if an output is not affine."""
        if len(self.pieces) != 1:
            return None
        _, affines = self.pieces[0]
        if any(affine.divisions or affine.denominator != 1 for affine in affines):
            return None
        coefficients = [[dict(a.inputs).get(i, 0) for i in range(self.inputs)] for a in affines]
        return [affine.constant for affine in affines], coefficients

    def __call__(self, point: Coordinates) -> tuple[list[np.ndarray], np.ndarray | None]:
        if not self.pieces:
            return [np.zeros((), np.int64)] * self.outputs, np.asarray(False)
        (guard, affines), *others = self.pieces
        values = [affine(point) for affine in affines]
        defined = guard(point) if guard is not None else None
        for guard, affines in others:
            assert guard is not None, "only a sole piece can be unguarded"
            here = guard(point)
            values = [
                np.where(here, affine(point), value)
                for affine, value in zip(affines, values, strict=True)
            ]
            defined = here if defined is None else defined | here
        return values, defined


def compile_function(relation: isl.Map, within: isl.Set) -> Function:
    """Compile `relation` (single-valued, flat input) for use on the points of `within`.

    Constraints that hold throughout `within` are dropped.
    """
    return _compiled(unnamed(relation), within.reset_tuple_id())


@kept_by_text
def _compiled(relation: isl.Map, within: isl.Set) -> Function:
    pieces: list[tuple[_Guard | None, tuple[_Affine, ...]]] = []
    restricted = relation.intersect_domain(within)
    parts = [restricted]
    if restricted.n_basic_map() > MOST_COALESCED:  # ISL would compare each piece with each
        parts = [isl.Map.from_basic_map(basic) for basic in restricted.get_basic_maps()]
    functions = [isl.PwMultiAff.from_map(part) for part in parts]
    sole = sum(function.n_piece() for function in functions) == 1
    unguarded = sole and bool(within.is_subset(restricted.domain()))
    outputs = relation.dim(isl.dim_type.out)

    def compile_piece(domain: isl.Set, value: isl.MultiAff) -> None:
        guard = None if unguarded else _guard(domain.gist(within))
        pieces.append((guard, tuple(_affine(value.get_aff(i)) for i in range(outputs))))

    for function in functions:
        function.foreach_piece(compile_piece)
    return Function(tuple(pieces), relation.dim(isl.dim_type.in_), outputs)
