"""Checks of what methods of operators return, which may be those of other packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import islpy as isl
from xdsl.dialects.builtin import VectorType
from xdsl.ir import SSAValue

from cmir.dialects.nn.interface import Access, Cells, IterationOp
from cmir.dialects.nn.operation import shape_of
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError


def checked_reads(op: IterationOp, reads: Any) -> Sequence[Access | Cells]:
    """Return what `reads` of an operator has returned. Raises CompileError if that cannot be its reads."""
    if not isinstance(reads, Sequence):
        raise CompileError(op, f"`reads` of {op.name} must return a list, got {_kind(reads)}")
    rank = op.domain().dim(isl.dim_type.set)
    for index, read in enumerate(reads):
        if isinstance(read, Cells):
            continue
        if not isinstance(read, Access):
            what = f"`reads` of {op.name} must return Access and Cells"
            raise CompileError(op, f"{what}, got {_kind(read)} for read {index}")
        if (problem := _problem(op, index, read, rank)) is not None:
            message = f"read {index} of {op.name} has {problem}: {read.relation}"
            raise CompileError(op, message)
    return reads


def _problem(op: IterationOp, index: int, read: Access, rank: int) -> str | None:
    """Return what is wrong with the dimensions of an access, or None. rank: of the iterations."""
    given = read.relation.dim(isl.dim_type.in_)
    if given != rank + len(read.lanes):
        wanted = f"{rank} of the iteration and {len(read.lanes)} of lanes"
        return f"a relation from {given} coordinates instead of {wanted}"
    if index >= len(op.operands) or read.constant is not None or read.relation.is_empty():
        return None
    found, wanted = read.relation.dim(isl.dim_type.out), len(shape_of(op.operands[index]))
    return (
        None
        if found == wanted
        else f"elements of {count_of(found, 'coordinate')} instead of {wanted}"
    )


def checked_results(op: IterationOp, results: Any) -> Sequence[SSAValue]:
    """Return what `build_results` of an operator has returned. Raises CompileError for anything but its vectors."""
    vectors = [value for value in results if isinstance(value, SSAValue)]
    if len(vectors) < len(results) or len(results) != len(op.results):
        got = ", ".join(map(_kind, results)) or "nothing"
        many = "a vector" if len(op.results) == 1 else f"{len(op.results)} vectors"
        raise CompileError(op, f"`build_body` of {op.name} must return {many}, got {got}")
    for value in vectors:
        if not isinstance(value.type, VectorType):
            message = f"`build_body` of {op.name} must return a vector, got {value.type}"
            raise CompileError(op, message)
    return vectors


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
