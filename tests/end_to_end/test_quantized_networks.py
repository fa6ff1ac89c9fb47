"""Networks quantised by onnxruntime: equal to the reference, with narrow arrays in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pytest
from networks import Builder, Compiled, compile_network, reference_outputs
from onnx import version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from cmir.analysis.capacity import sram_bytes
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp
from cmir.hardware.description import Hardware

SHAPE = (3, 16, 16)
INT8, UINT8, INT16 = QuantType.QInt8, QuantType.QUInt8, QuantType.QInt16
BYTES = {INT8: np.int8, UINT8: np.uint8, INT16: np.int16}

CASES: dict[str, tuple[QuantFormat, QuantType, bool, int]] = {
    "QDQ int8, opset 13": (QuantFormat.QDQ, INT8, False, 13),
    "QDQ uint8 per channel": (QuantFormat.QDQ, UINT8, True, 17),
    "QDQ int8 per channel, opset 21": (QuantFormat.QDQ, INT8, True, 21),
    "QDQ int16, opset 21": (QuantFormat.QDQ, INT16, False, 21),
    "QDQ int16, opset 13": (QuantFormat.QDQ, INT16, False, 13),
    "operators uint8": (QuantFormat.QOperator, UINT8, False, 13),
    "operators int8 per channel": (QuantFormat.QOperator, INT8, True, 13),
}
"""Format, type of activations, weights per channel, opset."""


def network(opset: int) -> onnx.ModelProto:
    """A residual block, a depthwise convolution, pools of maxima and averages, and a classifier."""
    b = Builder(*SHAPE, seed=4)
    stem = b.relu(b.conv("x", 16, 3, pads=1))
    block = b.conv(b.relu(b.conv(stem, 16, 3, pads=1)), 16, 3, pads=1)
    total = b.relu(b.add(block, stem))
    small = b.relu(b.conv(total, 16, 3, strides=2, pads=1, groups=16))
    wide = b.pool(b.relu(b.conv(small, 32, 1)), "Max", 3, 1, 1)
    model = b.model(b.gemm(b.flatten(b.global_average_pool(wide)), 10))
    return version_converter.convert_version(model, opset)


class Samples(CalibrationDataReader):
    """Inputs from which onnxruntime derives scales."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.samples: Iterator[np.ndarray] = iter(
            random.standard_normal((6, 1, *SHAPE), np.float32)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        sample = next(self.samples, None)
        return None if sample is None else {"x": sample}


@cache
def quantized(case: str) -> onnx.ModelProto:
    form, kind, per_channel, opset = CASES[case]
    with TemporaryDirectory() as directory:
        old, new = Path(directory) / "float.onnx", Path(directory) / "quantized.onnx"
        onnx.save(network(opset), old)
        quantize_static(
            old,
            new,
            Samples(),
            quant_format=form,
            activation_type=kind,
            weight_type=INT8,
            per_channel=per_channel,
        )
        return onnx.load(new)


def total_sram(compiled: Compiled) -> int:
    return sum(sram_bytes(compiled.timed.network, Hardware.load("ideal")).values())


STORAGES = ("", "polyhedral-assign-storage{sizes=lossless}")
"""Passes that decide how much of an array is kept."""


@cache
def float_sram(storage: str) -> int:
    """The memory of the network without quantisation."""
    return total_sram(compile_network(network(13), passes=storage))


@pytest.mark.parametrize("case", CASES)
def test_equal_and_small(case: str) -> None:
    model = quantized(case)
    compiled = compile_network(model)
    random = np.random.default_rng(1)
    stream = [{"x": random.standard_normal(SHAPE, np.float32)} for _ in range(2)]
    report = compiled.simulator.run(stream)
    for sample, outputs in zip(stream, report.outputs, strict=True):
        for array, wanted in zip(outputs.values(), reference_outputs(model, sample), strict=True):
            np.testing.assert_array_equal(array, wanted)

    kind = np.dtype(BYTES[CASES[case][1]])
    arrays = [op for op in compiled.pipeline.body.block.ops if isinstance(op, ArrayOp)]
    ends = {*compiled.timed.network.inputs, *report.outputs[0]}
    between = [a for a in arrays if a.source is None and a.sym_name.data not in ends]
    assert len(between) >= 8
    assert {dtype_of(array.type) for array in between} == {kind}
    for storage in STORAGES:
        sram = total_sram(compile_network(model, passes=storage) if storage else compiled)
        assert sram <= (0.4 if kind.itemsize == 1 else 0.6) * float_sram(storage)
