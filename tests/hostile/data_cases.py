"""Hostile data: inputs and parameters with changed bytes, headers, types, shapes and names."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from io import BytesIO
from math import prod
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import onnx
from hostile import mutations, seeds
from hostile.sandbox import WRONG
from onnx import numpy_helper
from safetensors.numpy import load, save

from cmir.execution.streams import random_samples
from cmir.tools import cm_opt, cm_run, cm_translate

Case = Callable[[], int]

SHAPE = (2, 8, 8)
"""Shape of the input of the network of several layers."""

MOST = 1e30
"""Limit of products in results that are compared: sums of larger ones overflow in one order, and not in another."""

DTYPES = ("f2", "f4", "f8", ">f4", "i1", "i4", "i8", "u1", "u8", "?", "c8", "S3", "M8[s]")


def inputs(folder: Path, draw: Random) -> Case:
    """A file of inputs, for a network that is run."""
    (folder / "model.onnx").write_bytes(seeds.layered_model().SerializeToString())
    kind = draw.choice(("npy", "npz", "pb"))
    array = _array(draw)
    data = {"npy": _npy, "npz": _npz, "pb": _tensor}[kind](array, draw)
    if draw.random() < 0.6:
        data = _mutated(data, draw)
    suffix = kind if draw.random() < 0.9 else draw.choice(("npy", "npz", "pb", "txt"))
    (file := folder / f"x.{suffix}").write_bytes(data)
    command = [str(folder / "model.onnx"), str(file), "--output", str(folder / "y.npy")]
    return lambda: _judged_inputs(cm_run.main(command), file, folder)


def parameters(folder: Path, draw: Random) -> Case:
    """A file of parameters, for IR that is run or compiled."""
    text, weights = _layers()
    values = load(weights)
    for name in draw.sample(sorted(values), draw.choice((0, 0, 1, 2))):
        match draw.choice(("type", "shape", "name", "remove", "numbers")):
            case "type":
                values[name] = values[name].astype(draw.choice(("f2", "f8", "i4", "i1", "?")))
            case "shape":
                values[name] = (
                    values[name].reshape(-1, 1) if draw.random() < 0.5 else values[name].T
                )
            case "name":
                values[draw.choice(mutations.NAMES)] = values.pop(name)
            case "numbers":
                with np.errstate(all="ignore"):
                    values[name] = values[name] * np.float32(draw.choice(mutations.FLOATS))
            case _:
                del values[name]
    data = save({name: np.ascontiguousarray(value) for name, value in values.items()})
    if draw.random() < 0.7:
        data = _mutated(data, draw)
    (folder / "model.mlir").write_text(text)
    (folder / "model.safetensors").write_bytes(data)
    np.save(folder / "x.npy", random_samples({"x": SHAPE}, 0, 1)[0]["x"])
    if draw.random() < 0.3:
        files = ["--weights", str(folder / "model.safetensors"), "-o", str(folder / "out.mlir")]
        passes = ["-p", "nn-fold-batch-norm,nn-to-cmcore"]
        return lambda: cm_opt.main([str(folder / "model.mlir"), *files, *passes])
    command = [str(folder / "model.mlir"), str(folder / "x.npy"), "--output", str(folder / "y.npy")]
    return lambda: _judged_parameters(cm_run.main(command), folder)


@cache
def _layers() -> tuple[str, bytes]:
    """Return the network of several layers as IR, and the file of its parameters."""
    with TemporaryDirectory() as name:
        model, text = Path(name) / "model.onnx", Path(name) / "model.mlir"
        onnx.save(seeds.layered_model(), model)
        assert cm_translate.main(["--import-onnx", str(model), "-o", str(text)]) == 0
        return text.read_text(), text.with_suffix(".safetensors").read_bytes()


def _array(draw: Random) -> np.ndarray:
    """Return an input, or one of another shape or type."""
    shape = draw.choice(
        (SHAPE, SHAPE, (1, *SHAPE), (3, *SHAPE), (0, *SHAPE), (8, 8), (), SHAPE[::-1])
    )
    array = np.random.default_rng(0).normal(size=shape) * 2
    if draw.random() < 0.2:
        array = np.where(array > 1, draw.choice(mutations.FLOATS), array)
    with np.errstate(all="ignore"):
        array = array.astype(draw.choice(DTYPES) if draw.random() < 0.5 else "f4")
    return np.asfortranarray(array) if draw.random() < 0.2 else array


def _npy(array: np.ndarray, draw: Random) -> bytes:
    stream = BytesIO()
    np.lib.format.write_array(stream, array, draw.choice((None, (1, 0), (2, 0), (3, 0))))
    return stream.getvalue()


def _npz(array: np.ndarray, draw: Random) -> bytes:
    stream = BytesIO()
    kind = draw.choice((0, ZIP_DEFLATED))
    with warnings.catch_warnings(action="ignore"), ZipFile(stream, "w", kind) as archive:
        for name in ("x", *draw.sample((*mutations.NAMES, "x"), draw.choice((0, 0, 1, 2)))):
            if len(name) < 0xFFFF:
                archive.writestr(f"{name}.npy", _npy(array, draw))
    return stream.getvalue()


def _tensor(array: np.ndarray, _: Random) -> bytes:
    if array.dtype.kind not in "fiub" or not array.dtype.isnative:
        array = np.zeros(array.shape, "f4")  # ONNX has no type for it
    return numpy_helper.from_array(np.ascontiguousarray(array), "x").SerializeToString()


def _mutated(data: bytes, draw: Random) -> bytes:
    """Return data with changed bytes, most of them in the header, or with a changed token of the header."""
    if draw.random() < 0.3:
        return mutations.mutate_bytes(data, draw)
    end = draw.choice((16, 128, 256, 512))
    head = data[:end]
    if draw.random() < 0.5:
        return mutations.mutate_bytes(head, draw) + data[end:]
    text = head.decode("latin-1")
    return mutations.mutate_text(text, (text,), draw).encode("latin-1", "replace") + data[end:]


def _judged_inputs(code: int, file: Path, folder: Path) -> int:
    """Compare the outputs with those for the array that NumPy or ONNX reads from the file."""
    if code:
        return code
    if file.suffix == ".pb":
        array = numpy_helper.to_array(onnx.load_tensor(str(file)))
    else:
        found = np.load(file, allow_pickle=False)
        array = found if isinstance(found, np.ndarray) else found["x"]
    return _compare(seeds.layered_model(), array, folder)


def _judged_parameters(code: int, folder: Path) -> int:
    """Compare the outputs with those of the model with the parameters that safetensors reads from the file."""
    if code:
        return code
    model = onnx.ModelProto()
    model.CopyFrom(seeds.layered_model())
    values = load((folder / "model.safetensors").read_bytes())
    for initializer in model.graph.initializer:
        initializer.CopyFrom(numpy_helper.from_array(values[initializer.name], initializer.name))
    return _compare(model, np.load(folder / "x.npy"), folder)


def _compare(model: onnx.ModelProto, array: np.ndarray, folder: Path) -> int:
    """Compare the outputs with those of a model for an array, which are compared with a reference."""
    with np.errstate(all="ignore"):
        stream = array.astype("f4").reshape(-1, *SHAPE)
    numbers = (stream, *map(numpy_helper.to_array, model.graph.initializer))
    finite = (np.abs(array[np.isfinite(array)]).max(initial=0) for array in numbers)
    onnx.save(model, folder / "read.onnx")
    np.save(folder / "read.npy", stream)
    command = [str(folder / "read.onnx"), str(folder / "read.npy")]
    if prod(max(1.0, float(largest)) for largest in finite) <= MOST:
        command.append("--check")
    if cm_run.main([*command, "--output", str(folder / "z.npy")]):
        return WRONG
    outputs, expected = (np.load(folder / f"{n}.npy").reshape(len(stream), -1) for n in "yz")
    return 0 if np.array_equal(outputs, expected, equal_nan=True) else WRONG
