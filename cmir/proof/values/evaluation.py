"""The two sides of a comparison over the field: a function of `nn` operators, and the engine's numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IndexType, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.traits import IsTerminator

from cmir.accelerator.body import function_of
from cmir.accelerator.elements import dense_values, dtype_of
from cmir.accelerator.engine import Machine
from cmir.accelerator.memory import Memory
from cmir.accelerator.numbers import Numbers
from cmir.accelerator.program import Core, Load, Store, pad_value
from cmir.dialects.cmcore import CrossbarOp, LoadOp
from cmir.dialects.nn.operation import NNOp, shape_of
from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.stage import StageOp
from cmir.dialects.polyhedral import ArrayOp
from cmir.proof.values.chance import Chance
from cmir.proof.values.field import residue_of
from cmir.proof.values.interpretation import Interpretation
from cmir.proof.values.residues import Residues, UncoveredError, lift


def parameter(
    world: Interpretation,
    source: Attribute | None,
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
) -> Residues:
    """Random residues for a name and the type it is read as, and constants for elements that are written out."""
    if isinstance(source, DenseIntOrFPElementsAttr):
        return lift(world, dense_values(source))
    assert isinstance(source, StringAttr)
    return Residues(world, world.parameter(f"{source.data} of {dtype}", shape), dtype)


def evaluate(
    function: FuncOp, inputs: Sequence[Residues], world: Interpretation
) -> tuple[Residues, ...]:
    """The results of a function for one inference. Raises UncoveredError, naming the operator."""
    block = function.body.block
    with np.errstate(all="ignore"):
        return _evaluate(block, dict(zip(block.args, inputs, strict=True)), world)


def _evaluate(
    block: Block, values: dict[SSAValue, Residues], world: Interpretation
) -> tuple[Residues, ...]:
    """The values that the block's terminator passes on; a value is dropped after its last use."""
    uses = Counter(operand for op in block.ops for operand in op.operands)
    for op in block.ops:
        operands = tuple(values[operand] for operand in op.operands)
        for operand in op.operands:
            uses[operand] -= 1
            if not uses[operand]:
                values.pop(operand, None)
        if op.has_trait(IsTerminator):
            return operands
        for result, value in zip(op.results, _results(op, operands, world), strict=True):
            if uses[result]:
                values[result] = value
    return ()


def _results(
    op: Operation, operands: tuple[Residues, ...], world: Interpretation
) -> tuple[Residues, ...]:
    match op:
        case NNOp():
            result = _covered(op, op.evaluate, *operands)
            if not isinstance(result, Residues):
                raise UncoveredError(f"{op.name} (its result is no array of residues)")
            return (result,)
        case ParameterOp():
            shape, dtype = shape_of(op.result), dtype_of(op.result.type)
            return (parameter(world, op.source, shape, dtype),)
        case StageOp():
            body = op.body.block
            return _evaluate(body, dict(zip(body.args, operands, strict=True)), world)
        case _:
            raise UncoveredError(op.name)


def _covered(op: Operation, function: Callable[..., Any], *operands: Any) -> Any:
    """The result of a function for residues. Raises UncoveredError, naming the operation, where it needs numbers."""
    try:
        return function(*operands)
    except Exception as error:  # operators of other packages may do anything with arrays
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UncoveredError(f"{op.name} ({reason})") from error


class FieldNumbers(Numbers):
    """Residues, as the engine's numbers. Memory holds them in double precision.

    chances: those of what has been stored in each array, see `Chance`.
    """

    def __init__(self, world: Interpretation):
        self.world = world
        self.chances: dict[str, Chance] = defaultdict(lambda: Chance(1))

    def cell(self, dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
        return np.dtype(np.float64)

    def pad(self, op: LoadOp) -> float:
        return float(residue_of(np.array(pad_value(op), dtype_of(op.result.type))))

    def elements(self, array: ArrayOp, parameters: Mapping[str, np.ndarray] | None) -> np.ndarray:
        dtype = dtype_of(array.type)
        return parameter(self.world, array.source, array.shape, dtype).values

    def matrix(self, crossbar: CrossbarOp, cells: np.ndarray) -> Residues:
        return Residues(self.world, cells, dtype_of(crossbar.result.type))

    def function_of(self, op: Operation) -> Callable[..., Any]:
        function = function_of(op)
        if isinstance(op, ConstantOp) and not isinstance(op.result.type, IndexType):
            return lambda: lift(self.world, function())
        return lambda *operands: _covered(op, function, *operands)

    def memory(self, machine: Machine, inputs: Sequence[Mapping[str, np.ndarray]]) -> FieldMemory:
        return FieldMemory(machine, inputs, self)


class FieldMemory(Memory):
    """Memory of residues, which bodies get and give as arrays of their own kind."""

    def __init__(
        self, machine: Machine, inputs: Sequence[Mapping[str, np.ndarray]], numbers: FieldNumbers
    ):
        super().__init__(machine, inputs)
        self.world, self.chances = numbers.world, numbers.chances
        self.arrays = {place: layout.buffer.array for place, layout in self.layouts.items()}

    def load(self, core: Core, load: Load, inference: int, start: int, stop: int) -> Any:
        lanes = super().load(core, load, inference, start, stop)
        arrays = (self.arrays[core.name, value] for value, _ in load.sources)
        chance = Chance.of_any(self.chances[array] for array in arrays)
        return Residues(self.world, lanes, dtype_of(load.op.result.type), chance)

    def store(
        self, core: Core, store: Store, value: Any, inference: int, start: int, stop: int
    ) -> None:
        residues = lift(self.world, value)
        self.chances[store.array] = Chance.of_any((self.chances[store.array], residues.chance))
        super().store(core, store, residues.values, inference, start, stop)
