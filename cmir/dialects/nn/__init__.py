"""The `nn` dialect: a network as a graph of operators on tensors of one sample."""

from xdsl.ir import Dialect

from cmir.dialects.nn.convolution import ConvOp
from cmir.dialects.nn.copy import CopyOp
from cmir.dialects.nn.evaluate import evaluate_function
from cmir.dialects.nn.interface import Access, Cells, IterationOp, LayoutOp, PointwiseOp
from cmir.dialects.nn.layout import PadOp, ReshapeOp, SliceOp, TransposeOp
from cmir.dialects.nn.matrix import GemmOp
from cmir.dialects.nn.normalization import BatchNormOp
from cmir.dialects.nn.operation import NNOp
from cmir.dialects.nn.parameter import ParameterOp, parameter_of
from cmir.dialects.nn.pointwise import AddOp, ReluOp
from cmir.dialects.nn.pooling import AveragePoolOp, GlobalAveragePoolOp, MaxPoolOp
from cmir.dialects.nn.stage import StageOp, YieldOp

__all__ = [
    "NN",
    "Access",
    "AddOp",
    "AveragePoolOp",
    "BatchNormOp",
    "Cells",
    "ConvOp",
    "CopyOp",
    "GemmOp",
    "GlobalAveragePoolOp",
    "IterationOp",
    "LayoutOp",
    "MaxPoolOp",
    "NNOp",
    "PadOp",
    "ParameterOp",
    "PointwiseOp",
    "ReluOp",
    "ReshapeOp",
    "SliceOp",
    "StageOp",
    "TransposeOp",
    "YieldOp",
    "evaluate_function",
    "parameter_of",
]

NN = Dialect(
    "nn",
    [
        ParameterOp,
        ConvOp,
        GemmOp,
        AddOp,
        ReluOp,
        CopyOp,
        BatchNormOp,
        MaxPoolOp,
        AveragePoolOp,
        GlobalAveragePoolOp,
        ReshapeOp,
        TransposeOp,
        SliceOp,
        PadOp,
        StageOp,
        YieldOp,
    ],
)
