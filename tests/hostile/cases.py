"""Hostile inputs, each with the command that it is given to and the judgement of what the command accepts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from math import prod
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from hostile import command_cases, data_cases, mutations, seeds
from hostile.sandbox import WRONG
from xdsl.dialects.func import FuncOp

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import shape_of
from cmir.execution.streams import random_samples
from cmir.frontends.onnx import ImportedModule, import_onnx
from cmir.hardware.description import Hardware, presets
from cmir.tools import cm_opt, cm_run, cm_translate

Case = Callable[[], int]
"""Runs tools on a hostile input, in a process of its own; the exit code."""

MOST_ELEMENTS = 1 << 24
"""Elements of the inputs of a model that is compared with its reference."""


def onnx_bytes(folder: Path, draw: Random) -> Case:
    """A model with changed bytes."""
    return _model(mutations.mutate_bytes(_seed(draw).SerializeToString(), draw), folder, draw)


def onnx_fields(folder: Path, draw: Random) -> Case:
    """A model with changed fields."""
    return _model(mutations.mutate_model(_seed(draw), draw).SerializeToString(), folder, draw)


def names(folder: Path, draw: Random) -> Case:
    """A model with a hostile name."""
    return _model(mutations.rename(_seed(draw), draw).SerializeToString(), folder, draw)


def ir_tokens(folder: Path, draw: Random) -> Case:
    """IR with changed tokens."""
    texts = seeds.ir_texts()
    text = mutations.mutate_text(draw.choice(texts), texts, draw)
    file = folder / "input.mlir"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    passes = draw.choice(("", "canonicalize", "nn-to-cmcore", "polyhedral-to-cmcore"))
    output = str(folder / "output.mlir")
    if draw.random() < 0.4:
        return lambda: cm_opt.main([str(file), "-p", passes, "-o", output])
    check = ["--check"] if "cmcore.network" not in text else ["--schedules", "2"]
    command = [str(file), "--random", "0", "--output", str(folder / "output.npz"), *check]
    return lambda: _judged(cm_run.main(command), folder)


def descriptions(folder: Path, draw: Random) -> Case:
    """A hardware description with changed numbers."""
    text = mutations.mutate_description(Hardware.text(draw.choice([*presets()])), draw)
    file = folder / "input.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    model = folder / "model.onnx"
    onnx.save(seeds.layered_model(), model)
    what = draw.choice((["--timing-only"], ["--random", "0"]))
    return lambda: cm_run.main([str(model), *what, "--hardware", str(file)])


KINDS: dict[str, Callable[[Path, Random], Case]] = {
    "onnx-bytes": onnx_bytes,
    "onnx-fields": onnx_fields,
    "names": names,
    "ir-tokens": ir_tokens,
    "descriptions": descriptions,
    "inputs": data_cases.inputs,
    "parameters": data_cases.parameters,
    "commands": command_cases.commands,
    "sweeps": command_cases.sweeps,
}


def warm_up() -> None:
    """Load what the tools load, and what they compute once, so that forks of this process have it."""
    with TemporaryDirectory() as name, redirect_stdout(StringIO()):
        _run_file(seeds.layered_model(), Path(name))
        cm_opt.main(
            [str(seeds.ROOT / "examples" / "custom" / "reverse.mlir"), "-p", "canonicalize"]
        )
    seeds.ir_texts()
    seeds.operator_models()


def _run_file(model: onnx.ModelProto, folder: Path) -> None:
    file = folder / "input.onnx"
    onnx.save(model, file)
    _run_model(file, folder)


def _seed(draw: Random) -> onnx.ModelProto:
    if draw.random() < seeds.SHARE_OF_LAYERS:
        return seeds.layered_model()
    return draw.choice(seeds.operator_models())


def _model(data: bytes, folder: Path, draw: Random) -> Case:
    file = folder / "input.onnx"
    file.write_bytes(data)
    if draw.random() < 0.5:
        output = str(folder / "output.mlir")
        return lambda: cm_translate.main(["--import-onnx", str(file), "-o", output])
    return lambda: _judged(_run_model(file, folder), folder)


def _run_model(file: Path, folder: Path) -> int:
    """Run a model, and check the results."""
    code = cm_translate.main(["--import-onnx", str(file), "-o", str(folder / "output.mlir")])
    if code:
        return code
    imported = import_onnx(file)
    output = ["--output", str(folder / "output.npz")]
    if sum(map(prod, imported.inputs.values())) > MOST_ELEMENTS:
        return cm_run.main([str(file), "--random", "0", *output])
    (sample,) = _samples(imported)
    inputs = [str(folder / f"input{k}.npy") for k in range(len(sample))]
    for name, array in zip(inputs, sample.values(), strict=True):
        np.save(name, array)
    return cm_run.main([str(file), *inputs, *output, "--check"])


def _samples(imported: ImportedModule) -> list[dict[str, np.ndarray]]:
    (function,) = imported.module.body.block.ops
    assert isinstance(function, FuncOp)
    arguments = dict(zip(imported.inputs, function.body.block.args, strict=True))
    shapes = {name: shape_of(argument) for name, argument in arguments.items()}
    types = {name: dtype_of(argument) for name, argument in arguments.items()}
    return random_samples(shapes, 0, 1, types)


def _judged(code: int, folder: Path) -> int:
    """Return the exit code of a command that compares its results itself: the one of a wrong result if they differ."""
    sys.stderr.flush()
    differs = "check failed" in (folder / "stderr").read_text(encoding="utf-8", errors="replace")
    return WRONG if differs else code
