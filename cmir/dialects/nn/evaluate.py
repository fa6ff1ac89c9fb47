"""Evaluation of `nn` functions with NumPy: the reference for the compiler's output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, overload

import numpy as np
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, SSAValue
from xdsl.traits import IsTerminator
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import NNOp, shape_of
from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.stage import StageOp
from cmir.support.diagnostics import CompileError

Values = dict[SSAValue, np.ndarray]


@overload
def evaluate_function(
    function: FuncOp,
    inputs: Sequence[np.ndarray],
    parameters: Mapping[str, np.ndarray],
    intermediates: Literal[False] = False,
) -> tuple[np.ndarray, ...]: ...


@overload
def evaluate_function(
    function: FuncOp,
    inputs: Sequence[np.ndarray],
    parameters: Mapping[str, np.ndarray],
    intermediates: Literal[True],
) -> tuple[tuple[np.ndarray, ...], Values]: ...


def evaluate_function(
    function: FuncOp,
    inputs: Sequence[np.ndarray],
    parameters: Mapping[str, np.ndarray],
    intermediates: bool = False,
) -> tuple[np.ndarray, ...] | tuple[tuple[np.ndarray, ...], Values]:
    """Return the results of the function for one sample.

    parameters: the arrays of named parameters. With `intermediates`, return a pair: the results, and all values
    computed on the way, including values inside stages. Raises CompileError if inputs or parameters do not fit, or if
    an operation cannot be evaluated.
    """
    if len(function.body.blocks) != 1:
        raise CompileError(function, f"function @{function.sym_name.data} must have one block")
    block = function.body.block
    values: Values = {}
    if len(inputs) != len(block.args):
        raise CompileError(
            function, f"the function has {len(block.args)} arguments, got {len(inputs)} arrays"
        )
    for argument, array in zip(block.args, inputs, strict=True):
        try:
            shape = shape_of(argument)
        except VerifyException as error:
            raise CompileError(argument, f"argument {argument.index}: {error}") from None
        if np.shape(array) != shape:
            raise CompileError(
                argument,
                f"argument {argument.index} must have the shape {list(shape)},"
                f" got {list(np.shape(array))}",
            )
        values[argument] = np.asarray(array, dtype_of(argument))
    results = _evaluate_block(block, values, parameters)
    return (results, values) if intermediates else results


def _evaluate_block(
    block: Block, values: Values, parameters: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Evaluate a block, add all of its values to `values`, and return the operands of its terminator."""
    for op in block.ops:
        operands = tuple(values[operand] for operand in op.operands)
        match op:
            case NNOp():
                results = op.evaluate_all(*operands)
            case ParameterOp():
                results = (op.evaluate(parameters),)
            case StageOp():
                values.update(zip(op.body.block.args, operands, strict=True))
                results = _evaluate_block(op.body.block, values, parameters)
            case _ if op.has_trait(IsTerminator):
                return operands
            case _:
                raise CompileError(op, f"{op.name} cannot be evaluated at the level of `nn`")
        values.update(zip(op.results, results, strict=True))
    return ()
