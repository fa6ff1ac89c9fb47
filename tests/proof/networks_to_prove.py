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
    a = net.conv("x", 2, pads=1)
    copies = (
        "polyhedral-replicate{stage=conv1 copies=3},polyhedral-replicate{stage=conv2 copies=2},"
    )
    return lower(net, net.conv(a, 1, pads=1), passes=copies + RINGS)


def in_turns() -> NetworkOp:
    """Three copies of the writer and two of the reader, one of which has one iteration less, and a skip of both."""
    net = Builder(1, 5, 3)
    a = net.conv("x", 1, pads=1)
    copies = (
        "polyhedral-replicate{stage=conv1 copies=3 by=turns},"
        "polyhedral-replicate{stage=conv2 copies=2 by=turns},"
    )
    return lower(net, net.add(net.conv(a, 1, pads=1), a), passes=copies + RINGS)


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


def with_state(text: str) -> NetworkOp:
    """A pipeline that reads across inferences, at the cmcore level. Relations may be broken into lines."""
    context = make_context()
    module = parse_module(f"polyhedral.pipeline @main {' '.join(text.split())}", context)
    run_passes(module, TO_CMCORE, context)
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    network.detach()
    return network


def recurrent() -> NetworkOp:
    """A row depends on the one before it, the first one on the last one of the inference before; a ring of two rows."""
    return with_state("""
      (@x) -> (@h) {
        polyhedral.array @x : tensor<3x2xf32>
        polyhedral.array @h0 parameter dense<0.5> : tensor<1x3x2xf32>
        polyhedral.array @h : tensor<3x2xf32> initial @h0
        polyhedral.storage @h at @cell #polyhedral.map<"{ h[n, t, c] -> slot[(3n + t) mod 2, c] }"> : memref<2x2xf32>
        polyhedral.stage @cell (%t) domain #polyhedral.set<"{ cell[t] : 0 <= t < 3 }"> {
          %x = polyhedral.read @x #polyhedral.map<"{ [cell[t] -> lane[c]] -> x[t, c] : 0 <= t < 3 and 0 <= c < 2 }"> :
            vector<2xf32>
          %p = polyhedral.read @h #polyhedral.map<"{ [cell[t] -> lane[c]] -> h[m = 0, t - 1, c] : 1 <= t < 3 and
            0 <= c < 2; [cell[t = 0] -> lane[c]] -> h[m = -1, 2, c] : 0 <= c < 2 }"> across : vector<2xf32>
          %s = arith.addf %x, %p : vector<2xf32>
          polyhedral.write %s, @h #polyhedral.map<"{ [cell[t] -> lane[c]] -> h[t, c] : 0 <= t < 3 and 0 <= c < 2 }"> :
            vector<2xf32>
        }
      }
    """)


def in_place() -> NetworkOp:
    """Each iteration overwrites what only it reads, of the inference before."""
    return with_state("""
      (@x) -> (@h) {
        polyhedral.array @x : tensor<2x2xf32>
        polyhedral.array @h0 parameter dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>
        polyhedral.array @h : tensor<2x2xf32> initial @h0
        polyhedral.storage @h at @s #polyhedral.map<"{ h[n, i, c] -> slot[i, c] }"> : memref<2x2xf32>
        polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 2 }"> {
          %x = polyhedral.read @x #polyhedral.map<"{ [s[i] -> lane[c]] -> x[i, c] : 0 <= i < 2 and 0 <= c < 2 }"> :
            vector<2xf32>
          %p = polyhedral.read @h #polyhedral.map<"{ [s[i] -> lane[c]] -> h[m = -1, i, c] : 0 <= i < 2 and 0 <= c < 2
            }"> across : vector<2xf32>
          %s = arith.addf %x, %p : vector<2xf32>
          polyhedral.write %s, @h #polyhedral.map<"{ [s[i] -> lane[c]] -> h[i, c] : 0 <= i < 2 and 0 <= c < 2 }"> :
            vector<2xf32>
        }
      }
    """)


def window() -> NetworkOp:
    """The last three inferences are read, and this one."""
    return with_state("""
      (@x) -> (@y) {
        polyhedral.array @x : tensor<2xf32>
        polyhedral.array @k0 parameter dense<0.0> : tensor<2x2xf32>
        polyhedral.array @k : tensor<2xf32> initial @k0
        polyhedral.array @y : tensor<2xf32>
        polyhedral.stage @key (%i) domain #polyhedral.set<"{ key[i] : 0 <= i < 2 }"> {
          %x = polyhedral.read @x #polyhedral.map<"{ [key[i] -> lane[c]] -> x[i] : 0 <= i < 2 and c = 0 }"> :
            vector<1xf32>
          polyhedral.write %x, @k #polyhedral.map<"{ [key[i] -> lane[c]] -> k[i] : 0 <= i < 2 and c = 0 }"> :
            vector<1xf32>
        }
        polyhedral.stage @attend (%i) domain #polyhedral.set<"{ attend[i] : 0 <= i < 2 }"> {
          %k = polyhedral.read @k #polyhedral.map<"{ [attend[i] -> lane[t, c = 0]] -> k[m = t - 2, i] : 0 <= i < 2 and
            0 <= t < 3 }"> across : vector<3x1xf32>
          %y = cmcore.reduce add %k along [0] : vector<3x1xf32> -> vector<1xf32>
          polyhedral.write %y, @y #polyhedral.map<"{ [attend[i] -> lane[c]] -> y[i] : 0 <= i < 2 and c = 0 }"> :
            vector<1xf32>
        }
      }
    """)


def circle(tokens: int = 2) -> NetworkOp:
    """Two cores in a circle; the first reads what the second wrote some inferences before, in reverse."""
    return with_state(f"""
      (@x) -> (@h) {{
        polyhedral.array @x : tensor<3x2xf32>
        polyhedral.array @g : tensor<3x2xf32>
        polyhedral.array @h0 parameter dense<1.0> : tensor<{tokens}x3x2xf32>
        polyhedral.array @h : tensor<3x2xf32> initial @h0
        polyhedral.stage @a (%t) domain #polyhedral.set<"{{ a[t] : 0 <= t < 3 }}"> {{
          %x = polyhedral.read @x #polyhedral.map<"{{ [a[t] -> lane[c]] -> x[t, c] : 0 <= t < 3 and 0 <= c < 2 }}"> :
            vector<2xf32>
          %p = polyhedral.read @h #polyhedral.map<"{{ [a[t] -> lane[c]] -> h[m = -{tokens}, 2 - t, c] : 0 <= t < 3 and
            0 <= c < 2 }}"> across : vector<2xf32>
          %s = arith.addf %x, %p : vector<2xf32>
          polyhedral.write %s, @g #polyhedral.map<"{{ [a[t] -> lane[c]] -> g[t, c] : 0 <= t < 3 and 0 <= c < 2 }}"> :
            vector<2xf32>
        }}
        polyhedral.stage @b (%t) domain #polyhedral.set<"{{ b[t] : 0 <= t < 3 }}"> {{
          %x = polyhedral.read @g #polyhedral.map<"{{ [b[t] -> lane[c]] -> g[t, c] : 0 <= t < 3 and 0 <= c < 2 }}"> :
            vector<2xf32>
          %s = arith.mulf %x, %x : vector<2xf32>
          polyhedral.write %s, @h #polyhedral.map<"{{ [b[t] -> lane[c]] -> h[t, c] : 0 <= t < 3 and 0 <= c < 2 }}"> :
            vector<2xf32>
        }}
      }}
    """)


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
    in_turns,
    split,
    streamed,
    shared_slots,
    recurrent,
    in_place,
    window,
    circle,
)
