"""Networks whose control logic is small and yet of every kind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from networks import Builder, run_passes

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.frontends.onnx import import_onnx
from cmir.support.parsing import parse_module


def lower(net: Builder, *outputs: str, passes: str = "") -> NetworkOp:
    """A network at the cmcore level. passes: run at the polyhedral level."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(net.model(*outputs), path)
        imported = import_onnx(path)
    context = make_context()
    context.parameters = imported.parameters
    passes = ",".join(filter(None, ["nn-to-polyhedral", passes, TO_CMCORE]))
    run_passes(imported.module, passes, context)
    (network,) = imported.module.body.block.ops
    assert isinstance(network, NetworkOp)
    network.detach()
    return network


TO_CMCORE = "polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore"


def textbook() -> NetworkOp:
    net = Builder(1, 10)
    return lower(net, net.conv(net.conv("x", 1, 3), 1, 3))


def padded() -> NetworkOp:
    net = Builder(1, 4, 4)
    c = net.conv(net.conv("x", 2, pads=1), 1, pads=1)
    return lower(net, c, passes="polyhedral-assign-storage{rows=3}")


def residual() -> NetworkOp:
    net = Builder(1, 4, 3)
    a = net.conv("x", 1, pads=1)
    b = net.conv(a, 1, pads=1)
    return lower(net, net.relu(net.add(net.conv(b, 1, pads=1), a)), passes=RINGS)


def long_skip() -> NetworkOp:
    net = Builder(2, 6)
    a = net.conv("x", 2, pads=1)
    b = net.conv(net.relu(net.conv(a, 2, pads=1)), 2, pads=1)
    return lower(net, net.add(a, b), passes="polyhedral-assign-storage{sizes=lossless}")


def strided() -> NetworkOp:
    net = Builder(1, 5, 4)
    return lower(net, net.conv(net.conv("x", 1, pads=1), 1, 3, 2, 1), passes=RINGS)


def pooled() -> NetworkOp:
    net = Builder(2, 5, 4)
    a = net.pool(net.conv("x", 2, pads=1), "Max", 2, 2)
    return lower(net, net.gemm(net.flatten(a), 3), passes=RINGS)


def few_reads() -> NetworkOp:
    """Iterations of the reader that need nothing, before and after those that do; rows nobody reads."""
    net = Builder(1, 4, 4)
    a = net.crop(net.conv("x", 1, pads=1), 1, 3)
    return lower(net, net.conv(a, 1, 2, 1, [2, 3, 3, 2]), passes=RINGS)


def reversed_reader() -> NetworkOp:
    net = Builder(1, 4, 4)
    c = net.conv(net.conv("x", 1, pads=1), 1, pads=1)
    return lower(net, c, passes="polyhedral-schedule{stage=conv2 reverse=0,1}," + RINGS)


def interchanged_writer() -> NetworkOp:
    net = Builder(1, 4, 3)
    c = net.conv(net.conv("x", 1, pads=1), 1, pads=1)
    return lower(net, c, passes="polyhedral-schedule{stage=conv1 interchange=1,0}," + RINGS)


def tiled() -> NetworkOp:
    net = Builder(1, 4, 4)
    c = net.conv(net.conv("x", 1, pads=1), 1, pads=1)
    return lower(net, c, passes="polyhedral-schedule{tile=2,2}," + RINGS)


def fan_out() -> NetworkOp:
    net = Builder(1, 5, 3)
    a = net.conv("x", 2, pads=1)
    return lower(net, net.conv(a, 1, [3, 1]), net.pool(a, "Average", 1, 2), passes=RINGS)


def replicated() -> NetworkOp:
    """By rows that are dealt out to two cores, then to three, in rings of a bank for each writer."""
    net = Builder(1, 6, 3)
    c = net.conv(net.conv("x", 1, pads=1), 1, pads=1)
    copies = (
        "polyhedral-replicate{stage=conv1 copies=2 by=rows},"
        "polyhedral-replicate{stage=conv2 copies=3 by=rows},"
    )
    return lower(net, c, passes=copies + RINGS)


def in_bands() -> NetworkOp:
    net = Builder(1, 6, 3)
    a = net.conv("x", 1, pads=1)
    copies = (
        "polyhedral-replicate{stage=conv1 copies=2 by=bands},"
        "polyhedral-replicate{stage=conv2 copies=2 by=rows}"
    )
    return lower(net, net.add(net.conv(a, 1, pads=1), a), passes=copies)


def in_columns() -> NetworkOp:
    """Neighbours read each other's columns at the borders; the rows of a ring are written by all copies together."""
    net = Builder(1, 4, 6)
    a = net.conv("x", 1, pads=1)
    copies = (
        "polyhedral-replicate{stage=conv1 copies=3},polyhedral-replicate{stage=conv2 copies=2},"
    )
    return lower(net, net.conv(a, 1, pads=1), passes=copies + RINGS)


def split() -> NetworkOp:
    """Partial sums, each of some inputs and for some outputs; the reader's inputs are split, too."""
    net = Builder(2, 5)
    c = net.conv(net.relu(net.conv("x", 3, pads=1)), 2, pads=1)
    return lower(net, c, passes="polyhedral-split-matrices{rows=3 columns=2}," + RINGS)


def split_concatenation() -> NetworkOp:
    """Some cores of the reader read nothing of one of the arrays."""
    net = Builder(1, 5)
    a = net.conv("x", 1, pads=1)
    y = net.conv(net.concat(net.conv(a, 1, 1), net.conv(a, 2, 1)), 1, pads=1)
    return lower(net, y, passes="polyhedral-split-matrices{rows=3 columns=2}," + RINGS)


def streamed() -> NetworkOp:
    """Inputs and outputs, one of which is read, too, by way of the global control unit."""
    net = Builder(1, 4)
    a = net.conv("x", 1, 3, pads=1)
    passes = "polyhedral-stream-inputs,polyhedral-stream-outputs," + RINGS
    return lower(net, net.conv(a, 1, 3, pads=1), a, passes=passes)


def shared_slots() -> NetworkOp:
    """Two writers of an array in one ring, in an order that their credits give."""
    text = (_FILECHECK / "passes/cmcore-verify-control/writers.mlir").read_text(encoding="utf-8")
    (network,) = parse_module(text.split("// -----")[0], make_context()).body.block.ops
    assert isinstance(network, NetworkOp)
    network.detach()
    return network


_FILECHECK = Path(__file__).parents[1] / "filecheck"

RINGS = "polyhedral-assign-storage{sizes=live}"

NETWORKS = (
    textbook,
    padded,
    residual,
    long_skip,
    strided,
    pooled,
    few_reads,
    reversed_reader,
    interchanged_writer,
    tiled,
    fan_out,
    replicated,
    in_bands,
    in_columns,
    split,
    streamed,
    shared_slots,
)
