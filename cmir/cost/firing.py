"""Steps of one iteration of a program that determine its cost: kinds, sizes and dependences.

The bodies of `cmcore.iteration` and `polyhedral.stage` are alike. An operation loads a vector, multiplies it on
crossbars, or stores it; every other operation on data runs on the vector unit (DPU). An operation's implementation can
state how many elements it processes (`cmir.semantics.implementations`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerType, TensorType, VectorType
from xdsl.ir import Attribute, Block, Operation, SSAValue

from cmir.dialects.cmcore import BufferOp, CrossbarOp, LoadOp, ProgramOp, StoreOp
from cmir.dialects.polyhedral import MatrixOp, ReadOp, StageOp, WriteOp, symbol
from cmir.dialects.vectors import MxvOp, elements_used
from cmir.semantics.body import implementation_of


@dataclass(frozen=True)
class Matrix:
    """A matrix on crossbars: `outputs` × `inputs`, or `blocks` such matrices along a diagonal."""

    outputs: int
    inputs: int
    blocks: int = 1

    @property
    def weights(self) -> int:
        """Number of elements."""
        return self.outputs * self.inputs * self.blocks

    @staticmethod
    def of(value: SSAValue) -> Matrix:
        """Return the matrix that a value of a body is."""
        assert isinstance(value.type, TensorType)
        *blocks, outputs, inputs = value.type.get_shape()
        return Matrix(outputs, inputs, prod(blocks))


@dataclass(frozen=True)
class FiringStep:
    """An operation of an iteration.

    kind: `load`, `product`, `vector` or `store`. elements: number of elements loaded, stored or processed; for a
    product, of its result; for a load from which the iteration only picks, of those picked. bits: size of an element.
    after: positions in the firing of the steps whose results it uses. matrix: position of a product's matrix among
    those of the firing. arrays: arrays that it loads from or stores to.
    """

    kind: str
    elements: int
    bits: int = 32
    after: tuple[int, ...] = ()
    matrix: int = 0
    arrays: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Firing:
    """Steps of one iteration in order, each after those whose results it uses, and its matrices.

    ways: number of sets of crossbars with these matrices, among which iterations alternate.
    """

    steps: tuple[FiringStep, ...]
    matrices: tuple[Matrix, ...] = ()
    ways: int = 1

    @staticmethod
    def of(op: ProgramOp | StageOp) -> Firing:
        """Return the firing of one iteration of a program or stage."""
        body = op.iteration.body if isinstance(op, ProgramOp) else op.body
        return replace(firing_of(body.block), ways=_ways(op))


def _ways(op: ProgramOp | StageOp) -> int:
    matrices = (m for m in op.body.block.ops if isinstance(m, CrossbarOp | MatrixOp))
    return next((matrix.sets for matrix in matrices), 1)


def firing_of(body: Block) -> Firing:
    """Return the firing of the iteration with this body."""
    steps: list[FiringStep] = []
    matrices: dict[SSAValue, Matrix] = {}
    made_by: dict[SSAValue, tuple[int, ...]] = {}
    constants: set[SSAValue] = set()
    for op in body.ops:
        if _is_constant(op, constants):
            constants.update(op.results)
            continue
        after = tuple(sorted({step for o in op.operands for step in made_by.get(o, ())}))
        step = _step(op, after, matrices)
        if step is not None:
            steps.append(step)
            after = (len(steps) - 1,)
        made_by.update(dict.fromkeys(op.results, after))
    return Firing(tuple(steps), tuple(matrices.values()))


def _is_constant(op: Operation, constants: set[SSAValue]) -> bool:
    """Return True for a constant, and for an operation on constants: their results exist from the start."""
    return isinstance(op, arith.ConstantOp) or (
        bool(op.operands) and bool(op.results) and constants.issuperset(op.operands)
    )


def _step(
    op: Operation, after: tuple[int, ...], matrices: dict[SSAValue, Matrix]
) -> FiringStep | None:
    """Return the step of an operation, None if it takes no time. matrices: those so far; the operation's is added."""
    match op:
        case MxvOp():
            matrices.setdefault(op.matrix, Matrix.of(op.matrix))
            number = list(matrices).index(op.matrix)
            return FiringStep("product", *_size(op.result), after, number)
        case LoadOp() | ReadOp():
            bits = _size(op.result)[1]
            return FiringStep("load", elements_used(op.result), bits, after, arrays=_loaded(op))
        case StoreOp() | WriteOp():
            return FiringStep("store", *_size(op.value), after, arrays=(symbol(op.array),))
        case _:
            # The control unit computes coordinates.
            if all(isinstance(operand.type, IndexType) for operand in op.operands):
                return None
            elements, bits = max(map(_size, (*op.operands, *op.results)))
            implementation = implementation_of(op)
            if implementation is not None and implementation.work is not None:
                elements = implementation.work(op)
            return FiringStep("vector", elements, bits, after)


def _loaded(op: LoadOp | ReadOp) -> tuple[str, ...]:
    if isinstance(op, ReadOp):
        return tuple(array for array, _ in op.arrays_and_maps())
    buffers = [buffer.owner for buffer, _ in op.buffers_and_maps()]
    return tuple(symbol(buffer.array) for buffer in buffers if isinstance(buffer, BufferOp))


def _size(value: SSAValue) -> tuple[int, int]:
    """Return (elements, bits per element) of a vector or scalar."""
    if isinstance(value.type, VectorType):
        return prod(value.type.get_shape()), _bits(value.type.element_type)
    return 1, _bits(value.type)


def _bits(type: Attribute) -> int:
    match type:
        case IntegerType():
            return type.width.data
        case IndexType():
            return 64
        case _:
            return type.bitwidth  # pyright: ignore[reportAttributeAccessIssue]
