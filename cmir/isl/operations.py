"""Construction of many similar operations.

The constructors of operations check their arguments and build the same types and properties again each time. For an
operation without attributes of its own, both depend on the types of its operands and on a few arguments only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

INDEX = IndexType()


def operation(kind: type[Operation], *operands: SSAValue, **arguments: str) -> Operation:
    """Return `kind(*operands, **arguments)` for an operation without regions."""
    properties, results = _form(
        kind, tuple(operand.type for operand in operands), tuple(arguments.items())
    )
    return kind.create(operands=operands, result_types=results, properties=properties)


@lru_cache(maxsize=1024)
def _form(
    kind: type[Operation], types: tuple[Attribute, ...], arguments: tuple[tuple[str, str], ...]
) -> tuple[Mapping[str, Attribute], Sequence[Attribute]]:
    """Return the properties and the result types of an operation."""
    op = kind(*Block(arg_types=types).args, **dict(arguments))
    return op.properties, [result.type for result in op.results]


def index_constant(value: int) -> arith.ConstantOp:
    """Return a constant of type `index`."""
    return arith.ConstantOp.create(
        result_types=[INDEX], properties={"value": _index_attribute(value)}
    )


@lru_cache(maxsize=65536)
def _index_attribute(value: int) -> IntegerAttr:
    return IntegerAttr(value, INDEX)
