"""Histories of carried arguments: the values of earlier inferences that their elements are.

A carried argument is an element by element what its result was one inference before. If the result is a view, its
elements are those of other values: of values that are computed or given, in the preceding inference, or again of
carried arguments, that is, of inferences before that. With all elements followed to their ends, a window of the last K
values is a view of one value in K inferences, and takes no stage that moves elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, StringAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.carried import CarriedPair, carried_pairs
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.relations import box_set, element_box
from cmir.dialects.nn.views import PadConflictError, View, Views
from cmir.isl.evaluate import compile_function
from cmir.isl.functions import simplest
from cmir.support.diagnostics import CompileError

History = Mapping[SSAValue, isl.Map]
"""For each value that is computed or given: `{ [element of the argument] -> [m, element of the value] }`, with m < 0
the inference of that value, relative to the argument's. Each element of the argument is in one of them."""

MOST_PIECES = 64
"""Maximum number of affine pieces in which a carried argument is read from one value."""


class NoHistoryError(Exception):
    """Error for a carried pair whose argument is no view of earlier values. Its result must be computed by a stage."""

    def __init__(self, pair: CarriedPair, reason: str):
        super().__init__(reason)
        self.pair = pair


def histories_of(function: FuncOp, views: Views) -> dict[SSAValue, History]:
    """Return the histories of all carried arguments. Raises NoHistoryError."""
    pairs, terminator = carried_pairs(function), function.body.block.last_op
    assert terminator is not None
    if not pairs:
        return {}
    arguments: list[SSAValue] = [pair.argument for pair in pairs]
    ends: list[SSAValue] = []
    step, end = isl.UnionMap("{ }"), isl.UnionMap("{ }")
    for number, pair in enumerate(pairs):
        view = _view(pair, terminator.operands[pair.result], views)
        for value, elements in view.sources.items():
            earlier = _before(elements).set_tuple_name(isl.dim_type.in_, f"s{number}")
            if value in arguments:
                name = f"s{arguments.index(value)}"
                step = step.union(isl.UnionMap(earlier.set_tuple_name(isl.dim_type.out, name)))
            else:
                ends += [] if value in ends else [value]
                name = f"v{ends.index(value)}"
                end = end.union(isl.UnionMap(earlier.set_tuple_name(isl.dim_type.out, name)))
    found = end.union(step.transitive_closure()[0].apply_range(end))
    _check(pairs, found, step, end)
    histories: dict[SSAValue, History] = {
        pair.argument: {
            value: simplest(_at_zero(relation))
            for index, value in enumerate(ends)
            if (relation := _between(found, f"s{number}", f"v{index}")) is not None
        }
        for number, pair in enumerate(pairs)
    }
    for pair in pairs:
        pieces = max(h.n_basic_map() for h in histories[pair.argument].values())
        if pieces > MOST_PIECES:
            raise NoHistoryError(pair, f"it would be read in {pieces} affine pieces")
    results: dict[SSAValue, SSAValue] = {
        pair.argument: terminator.operands[pair.result] for pair in pairs
    }
    _check_initial(pairs, histories, results)
    return histories


def _view(pair: CarriedPair, result: SSAValue, views: Views) -> View:
    try:
        view = views.of(result)
    except PadConflictError as conflict:
        raise NoHistoryError(pair, str(conflict)) from None
    if view.pad is not None:
        raise NoHistoryError(pair, "it has padding, which has no initial values")
    if any(isinstance(value.owner, ParameterOp) for value in view.sources):
        raise NoHistoryError(pair, "it has elements of a parameter, which has no initial values")
    return view


def _before(elements: isl.Map) -> isl.Map:
    """Return `{ [m, element] -> [m - 1, other] }` for `{ [element] -> [other] }`."""
    result = elements.insert_dims(isl.dim_type.in_, 0, 1).insert_dims(isl.dim_type.out, 0, 1)
    back = isl.Constraint.equality_alloc(isl.LocalSpace.from_space(result.get_space()))
    back = back.set_coefficient_val(isl.dim_type.in_, 0, isl.Val(1))
    back = back.set_coefficient_val(isl.dim_type.out, 0, isl.Val(-1))
    return result.add_constraint(back.set_constant_val(isl.Val(-1)))


def _at_zero(relation: isl.Map) -> isl.Map:
    """Return `{ [element] -> [m, other] }` for `{ s[m0, element] -> v[m, other] }`, at m0 = 0."""
    fixed = relation.fix_val(isl.dim_type.in_, 0, isl.Val(0)).project_out(isl.dim_type.in_, 0, 1)
    return fixed.reset_tuple_id(isl.dim_type.in_).reset_tuple_id(isl.dim_type.out)


