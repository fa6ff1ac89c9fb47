"""Vector operations in the body of an iteration that upstream dialects lack.

Bodies of `polyhedral` stages and of `cmcore` iterations hold the same operations, so these belong to neither level. In
the textual IR they have names of the `cmcore` dialect, such as `cmcore.mxv` and `cmcore.reduce`.
"""

from cmir.dialects.vectors.elementwise import CompareOp, ConvertOp, RemainderOp, SelectOp
from cmir.dialects.vectors.pick import PickOp, PlaceOp, elements_used, index_operands
from cmir.dialects.vectors.product import MxvOp
from cmir.dialects.vectors.reductions import ArgReduceOp, ArgTopKOp, ReduceOp

__all__ = [
    "ArgReduceOp",
    "ArgTopKOp",
    "CompareOp",
    "ConvertOp",
    "MxvOp",
    "PickOp",
    "PlaceOp",
    "ReduceOp",
    "RemainderOp",
    "SelectOp",
    "elements_used",
    "index_operands",
]
