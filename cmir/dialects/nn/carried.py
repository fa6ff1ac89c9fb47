"""State of a network: carried pairs of an argument and a result of its function.

```mlir
func.func @main(%x: tensor<2xf32>,
                %s: tensor<4xf32> {nn.carried_from = 1 : index, nn.initial = dense<0.0> : tensor<4xf32>})
    -> (tensor<2xf32>, tensor<4xf32>)
```

In each inference, a carried argument is what its result was in the inference before. In the first inference of a
stream, it has its initial value: inline, or a tensor of the argument's shape in the weights file, by name. A carried
argument is no input of the network, and a carried result is no output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    IndexType,
    IntegerAttr,
    StringAttr,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, BlockArgument

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import shape_of
from cmir.support.diagnostics import CompileError
from cmir.support.parameters import parameter_value

CARRIED_FROM = "nn.carried_from"
"""Attribute of an argument: the index of the result that it is carried from."""
INITIAL = "nn.initial"
"""Attribute of a carried argument: its value in the first inference."""


@dataclass(frozen=True)
class CarriedPair:
    """A carried argument. result: index of the result that it is carried from. initial: its first value."""

    argument: BlockArgument
    result: int
    initial: StringAttr | DenseIntOrFPElementsAttr

    @property
    def initial_number(self) -> float | None:
        """The number that all elements of an inline initial value equal, or None."""
        inline = isinstance(self.initial, DenseIntOrFPElementsAttr) and self.initial.is_splat()
        return next(iter(self.initial.iter_values())) if inline else None  # pyright: ignore

    def initial_value(self, parameters: Mapping[str, np.ndarray] | None) -> np.ndarray:
        """Return the initial value. Raises CompileError if `parameters` lack it, or have another shape or type."""
        shape, dtype = shape_of(self.argument), dtype_of(self.argument)
        match self.initial:
            case StringAttr(data=name):
                return parameter_value(parameters, name, shape, dtype, self.argument)
            case dense:
                return np.array(dense.get_values()).reshape(shape).astype(dtype, copy=False)


def carried_pairs(function: FuncOp) -> Sequence[CarriedPair]:
    """Return the carried pairs of a function, in the order of the arguments.

    Raises CompileError at an argument whose attributes are wrong.
    """
    block = function.body.blocks.first
    if function.arg_attrs is None or block is None:
        return ()
    found: dict[int, CarriedPair] = {}
    for argument, attributes in zip(block.args, function.arg_attrs.data, strict=True):
        if CARRIED_FROM not in attributes.data and INITIAL not in attributes.data:
            continue
        pair = _pair(function, argument, attributes.data)
        if pair.result in found:
            other = _shown(found[pair.result].argument)
            message = f"result {pair.result} is carried to {other}: return the value twice"
            raise CompileError(argument, f"argument {_shown(argument)}: {message}")
        found[pair.result] = pair
    return tuple(found.values())


def _pair(
    function: FuncOp, argument: BlockArgument, attributes: Mapping[str, Attribute]
) -> CarriedPair:
    results, initial = function.function_type.outputs.data, attributes.get(INITIAL)
    match attributes.get(CARRIED_FROM):
        case None:
            problem = f"`{INITIAL}` needs `{CARRIED_FROM}`"
        case IntegerAttr(type=IndexType()) as index if 0 <= index.value.data < len(results):
            result = index.value.data
            if results[result] != argument.type:
                problem = f"it has type {argument.type}, its result {result} has {results[result]}"
            elif not isinstance(initial, StringAttr | DenseIntOrFPElementsAttr):
                problem = f"a carried argument needs `{INITIAL}`, elements or the name of a tensor"
            elif isinstance(initial, DenseIntOrFPElementsAttr) and initial.type != argument.type:
                problem = f"it has type {argument.type}, its initial value {initial.type}"
            else:
                return CarriedPair(argument, result, initial)
        case other:
            problem = (
                f"`{CARRIED_FROM}` must be the index of one of {len(results)} results, got {other}"
            )
    raise CompileError(argument, f"argument {_shown(argument)}: {problem}")


def carried_attributes(
    result: int, initial: StringAttr | DenseIntOrFPElementsAttr
) -> DictionaryAttr:
    """Return the attributes of an argument that is carried from a result."""
    index = IntegerAttr.from_index_int_value(result)
    return DictionaryAttr({CARRIED_FROM: index, INITIAL: initial})


def input_arguments(function: FuncOp) -> Sequence[BlockArgument]:
    """Return the arguments that are inputs of the network: all that are not carried. Raises like `carried_pairs`."""
    carried = {pair.argument for pair in carried_pairs(function)}
    block = function.body.blocks.first
    return [a for a in block.args if a not in carried] if block is not None else []


def output_indices(function: FuncOp) -> Sequence[int]:
    """Return the indices of the results that are outputs of the network. Raises like `carried_pairs`."""
    carried = {pair.result for pair in carried_pairs(function)}
    return [i for i in range(len(function.function_type.outputs)) if i not in carried]


def _shown(argument: BlockArgument) -> str:
    return f"%{argument.name_hint or f'arg{argument.index}'}"