def _between(relations: isl.UnionMap, one: str, other: str) -> isl.Map | None:
    """Return the relation between two tuples, or None if there is none."""
    found: list[isl.Map] = []
    relations.foreach_map(found.append)
    names = isl.dim_type.in_, isl.dim_type.out
    return next(
        (r for r in found if [r.get_tuple_name(side) for side in names] == [one, other]), None
    )


def _check(
    pairs: Sequence[CarriedPair], found: isl.UnionMap, step: isl.UnionMap, end: isl.UnionMap
) -> None:
    """Check that `found` leads each element of each argument to one value. Raises NoHistoryError.

    If it is a function on all elements, and an element has the value that the element one step before has, it is right
    whatever the precision of ISL's transitive closure.
    """
    moving = step.domain()
    for number, pair in enumerate(pairs):
        elements = box_set(element_box(shape_of(pair.argument))).insert_dims(isl.dim_type.set, 0, 1)
        elements = isl.UnionSet(elements.set_tuple_name(f"s{number}"))
        if not elements.is_subset(found.intersect_domain(elements).domain()):
            raise NoHistoryError(pair, "it has elements that only ever are its own")
        if not found.intersect_domain(elements).is_single_valued():
            raise NoHistoryError(pair, "its elements are too irregular")
    if not found.is_equal(end.union(step.apply_range(found))):
        pair = next(p for n, p in enumerate(pairs) if not _is_apart(moving, n))
        raise NoHistoryError(pair, "its elements are too irregular")


def _is_apart(moving: isl.UnionSet, number: int) -> bool:
    parts: list[isl.Set] = []
    moving.foreach_set(parts.append)
    return all(part.get_tuple_name() != f"s{number}" for part in parts)


def _check_initial(
    pairs: Sequence[CarriedPair],
    histories: Mapping[SSAValue, History],
    results: Mapping[SSAValue, SSAValue],
) -> None:
    """Check that each value has at most one initial value for each inference before the first. Raises NoHistoryError.

    That is so if the elements of all arguments are different elements, or if all have the same initial number. results:
    what the arguments are carried from.
    """
    users_of: dict[SSAValue, list[CarriedPair]] = {}
    for pair in pairs:
        for value in histories[pair.argument]:
            users_of.setdefault(value, []).append(pair)
    for value, users in users_of.items():
        taken = isl.UnionMap("{ }")
        for number, pair in enumerate(users):
            history = histories[pair.argument][value].set_tuple_name(isl.dim_type.in_, f"s{number}")
            taken = taken.union(isl.UnionMap(history))
        if taken.is_injective() or _common_number(users) is not None:
            continue
        # One pair can keep the value; a copy of it would change nothing.
        keeps = next((pair for pair in users if results[pair.argument] is value), None)
        pair = [pair for pair in users if pair is not keeps][-1]
        raise NoHistoryError(pair, "another argument has other initial values of its elements")


def _common_number(users: Sequence[CarriedPair]) -> float | None:
    """Return the initial number of all elements of all pairs, or None. Zeros of different signs are different."""
    numbers = [pair.initial_number for pair in users]
    return numbers[0] if len(set(map(repr, numbers))) == 1 else None


def initial_values(
    type: TensorType[Any],
    parts: Sequence[tuple[CarriedPair, isl.Map]],
    parameters: Mapping[str, np.ndarray] | None,
) -> DenseIntOrFPElementsAttr | np.ndarray:
    """Return the initial values of an array, of this type: with a first dimension of the inferences before the first.

    parts: carried pairs with `{ [element of the argument] -> [m, location in the array] }`. Returns inline elements if
    all initial values are inline. Raises CompileError if one is not known.
    """
    if (number := _common_number([pair for pair, _ in parts])) is not None:
        return DenseIntOrFPElementsAttr.from_list(type, [number])
    named = [pair for pair, _ in parts if isinstance(pair.initial, StringAttr)]
    if named and parameters is None:
        what = f"initial value {named[0].initial} must be known, to lay it out like the array"
        raise CompileError(named[0].argument, f"{what} that it begins: give --weights")
    result = np.zeros(type.get_shape(), dtype_of(type))
    count = len(result)
    for pair, history in parts:
        sizes = shape_of(pair.argument)
        function = compile_function(history, box_set(element_box(sizes)))
        places, defined = function([*np.ix_(*map(np.arange, sizes))])
        inference, *location = (np.broadcast_to(place, sizes) for place in places)
        kept = (inference >= -count) & (True if defined is None else defined)
        index = (inference[kept] + count, *(x[kept] for x in location))
        result[index] = pair.initial_value(parameters)[kept]
    if named:
        return result
    return DenseIntOrFPElementsAttr.from_list(type, result.reshape(-1).tolist())
