"""Inputs and outputs of cm-run: files, streams of inferences, random data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cmir.support.atomic import atomic_path
from cmir.support.diagnostics import CompileError

Sample = dict[str, np.ndarray]
"""One inference: an array for each input or output."""


Types = Mapping[str, np.dtype[Any]]
"""Types of the elements of inputs; float32 for inputs that are not in it."""


def random_samples(
    shapes: Mapping[str, tuple[int, ...]], seed: int, count: int, types: Types | None = None
) -> list[Sample]:
    """Standard normal inputs, and integers of up to 8 bits, the same for the same seed."""
    rng = np.random.default_rng(seed)

    def array(name: str) -> np.ndarray:
        dtype = (types or {}).get(name, np.dtype(np.float32))
        if dtype.kind == "f":
            return rng.standard_normal(shapes[name], np.float32).astype(dtype)
        if dtype.kind == "b":
            return rng.integers(0, 1, shapes[name], endpoint=True).astype(dtype)
        limits = np.iinfo(dtype if dtype.itemsize == 1 else np.int8)
        return rng.integers(limits.min, limits.max, shapes[name], endpoint=True).astype(dtype)

    return [{name: array(name) for name in shapes} for _ in range(count)]


def read_samples(
    files: Sequence[Path], shapes: Mapping[str, tuple[int, ...]], types: Types | None = None
) -> list[Sample]:
    """Return the inferences that input files give.

    files: one .npz with an array for each input by name, or one .npy or ONNX .pb for each input, in order. An array
    with one more leading dimension than the input is a stream of inferences (so a batch of 1 is one).
    Raises CompileError where files and inputs do not fit each other.
    """
    if len(files) == 1 and files[0].suffix == ".npz":
        given = _read_npz(files[0], shapes)
    else:
        if len(files) != len(shapes):
            raise CompileError(
                files[0],
                f"{len(files)} input files for {len(shapes)} inputs ({', '.join(shapes)})",
            )
        given = {name: (file, _read(file)) for name, file in zip(shapes, files, strict=True)}
    dtypes = {name: (types or {}).get(name, np.dtype(np.float32)) for name in shapes}
    streams = {name: _stream(name, *given[name], shapes[name], dtypes[name]) for name in shapes}
    counts = {name: len(stream) for name, stream in streams.items()}
    if len(set(counts.values())) > 1:
        what = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise CompileError(files[0], f"inputs have different numbers of inferences: {what}")
    return [
        {name: stream[i] for name, stream in streams.items()}
        for i in range(next(iter(counts.values()), 0))
    ]


def _read_npz(
    file: Path, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[Path, np.ndarray]]:
    arrays = _load(file)
    if isinstance(arrays, np.ndarray):
        raise CompileError(file, "holds one array, as a .npy file does, and not arrays with names")
    for name in shapes:
        if name not in arrays:
            raise CompileError(
                file,
                f"no array '{name}' for the input of that name; there are: {', '.join(arrays)}",
            )
    return {name: (file, arrays[name]) for name in shapes}


def _read(file: Path) -> np.ndarray:
    match file.suffix:
        case ".npy":
            array = _load(file)
            if not isinstance(array, np.ndarray):
                raise CompileError(file, "holds arrays with names, as a .npz file does, not one")
            return array
        case ".pb":
            return _read_tensor(file)
        case suffix:
            raise CompileError(
                file, f"cannot read inputs from a '{suffix}' file; expected .npy, .npz or .pb"
            )


def _load(file: Path) -> Any:
    try:
        with open(file, "rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            return dict(loaded) if hasattr(loaded, "files") else loaded
    except (ValueError, EOFError) as error:
        raise CompileError(file, f"not a NumPy file: {error}") from None
    except Exception as error:
        if type(error).__module__ == "zipfile":
            raise CompileError(file, f"not a NumPy file: {error}") from None
        raise


def _read_tensor(file: Path) -> np.ndarray:
    """Return an ONNX TensorProto."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.numpy_helper.to_array(onnx.load_tensor(str(file)))
    except (DecodeError, ValueError, TypeError) as error:
        raise CompileError(file, f"not an ONNX tensor: {error}") from None


def _stream(
    name: str, file: Path, array: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> np.ndarray:
    if array.dtype.kind not in "fiub":
        raise CompileError(file, f"input '{name}' must have numbers, got {array.dtype}")
    if array.shape == shape:
        array = array[None]
    if array.shape[1:] != shape or array.ndim == 0:
        raise CompileError(
            file,
            f"input '{name}' must have shape {list(shape)}, or that with a leading dimension for a "
            f"stream of inferences; got {list(array.shape)}",
        )
    if not np.can_cast(array.dtype, dtype, "same_kind") and (array != array.astype(dtype)).any():
        raise CompileError(file, f"input '{name}' must have numbers of type {dtype}")
    return np.asarray(array, dtype)


def write_samples(samples: Sequence[Sample], path: Path) -> None:
    """Write outputs, stacked over inferences: .npy for a single output, .npz for any number."""
    stacked = {name: np.stack([s[name] for s in samples]) for name in samples[0]}
    if path.suffix not in (".npy", ".npz"):
        raise CompileError(path, "outputs are written to .npy or .npz files")
    if path.suffix == ".npy" and len(stacked) > 1:
        raise CompileError(path, f"{len(stacked)} outputs need a .npz file")
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        if path.suffix == ".npy":
            np.save(file, next(iter(stacked.values())))
        else:
            np.savez(file, **stacked)  # pyright: ignore[reportArgumentType]
