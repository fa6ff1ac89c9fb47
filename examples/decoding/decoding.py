"""Decoding with a transformer block: one token an inference, keys and values of the last K tokens on the chip.

    python examples/decoding/decoding.py [--window 16] [--hardware hermes] [--table]

The model has its state as exporters write it: `past_keys`, `past_values` and `past_mask` are inputs, `present_keys`,
`present_values` and `present_mask` outputs, each the window of the last K tokens. cmir carries them from inference to
inference. The windows become reads of the stages that compute one key and one value: no stage copies them, and a ring
of K tokens holds each.

The results are compared with onnxruntime. The same block with a cache that grows by a token an inference gives the same
tokens as long as there are no more than K of them; afterwards, the window forgets the oldest.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import cmir

WIDTH, HEADS = 64, 4
NEVER = -1e9
"""What the mask adds to the scores of tokens that do not exist yet."""


def block(window: int | None, seed: int = 0) -> onnx.ModelProto:
    """Return the model of a block.

    window: K; None for a cache that grows, as exporters write it: without state that a chip could hold.
    """
    random = np.random.default_rng(seed)
    size = WIDTH // HEADS
    weights = {
        name: (random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
        for name, shape in {
            "query": (WIDTH, WIDTH),
            "key": (WIDTH, WIDTH),
            "value": (WIDTH, WIDTH),
            "out": (WIDTH, WIDTH),
            "up": (WIDTH, 4 * WIDTH),
            "down": (4 * WIDTH, WIDTH),
        }.items()
    }
    constants = {
        **weights,
        "scale": np.float32(1 / np.sqrt(size)),
        "gain": np.ones(WIDTH, np.float32),
        "shift": np.zeros(WIDTH, np.float32),
        "heads": np.array([-1, HEADS, size]),
        "flat": np.array([1, WIDTH]),
        "one": np.array([1]),
        "all": np.array([2**31 - 1]),
        "zero": np.array([0]),
        "seen": np.zeros(1, np.float32),
    }
    nodes = []

    def node(kind: str, inputs: str, output: str, **attributes: Any) -> None:
        nodes.append(helper.make_node(kind, inputs.split(), [output], **attributes))

    node("LayerNormalization", "x gain shift", "normed")
    for name in ("query", "key", "value"):
        node("MatMul", f"normed {name}", f"{name}_flat")
        node("Reshape", f"{name}_flat heads", f"{name}_heads")
    for name, new in (("keys", "key_heads"), ("values", "value_heads"), ("mask", "seen")):
        kept = f"past_{name}"
        if window is not None:
            node("Slice", f"past_{name} one all zero", f"kept_{name}")
            kept = f"kept_{name}"
        node("Concat", f"{kept} {new}", f"present_{name}", axis=0)
    node("Transpose", "query_heads", "q", perm=[1, 0, 2])  # head, 1, size
    node("Transpose", "present_keys", "k", perm=[1, 2, 0])  # head, size, K
    node("Transpose", "present_values", "v", perm=[1, 0, 2])  # head, K, size
    node("MatMul", "q k", "raw")
    node("Mul", "raw scale", "scores")
    node("Add", "scores present_mask", "masked")
    node("Softmax", "masked", "attention", axis=-1)
    node("MatMul", "attention v", "mixed")
    node("Reshape", "mixed flat", "mixed_flat")
    node("MatMul", "mixed_flat out", "projected")
    node("Add", "x projected", "attended")
    node("LayerNormalization", "attended gain shift", "normed2")
    node("MatMul", "normed2 up", "wide")
    node("Relu", "wide", "active")
    node("MatMul", "active down", "narrow")
    node("Add", "attended narrow", "y")
    sizes = {"keys": [HEADS, size], "values": [HEADS, size], "mask": []}
    length = "past" if window is None else window
    grown = "present" if window is None else window

    def info(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "block",
        [info("x", [1, WIDTH]), *(info(f"past_{n}", [length, *s]) for n, s in sizes.items())],
        [info("y", [1, WIDTH]), *(info(f"present_{n}", [grown, *s]) for n, s in sizes.items())],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model_gen_version(graph, opset_imports=[helper.make_opsetid("", 17)])


def compiled(window: int, hardware: str) -> cmir.Network:
    """Return the block on a chip, with the rings that preserve its interval."""
    state = {"past_mask": f"present_mask:{NEVER}"}
    return cmir.compile(block(window), hardware, storage="lossless", samples="whole", state=state)


def decode_by_onnxruntime(window: int | None, tokens: np.ndarray) -> np.ndarray:
    """Return the outputs of the block for a sequence of tokens, with its state fed back."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # no warnings of constants that only one of the models needs
    model = block(window).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    count = window or 0
    state = {
        "keys": np.zeros((count, HEADS, WIDTH // HEADS), np.float32),
        "values": np.zeros((count, HEADS, WIDTH // HEADS), np.float32),
        "mask": np.full(count, NEVER, np.float32),
    }
    outputs = []
    for token in tokens:
        feeds = {f"past_{name}": array for name, array in state.items()}
        y, *found = session.run(None, {"x": token, **feeds})
        state = dict(zip(state, found, strict=True))
        outputs.append(y)
    return np.stack(outputs)


def table(hardware: str, windows: list[int]) -> None:
    """Print the interval, latency and SRAM of decoding against the length of the window."""
    print(f"{'K':>5}  {'interval':>8}  {'latency':>8}  {'SRAM bytes':>10}  cores")
    for window in windows:
        timed = compiled(window, hardware).timing(32)
        figures = timed.figures
        print(
            f"{window:>5}  {timed.interval:>8g}  {timed.latency:>8}  {figures['sram_bytes']:>10}  {figures['cores']:>5}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Decode with a transformer block whose keys and values stay on the chip."
    )
    parser.add_argument(
        "--window", type=int, default=16, help="tokens that are attended to (default: 16)"
    )
    parser.add_argument("--tokens", type=int, default=24, help="tokens to decode (default: 24)")
    parser.add_argument(
        "--hardware", default="hermes", help="preset or description (default: hermes)"
    )
    parser.add_argument(
        "--table", action="store_true", help="only print figures for windows of several lengths"
    )
    options = parser.parse_args()
    if options.table:
        table(options.hardware, [4, 8, 16, 32, 64])
        return
    tokens = np.random.default_rng(1).standard_normal((options.tokens, 1, WIDTH)).astype(np.float32)
    run = compiled(options.window, options.hardware).run({"x": tokens})
    print(run)
    grown = decode_by_onnxruntime(None, tokens)[: options.window]
    for name, expected in (
        ("the window", decode_by_onnxruntime(options.window, tokens)),
        (f"a cache that grows, for {len(grown)} tokens", grown),
    ):
        error = np.abs(run.outputs["y"][: len(expected)] - expected).max()
        print(f"largest difference from onnxruntime with {name}: {error:.1e}")


if __name__ == "__main__":
    main()
