"""Evaluation of `nn` functions with NumPy: the reference for the compiler's output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, overload

import numpy as np
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, SSAValue
from xdsl.traits import IsTerminator
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.carried import carried_pairs, input_arguments, output_indices
from cmir.dialects.nn.operation import NNOp, shape_of
from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.stage import ScanOp, StageOp
from cmir.support.counts import count_of
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
    """Return the results of the function for one sample. Carried arguments are inputs like others.

    parameters: the arrays of named parameters. With `intermediates`, return a pair: the results, and all values
    computed on the way, including values inside stages. Raises CompileError if inputs or parameters do not fit, or if
    an operation cannot be evaluated.
    """
    block = _block(function)
    values: Values = {}
    if len(inputs) != len(block.args):
        raise CompileError(
            function,
            f"the function has {count_of(len(block.args), 'argument')}, got {count_of(len(inputs), 'array')}",
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


def evaluate_stream(
    function: FuncOp,
    stream: Iterable[Sequence[np.ndarray]],
    parameters: Mapping[str, np.ndarray],
    first: Sequence[int] | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the outputs of each inference of a stream.

    Each carried argument is what its result was in the inference before. It has its initial value in the first
    inference of a sequence.

    stream: the inputs of each inference. first: for each inference, the number of the first inference of its sequence;
    by default, the stream is one sequence. Raises CompileError like `evaluate_function`.
    """
    arguments = _block(function).args
    pairs, inputs = carried_pairs(function), input_arguments(function)
    outputs = output_indices(function)
    results: Sequence[np.ndarray] = ()
    for number, arrays in enumerate(stream):
        if len(arrays) != len(inputs):
            raise CompileError(
                function,
                f"the network has {count_of(len(inputs), 'input')}, got {count_of(len(arrays), 'array')}",
            )
        begins = number == (0 if first is None else first[number])
        values = dict(zip(inputs, arrays, strict=True)) | {
            pair.argument: pair.initial_value(parameters) if begins else results[pair.result]
            for pair in pairs
        }
        results = evaluate_function(function, [values[a] for a in arguments], parameters)
        yield tuple(results[index] for index in outputs)


def _block(function: FuncOp) -> Block:
    if len(function.body.blocks) != 1:
        raise CompileError(function, f"function @{function.sym_name.data} must have one block")
    return function.body.block


def _check_results(op: NNOp, results: Sequence[Any]) -> None:
    """Raise CompileError if an operator, which may be of another package, returns other arrays than its type says."""
    if len(results) != len(op.results):
        found, wanted = count_of(len(results), "array"), count_of(len(op.results), "result")
        message = f"`{op.name}` evaluates to {found}, and has {wanted}"
        raise CompileError(op, message)
    for result, array in zip(op.results, results, strict=True):
        shape, dtype = shape_of(result), dtype_of(result)
        if isinstance(array, np.ndarray | np.generic):
            if (array.shape, array.dtype) == (shape, dtype):
                continue
            got = f"{array.dtype} with the shape {list(array.shape)}"
        else:
            got = type(array).__name__
        wanted = f"an array of {dtype} with the shape {list(shape)}"
        raise CompileError(op, f"`evaluate` of {op.name} must return {wanted}, got {got}")


def _evaluate_step(
    op: ScanOp, values: Values, parameters: Mapping[str, np.ndarray], given: Sequence[np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Evaluate a step of a scan. `values` get those of this step."""
    values.update(zip(op.body.block.args, given, strict=True))
    return _evaluate_block(op.body.block, values, parameters)


def _evaluate_block(
    block: Block, values: Values, parameters: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Evaluate a block, add all of its values to `values`, and return the operands of its terminator."""
    for op in block.ops:
        operands = tuple(values[operand] for operand in op.operands)
        match op:
            case NNOp():
                results = op.evaluate_all(*operands)
                _check_results(op, results)
            case ParameterOp():
                results = (op.evaluate(parameters),)
            case StageOp():
                values.update(zip(op.body.block.args, operands, strict=True))
                results = _evaluate_block(op.body.block, values, parameters)
            case ScanOp():
                results = op.run(operands, partial(_evaluate_step, op, values, parameters))
            case _ if op.has_trait(IsTerminator):
                return operands
            case _:
                raise CompileError(op, f"{op.name} cannot be evaluated at the level of `nn`")
        values.update(zip(op.results, results, strict=True))
    return ()
