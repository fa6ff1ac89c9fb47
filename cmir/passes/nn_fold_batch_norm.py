"""nn-fold-batch-norm: fold batch normalisation into the preceding weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    ModuleOp,
    StringAttr,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.transforms.dead_code_elimination import is_trivially_dead

from cmir.context import parameters_of
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.interface import LinearOp
from cmir.dialects.nn.normalization import BatchNormOp
from cmir.dialects.nn.operation import element_of, tensor_type
from cmir.dialects.nn.parameter import ParameterOp
from cmir.passes.base import report_level
from cmir.proof.values.folding import NormalizationParameters, check_folding
from cmir.support.diagnostics import emit_remark
from cmir.support.naming import UniqueNames
from cmir.support.parameters import Parameters
from cmir.support.statistics import tally


@dataclass(frozen=True)
class NnFoldBatchNormPass(ModulePass):
    """Fold batch normalisation into the weights and bias of the preceding convolution or product.

    With s = scale / sqrt(variance + epsilon), s·(W·x + b − mean) + bias is (s·W)·x + s·(b − mean) + bias. The pass
    folds a normalisation if the product has no other reader, and if the values of all parameters involved are known:
    inline, or in the weights file given to the tool. It leaves other normalisations unchanged and emits a remark.
    """

    name = "nn-fold-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        folder = _Folder(parameters_of(ctx))
        normalizations = [o for o in op.walk() if isinstance(o, BatchNormOp)]
        for normalization in normalizations:
            folder.fold(normalization)
        report_level(ctx, self, op, FuncOp)
        left = sum(isinstance(o, BatchNormOp) for o in op.walk())
        tally("normalisations folded", len(normalizations) - left)
        tally("normalisations left", left)


class _Folder:
    def __init__(self, parameters: Parameters | None):
        self.parameters = parameters
        self.names = UniqueNames(parameters or ())

    def fold(self, op: BatchNormOp) -> None:
        linear = op.x.owner
        if not isinstance(linear, LinearOp) or linear.channel_axis is None:
            return
        if not linear.results[0].has_one_use():
            return
        _, weight, *old_bias = linear.operands
        folded = [weight, *old_bias, *op.operands[1:]]
        values = [self._value(operand) for operand in folded]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            emit_remark(op, "not folded: the values of its parameters are unknown (see --weights)")
            return
        w, *rest = known
        b = rest[0] if old_bias else np.zeros(())
        scale, bias, mean, variance = rest[-4:]
        factor = scale / np.sqrt(variance + op.epsilon.value.data)
        shape = [-1 if axis == linear.channel_axis else 1 for axis in range(w.ndim)]
        w_folded = (w * factor.reshape(shape)).astype(dtype_of(weight))
        b_folded = (factor * (b - mean) + bias).astype(dtype_of(op.bias))
        before = NormalizationParameters(w, b, scale, bias, mean, variance, op.epsilon.value.data)
        check_folding(op, before, w_folded, b_folded, linear.channel_axis)
        new_weight = self._parameter(w_folded, weight, op)
        new_bias = self._parameter(b_folded, op.bias, op)
        result = type(linear).create(
            operands=[linear.operands[0], new_weight, new_bias],
            properties=dict(linear.properties),
            result_types=[op.result.type],
        )
        result.location = linear.location
        result.results[0].name_hint = op.result.name_hint or linear.results[0].name_hint
        Rewriter.replace_op(op, result)
        for old in (linear, *dict.fromkeys(value.owner for value in folded)):
            if isinstance(old, Operation) and is_trivially_dead(old):
                Rewriter.erase_op(old)

    def _value(self, operand: SSAValue) -> np.ndarray | None:
        """Return the value of a parameter in double precision, or None if it is unknown."""
        op = operand.owner
        if not isinstance(op, ParameterOp):
            return None
        if isinstance(op.source, StringAttr) and op.source.data not in (self.parameters or {}):
            return None
        return op.evaluate(self.parameters or {}).astype(np.float64)

    def _parameter(self, value: np.ndarray, like: SSAValue, before: Operation) -> SSAValue:
        """Return a parameter with this value, in the weights file if `like` is stored there, otherwise inline."""
        old = like.owner
        assert isinstance(old, ParameterOp)
        type = tensor_type(value.shape, element_of(like))
        if isinstance(old.source, StringAttr) and self.parameters is not None:
            name = self.names.take(f"{old.source.data}.folded")
            self.parameters[name] = value
            op = ParameterOp(name, type)
        else:
            data = value.reshape(-1).tolist()
            op = ParameterOp(DenseIntOrFPElementsAttr.from_list(type, data), type)
        op.location = before.location
        op.result.name_hint = like.name_hint
        block = before.parent
        assert block is not None
        block.insert_op_before(op, before)
        return op.result
