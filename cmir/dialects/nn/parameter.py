"""Weights: tensors that are known before the network runs."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Self

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, StringAttr, TensorType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.interface import LayoutOp
from cmir.dialects.nn.operation import ELEMENT_TYPES, TENSOR, element_of, shape_of
from cmir.support.parameters import parameter_value


@irdl_op_definition
class ParameterOp(IRDLOperation):
    """A parameter of the network.

    The parameter is the name of a tensor in the weights file that accompanies the IR, or a tensor inlined in the IR.

    ```mlir
    %w = nn.parameter "conv1.weight" : tensor<16x3x3x3xf32>
    %b = nn.parameter dense<0.0> : tensor<16xf32>
    ```

    ONNX: an initializer.
    """

    name = "nn.parameter"

    source = prop_def(StringAttr | DenseIntOrFPElementsAttr)
    result = result_def(TENSOR)

    traits = traits_def(Pure())

    def __init__(self, source: str | DenseIntOrFPElementsAttr, type: TensorType):
        attribute = StringAttr(source) if isinstance(source, str) else source
        super().__init__(properties={"source": attribute}, result_types=[type])

    def verify_(self) -> None:
        shape_of(self.result)
        if element_of(self.result) not in ELEMENT_TYPES:
            known = ", ".join(map(str, ELEMENT_TYPES))
            raise VerifyException(
                f"the elements must be of one of {known}, got {element_of(self.result)}"
            )
        match self.source:
            case StringAttr(data=""):
                raise VerifyException("the name of a parameter must not be empty")
            case DenseIntOrFPElementsAttr(type=type) if type != self.result.type:
                raise VerifyException(f"result type must be {type}, got {self.result.type}")
            case _:
                pass

    def evaluate(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the tensor. Raises CompileError if `parameters` lacks it or has another shape or type."""
        shape, dtype = shape_of(self.result), dtype_of(self.result)
        match self.source:
            case StringAttr(data=name):
                return parameter_value(parameters, name, shape, dtype, self)
            case dense:
                return np.array(dense.get_values()).reshape(shape).astype(dtype, copy=False)

    def print(self, printer: Printer) -> None:
        printer.print_op_attributes(self.attributes)
        printer.print_string(" ")
        match self.source:
            case StringAttr():
                printer.print_attribute(self.source)
            case dense:
                dense.print_without_type(printer)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        attributes = parser.parse_optional_attr_dict()
        if (name := parser.parse_optional_str_literal()) is not None:
            source = StringAttr(name)
            parser.parse_punctuation(":")
            type = parser.parse_type()
        else:
            parser.parse_keyword("dense", " or the name of a parameter")
            source = parser.parse_dense_int_or_fp_elements_attr(None)
            type = source.type
        return cls.create(result_types=[type], properties={"source": source}, attributes=attributes)


def parameter_of(value: SSAValue) -> ParameterOp | None:
    """Return the parameter behind `value`, directly or through layout operators; None if there is none."""
    owner = value.owner
    while isinstance(owner, LayoutOp) and len(owner.operands) == 1:
        owner = owner.operands[0].owner
    return owner if isinstance(owner, ParameterOp) else None


def clone_parameter(value: SSAValue, block: Block, mapping: dict[SSAValue, SSAValue]) -> None:
    """Append a clone of a parameter, with the layout operators applied to it, to a block, and add it to `mapping`."""
    op = value.owner
    assert isinstance(op, Operation)
    for operand in op.operands:
        if operand not in mapping:
            clone_parameter(operand, block, mapping)
    block.add_op(op.clone(value_mapper=mapping))


def inline_number(value: SSAValue) -> np.ndarray | None:
    """Return the only element of an inline parameter, as an array without dimensions, or None."""
    owner = value.owner
    if not isinstance(owner, ParameterOp) or isinstance(owner.source, StringAttr):
        return None
    return owner.evaluate({}).reshape(()) if prod(shape_of(value)) == 1 else None
