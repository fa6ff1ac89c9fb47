"""Operations on vectors in the body of an iteration that upstream dialects lack.

Bodies of `polyhedral` stages and of `cmcore` iterations hold the same operations, so these belong to neither level. In
text their names are those of the `cmcore` dialect: `cmcore.mxv`, `cmcore.reduce` and so on.
"""

from cmir.dialects.vectors.elementwise import CompareOp, ConvertOp, SelectOp
from cmir.dialects.vectors.product import MxvOp
from cmir.dialects.vectors.reductions import ArgReduceOp, ReduceOp

__all__ = [
    "ArgReduceOp",
    "CompareOp",
    "ConvertOp",
    "MxvOp",
    "ReduceOp",
    "SelectOp",
]
