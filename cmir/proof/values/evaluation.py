"""The two sides of a comparison over the field: a function of `nn` operators, and the simulator's numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import prod
from typing import Any, NamedTuple

import islpy as isl
import numpy as np
from xdsl.dialects.arith import ConstantOp, MulfOp
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IndexType, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.traits import IsTerminator

from cmir.dialects.cmcore import CrossbarOp, LoadOp, StoreOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import NNOp, shape_of
from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.recurrent import RecurrentOp
from cmir.dialects.nn.stage import ScanOp, StageOp
from cmir.dialects.polyhedral import ArrayOp
from cmir.dialects.vectors import ReduceOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.elaboration.program import Core, Load, Store, pad_value
from cmir.isl.cores import at_core, on_core
from cmir.proof.values.chance import INPUT_CHANCE, ZERO, Chance
from cmir.proof.values.field import residue_of
from cmir.proof.values.interpretation import Interpretation
from cmir.proof.values.parts import INPUT, ParameterParts, distinct_along_rows
from cmir.proof.values.residues import NoInterpretationError, Residues, lift
from cmir.proof.values.ufuncs import sum_of_products
from cmir.semantics.body import function_of
from cmir.semantics.elements import dense_values
from cmir.semantics.weights import program_cells
from cmir.simulator.memory import Memory, MemoryPlan
from cmir.simulator.numbers import Numbers
from cmir.simulator.stream import Stream
from cmir.simulator.weights import Weights
from cmir.support.numerics import ravel


def parameter_residues(
    world: Interpretation,
    source: Attribute | None,
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    parts: ParameterParts,
) -> Residues:
    """Return random residues for a named parameter of this type, and constants for an inline one."""
    if isinstance(source, DenseIntOrFPElementsAttr):
        return lift(world, dense_values(source))
    assert isinstance(source, StringAttr)
    chance = Chance.of_parameter(parts.of(source.data, prod(shape)))
    return Residues(world, _named(world, source, shape, dtype), dtype, chance)


def _named(
    world: Interpretation, source: StringAttr, shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> np.ndarray:
    """Return the values of a named parameter."""
    return world.parameter(f"{source.data} of {dtype}", shape)


@dataclass
class Recurrences:
    """Results of a function's operators that their own steps read.

    before: what later steps and other operators read instead, if it is not empty. within: results for which other
    operators of the same step of a scan do so, too. found: what was computed. replaced: values that were computed and
    replaced.
    """

    before: Mapping[SSAValue, Residues] = field(default_factory=dict)
    within: Collection[SSAValue] = ()
    found: dict[SSAValue, Residues] = field(default_factory=dict)
    replaced: dict[SSAValue, Residues] = field(default_factory=dict)


def recurrent_results(op: Operation) -> Sequence[SSAValue]:
    """Return the results of an operator that its own steps read."""
    match op:
        case RecurrentOp():
            return op.results
        case ScanOp():
            return op.outputs[: len(op.carried)]
        case _:
            return ()


def evaluate_residues(
    function: FuncOp,
    inputs: Sequence[Residues],
    world: Interpretation,
    recurrences: Recurrences | None = None,
) -> tuple[Residues, ...]:
    """Return the results of a function for one inference. Raises NoInterpretationError, which names the operator."""
    block = function.body.block
    values: dict[SSAValue, Residues] = dict(zip(block.args, inputs, strict=True))
    with np.errstate(all="ignore"):
        return _evaluate(block, values, world, ParameterParts(), recurrences or Recurrences())


def _evaluate(
    block: Block,
    values: dict[SSAValue, Residues],
    world: Interpretation,
    parts: ParameterParts,
    recurrences: Recurrences | None = None,
) -> tuple[Residues, ...]:
    """Evaluate a block and return the operands of its terminator. Values are dropped after their last use."""
    uses = Counter(operand for op in block.ops for operand in op.operands)
    for op in block.ops:
        operands = tuple(values[operand] for operand in op.operands)
        for operand in op.operands:
            uses[operand] -= 1
            if not uses[operand]:
                values.pop(operand, None)
        if op.has_trait(IsTerminator):
            return operands
        computed = _results(op, operands, world, parts, recurrences)
        if recurrences is not None:
            carried = recurrent_results(op)
            recurrences.found.update(zip(carried, computed, strict=False))
            for number, result in enumerate(op.results):
                if result in recurrences.before:
                    recurrences.replaced[result] = computed[number]
                    computed = [
                        *computed[:number],
                        recurrences.before[result],
                        *computed[number + 1 :],
                    ]
        results = zip(op.results, computed, strict=True)
        values.update((result, value) for result, value in results if uses[result])
    return ()


def _results(
    op: Operation,
    operands: tuple[Residues, ...],
    world: Interpretation,
    parts: ParameterParts,
    recurrences: Recurrences | None,
) -> tuple[Residues, ...]:
    given = {} if recurrences is None else recurrences.before
    before = [given[result] for result in recurrent_results(op) if result in given] or None
    match op:
        case RecurrentOp():
            steps: Any = before  # residues for arrays
            return tuple(_covered(op, partial(op.evaluate_all, before=steps), *operands))
        case NNOp():
            results = _covered(op, op.evaluate_all, *operands)
            if not all(isinstance(result, Residues) for result in results):
                raise NoInterpretationError(f"{op.name} (its result is no array of residues)")
            return tuple(results)
        case ParameterOp():
            shape, dtype = shape_of(op.result), dtype_of(op.result.type)
            return (parameter_residues(world, op.source, shape, dtype, parts),)
        case StageOp():
            body = op.body.block
            return _evaluate(body, dict(zip(body.args, operands, strict=True)), world, parts)
        case ScanOp():
            body, number = op.body.block, count()
            within = set() if recurrences is None else {*recurrences.within}

            def step(arguments: Sequence[Residues]) -> Sequence[Residues]:
                t, ends = next(number), Recurrences()
                if before is not None:
                    pairs = zip(op.outputs, op.terminator.values, before, strict=False)
                    ends.before = {v: x[t] for result, v, x in pairs if result in within}
                values: dict[SSAValue, Residues] = dict(zip(body.args, arguments, strict=True))
                yielded = _evaluate(body, values, world, parts, ends)
                own = zip(op.terminator.values, yielded, strict=True)
                return [ends.replaced.get(value, residues) for value, residues in own]

            return tuple(op.run(operands, step, before))
        case _:
            raise NoInterpretationError(op.name)


def _covered(op: Operation, function: Callable[..., Any], *operands: Any) -> Any:
    """Apply a function to residues. Raises NoInterpretationError, which names `op`, if the function needs numbers."""
    try:
        return function(*operands)
    except Exception as error:  # operators of other packages may raise any error
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise NoInterpretationError(f"{op.name} ({reason})") from error


@dataclass(frozen=True)
class Given:
    """Residues that take the place of values of a network.

    initial: initial values of arrays that are read across inferences, by name. watched: arrays of which computed values
    are kept. stored: for some of these, a mask of elements, and what is stored instead of what programs compute.
    """

    initial: Mapping[str, np.ndarray] = field(default_factory=dict)
    watched: Collection[str] = ()
    stored: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def holds_all(self, name: str) -> bool:
        """Return True if nothing of an array that programs compute is stored."""
        return name in self.stored and bool(self.stored[name][0].all())


class FieldNumbers(Numbers):
    """Residues as the simulator's numbers. Memory holds them in double precision.

    chances: bounds for the elements stored in each array, see `Chance`; by index of the first axis, if each core stores
    at one index. known: bounds for matrices, which are the same under all interpretations of a network; filled when a
    matrix is first used. given: what takes the place of values of the network. found: what programs computed of the
    arrays that `given` names, in the last inference.
    """

    def __init__(
        self,
        world: Interpretation,
        known: KnownChances | None = None,
        given: Given | None = None,
    ):
        self.world, self.given = world, given or Given()
        self.found: dict[str, np.ndarray] = {}
        self.known = known or KnownChances()
        self.chances: dict[str, Chance] = {}
        self.in_parts: dict[str, dict[int, Chance]] = {}

    def cell(self, dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
        return np.dtype(np.float64)

    def pad(self, op: LoadOp) -> float:
        return float(residue_of(np.array(pad_value(op), dtype_of(op.result.type))))

    def elements(self, array: ArrayOp, parameters: Mapping[str, np.ndarray] | None) -> np.ndarray:
        if isinstance(array.source, StringAttr):
            return _named(self.world, array.source, array.shape, dtype_of(array.type))
        assert isinstance(array.source, DenseIntOrFPElementsAttr)
        return lift(self.world, dense_values(array.source)).values

    def matrix(
        self, crossbar: CrossbarOp, array: ArrayOp, elements: np.ndarray, core: tuple[int, ...]
    ) -> Residues:
        cells = program_cells(crossbar, elements, core)
        chance = self.known.of_matrix(crossbar, array, core)
        return Residues(self.world, cells, dtype_of(crossbar.result.type), chance)

    def function_of(self, op: Operation) -> Callable[..., Any]:
        function = function_of(op)
        if isinstance(op, ConstantOp) and not isinstance(op.result.type, IndexType):
            return lambda: lift(self.world, function())
        if _is_summed(op):
            return _Factors
        if isinstance(op, ReduceOp) and _is_summed(op.vector.owner):
            axes = tuple(axis + 1 for axis in op.dims.get_values())
            return lambda factors: sum_of_products(factors.a, factors.b, axes)
        return lambda *operands: _covered(op, function, *operands)


class _Factors(NamedTuple):
    """A product that is not multiplied, because the next operation adds up its elements."""

    a: Residues
    b: Residues


def _is_summed(op: object) -> bool:
    """Return True for a product of floats of which only the next operation makes use, and which that adds up."""
    if not isinstance(op, MulfOp) or not op.result.has_one_use():
        return False
    (use,) = op.result.uses
    return (
        use.operation is op.next_op
        and isinstance(use.operation, ReduceOp)
        and use.operation.kind.data == "add"
    )


class KnownChances:
    """The chances of the parameters in a compiled network; a core may hold parts of a parameter."""

    def __init__(self) -> None:
        self._parts = ParameterParts()
        self._matrices: dict[tuple[CrossbarOp, tuple[int, ...]], Chance] = {}
        self._loads: dict[tuple[LoadOp, str], Chance] = {}
        self._stores: dict[tuple[StoreOp, tuple[int, ...]], int] = {}
        self._axes: dict[LoadOp, int | None] = {}

    def of_matrix(self, crossbar: CrossbarOp, array: ArrayOp, core: tuple[int, ...]) -> Chance:
        """Return the chance of the cells of a crossbar on a core."""
        key = crossbar, core
        if key not in self._matrices:
            self._matrices[key] = self._of_matrix(crossbar, array, core)
        return self._matrices[key]

    def _of_matrix(self, crossbar: CrossbarOp, array: ArrayOp, core: tuple[int, ...]) -> Chance:
        if not isinstance(array.source, StringAttr):
            return Chance()
        size = prod(array.shape)
        cells = program_cells(crossbar, np.arange(1, size + 1).reshape(array.shape), core)
        uses = np.bincount(cells.reshape(-1), minlength=size + 1)[1:]
        held = None if uses.all() else np.flatnonzero(uses)
        bits = self._parts.of(array.source.data, size, held)
        return Chance.of_parameter(bits, distinct_along_rows(cells))

    def of_load(self, op: LoadOp, array: ArrayOp, number: int) -> Chance:
        """Return the chance of the elements that access `number` of a load reads from an array of parameters."""
        key = op, array.sym_name.data
        if key not in self._loads:
            self._loads[key] = Chance()
            if isinstance(array.source, StringAttr):
                bits = self._parts.of(array.source.data, prod(array.shape))
                self._loads[key] = Chance.of_parameter(bits, _distinct_lanes(op, number))
        return self._loads[key]

    def part_of_store(self, store: Store, core: Core) -> int:
        """Return the index along the first axis at which a core stores; -1 if there are several."""
        key = store.op, core.coordinates
        if key not in self._stores:
            relation = on_core(store.op.map.relation, len(core.coordinates))
            stored = at_core(relation, core.coordinates).range()
            index = -1
            if stored.dim(isl.dim_type.set):
                low, high = stored.dim_min_val(0), stored.dim_max_val(0)
                index = low.to_python() if low == high else -1
            self._stores[key] = index
        return self._stores[key]

    def axis_of_parts(self, op: LoadOp) -> int | None:
        """Return the axis, after that of iterations, of the lanes that are the first index of the location."""
        if op not in self._axes:
            relation = op.maps.data[0].relation
            lanes = relation.domain().unwrap().dim(isl.dim_type.out)
            first = relation.dim(isl.dim_type.in_) - lanes
            self._axes[op] = next(
                (1 + k for k in range(lanes) if _is_first_index(relation, first + k)), None
            )
        return self._axes[op]


def _is_first_index(relation: isl.Map, position: int) -> bool:
    equal = relation.equate(isl.dim_type.in_, position, isl.dim_type.out, 0)
    return bool(equal.is_equal(relation))


def _distinct_lanes(op: LoadOp, number: int) -> bool:
    """Return True if no iteration loads an element twice."""
    relation = op.maps.data[number].relation
    iteration = relation.domain().unwrap().domain_map()
    return bool(relation.range_product(iteration).is_injective())


class FieldMemory(Memory):
    """Memory of residues, which bodies load and store as `Residues`."""

    def __init__(
        self,
        network: ElaboratedNetwork,
        plan: MemoryPlan,
        weights: Weights,
        stream: Stream,
    ):
        super().__init__(network, plan, weights, stream)
        numbers = weights.numbers
        assert isinstance(numbers, FieldNumbers)
        self.world, self.chances, self.known = numbers.world, numbers.chances, numbers.known
        self.in_parts = numbers.in_parts
        self.declared = network.arrays
        self.given, self.found = numbers.given, numbers.found
        self.initial = {**self.initial, **self.given.initial}
        assert stream.known is not None
        self.last = stream.known - 1
        for name in self.given.watched:
            self.found[name] = np.zeros(network.arrays[name].shape)
        # What later inferences read is kept, like outputs.
        for name, array in network.arrays.items():
            if array.initial is not None and name not in network.inputs:
                self.results.setdefault(name, (array.shape, np.dtype(np.float64)))
        self.arrays = {place: layout.buffer.array for place, layout in self.layouts.items()}

    def load(self, core: Core, load: Load, inference: int, start: int, stop: int) -> Any:
        lanes = super().load(core, load, inference, start, stop)
        chances = [
            self._chance(load.op, number, self.arrays[core.name, value])
            for number, (value, _) in enumerate(load.sources)
        ]
        if load.across and self.given.initial:
            chances.append(INPUT_CHANCE)
        chance = chances[0] if len(chances) == 1 else Chance.of_any(chances)
        if chance.own and (load.across or pad_value(load.op) != 0):
            chance = chance._replace(own=0)  # of padding, or of initial values
        if load.across:
            chance = chance._replace(distinct=0)
        residues = Residues(self.world, lanes, dtype_of(load.op.result.type), chance)
        if len(load.sources) == 1:
            residues.separate = self._separate(load.op, self.arrays[core.name, load.sources[0][0]])
        return residues

    def _separate(self, op: LoadOp, name: str) -> int | None:
        """Return the axis of lanes that are parts of an array, if each part has parameters that occur in no other."""
        known = {} if name in self.given.stored else self.in_parts.get(name, {})
        parts = list(known.values())
        if len(parts) < 2 or -1 in known or (axis := self.known.axis_of_parts(op)) is None:
            return None
        seen = 0
        for part in parts:
            if not part.own or part.own & seen:
                return None
            seen |= part.uses & ~INPUT
        later = 0
        for part in reversed(parts):
            if part.own & later:
                return None
            later |= part.uses
        return axis

    def _chance(self, op: LoadOp, number: int, name: str) -> Chance:
        array = self.declared[name]
        if array.source is not None:
            return self.known.of_load(op, array, number)
        if self.given.holds_all(name):
            return INPUT_CHANCE
        return self.chances.get(name, INPUT_CHANCE)

    def store(
        self, core: Core, store: Store, value: Any, inference: int, start: int, stop: int
    ) -> None:
        residues = lift(self.world, value)
        known = self.chances.get(store.array, ZERO)
        self.chances[store.array] = Chance.of_any((known, residues.chance))
        part = self.known.part_of_store(store, core)
        parts = self.in_parts.setdefault(store.array, {})
        parts[part] = Chance.of_any((parts.get(part, ZERO), residues.chance))
        values = residues.values
        if store.array in self.found and inference == self.last:
            values = self._instead(store, values, start, stop)
        super().store(core, store, values, inference, start, stop)

    def _instead(self, store: Store, values: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Keep what a program computed, and return what is stored instead."""
        found = self.found[store.array]
        location, defined = store.access.locations(start, stop)
        index = np.broadcast_to(ravel(location, found.shape), values.shape)
        there = ... if defined is None else np.broadcast_to(defined, values.shape)
        found.reshape(-1)[index[there]] = values[there]
        if store.array not in self.given.stored:
            return values
        mask, others = (x.reshape(-1) for x in self.given.stored[store.array])
        place = np.where(True if defined is None else defined, index, 0)
        return np.where(mask[place], others[place], values)
