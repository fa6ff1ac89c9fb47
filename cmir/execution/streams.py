"""Streams of inferences: from files, from arrays, or random; and files of outputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from ml_dtypes import iinfo

from cmir.execution.images import ImageFolder
from cmir.execution.lazily import Lazily
from cmir.support.atomic import atomic_path
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.support.file_kinds import NUMPY, refuse_other_kinds
from cmir.support.limits import check_memory, count_text
from cmir.support.numerics import BFLOAT16, NARROW_INTEGERS, held, is_float, plain

Sample = dict[str, np.ndarray]
"""One inference: an array for each input or output."""


Types = Mapping[str, np.dtype[Any]]
"""Element types of inputs; float32 for inputs that are missing."""


def random_samples(
    shapes: Mapping[str, tuple[int, ...]],
    seed: int,
    count: int,
    types: Types | None = None,
    ranges: Mapping[str, int] | None = None,
) -> list[Sample]:
    """Return random inputs: standard normal floats, and integers of up to 8 bits. The seed determines them.

    types: with the types of 2 and 4 bits for inputs that arrays of `int8` hold.
    ranges: the number of elements to select from, for inputs that are indices.
    """
    rng = np.random.default_rng(seed)

    def array(name: str) -> np.ndarray:
        dtype = (types or {}).get(name, np.dtype(np.float32))
        if is_float(dtype):
            return rng.standard_normal(shapes[name], np.float32).astype(dtype)
        if dtype.kind == "b":
            return rng.integers(0, 1, shapes[name], endpoint=True).astype(dtype)
        if name in (ranges or {}):
            return rng.integers(0, (ranges or {})[name], shapes[name]).astype(dtype)
        limits = iinfo(dtype if dtype.itemsize == 1 else np.int8)
        numbers = rng.integers(int(limits.min), int(limits.max), shapes[name], endpoint=True)
        return held(numbers.astype(dtype))

    return [{name: array(name) for name in shapes} for _ in range(count)]


def read_samples(
    files: Sequence[Path], shapes: Mapping[str, tuple[int, ...]], types: Types | None = None
) -> Sequence[Sample]:
    """Read the inferences in input files, when they are asked for unless a file is compressed, or an ONNX .pb.

    files: one .npz with an array for each input by name, or one .npy, ONNX .pb or folder of images for each input, in
    order. An array with one leading dimension more than the input is a stream of inferences. A batch dimension of 1
    that an input has may be missing, also in a stream. Pixels are divided by 255 for an input of floats. Raises
    CompileError if files and inputs do not match.
    """
    if len(files) == 1 and files[0].suffix == ".npz" and not files[0].is_dir():
        given = _read_npz(files[0], shapes)
    else:
        if len(files) != len(shapes):
            raise CompileError(
                files[0],
                f"{count_of(len(files), 'input file')} for {count_of(len(shapes), 'input')} ({', '.join(shapes)})",
            )
        given = {
            name: file if file.is_dir() else _read(file)
            for name, file in zip(shapes, files, strict=True)
        }
    return _samples(given, shapes, types, files[0])


def samples_of(
    arrays: Mapping[str, np.ndarray],
    shapes: Mapping[str, tuple[int, ...]],
    types: Types | None = None,
) -> Sequence[Sample]:
    """Return the inferences in arrays, by the rule of `read_samples`: those in memory maps when they are asked for.

    Raises CompileError if they do not match.
    """
    given = {
        name: _Stored(None, array.shape, array.dtype, lambda array=array: array, _part_of(array))
        for name, array in arrays.items()
    }
    return _samples(given, shapes, types, None)


def arrays_by_name(given: Any, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return arrays by the names of inputs, from one array, arrays in order, or arrays by name.

    Arrays may be tensors of PyTorch. Raises CompileError if arrays are missing, or more than the inputs.
    """
    if isinstance(given, Mapping):
        if unknown := [name for name in given if name not in names]:
            raise CompileError(
                None, f"there is no input '{unknown[0]}'; there are: {', '.join(names)}"
            )
        if missing := [name for name in names if name not in given]:
            raise CompileError(None, f"there is no array for input '{missing[0]}'")
        return {name: _array(given[name]) for name in names}
    # A list of other than one array for the only input is a stream.
    in_order = isinstance(given, tuple) or (
        isinstance(given, list) and (len(names) != 1 or len(given) == 1)
    )
    arrays = list(given) if in_order else [given]
    if len(arrays) != len(names):
        raise CompileError(
            None,
            f"{count_of(len(arrays), 'array')} for {count_of(len(names), 'input')} ({', '.join(names)})",
        )
    return {name: _array(value) for name, value in zip(names, arrays, strict=True)}


def _array(value: Any) -> np.ndarray:
    """Return an array, also of a tensor of PyTorch, which may be on another device or part of a graph."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def _samples(
    given: Mapping[str, _Stored | Path],
    shapes: Mapping[str, tuple[int, ...]],
    types: Types | None,
    where: Path | None,
) -> Sequence[Sample]:
    dtypes = {name: (types or {}).get(name, np.dtype(np.float32)) for name in shapes}

    def stream(name: str) -> Sequence[np.ndarray] | np.ndarray:
        stored = given[name]
        if isinstance(stored, Path):
            return _images(name, stored, shapes[name], dtypes[name])
        return _stream(name, stored, shapes[name], dtypes[name])

    streams = {name: stream(name) for name in shapes}
    counts = {name: len(stream) for name, stream in streams.items()}
    if len(set(counts.values())) > 1:
        what = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise CompileError(where, f"inputs have different numbers of inferences: {what}")
    count = next(iter(counts.values()), 0)
    return Lazily(count, lambda i: {name: stream[i] for name, stream in streams.items()})


@dataclass(frozen=True)
class _Stored:
    """An array in a file, of which only the header has been read, or without a file, in memory.

    part: returns the elements first ≤ i < last, flat; None if the array must be read as a whole.
    """

    file: Path | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], np.ndarray]
    part: Callable[[int, int], np.ndarray] | None = None


def _part_of(array: np.ndarray) -> Callable[[int, int], np.ndarray] | None:
    """Return a function that reads parts of a memory map; None for other arrays."""
    if not isinstance(array, np.memmap) or not array.flags.c_contiguous:
        return None
    return lambda first, last: np.array(array.reshape(-1)[first:last])


def _read_npz(file: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, _Stored]:
    """Return the arrays for the inputs. Others in the file are not read: a small file may hold very large ones."""

    def read(member: str) -> np.ndarray:
        with ZipFile(file) as archive, archive.open(member) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)

    if file.is_file() and _begins_with(file, np.lib.format.MAGIC_PREFIX):
        raise CompileError(file, "holds one array, as a .npy file does, and not arrays with names")
    if file.is_file() and not _begins_with(file, _ARCHIVE):  # archives may begin with anything else
        raise CompileError(file, "not a NumPy file: it does not begin as a Zip archive does")
    found: dict[str, _Stored] = {}
    with _numpy_errors(file), open(file, "rb") as bytes_, ZipFile(bytes_) as archive:
        members = {info.filename: info for info in archive.infolist()}
        for name in shapes:
            member = f"{name}.npy"
            if member not in members:
                known = ", ".join(name.removesuffix(".npy") for name in members)
                raise CompileError(
                    file, f"no array '{name}' for the input of that name; there are: {known}"
                )
            info, begin = members[member], None
            if info.compress_type == ZIP_STORED:
                with archive.open(member) as stream:
                    while stream.read(_CHECKED_AT_ONCE):  # to its checksum
                        pass
                begin = place_in_archive(bytes_, info)
            with archive.open(member) as stream:
                found[name] = _stored(file, stream, info.file_size, partial(read, member), begin)
    return found


_CHECKED_AT_ONCE = 1 << 20
"""Bytes."""


def place_in_archive(file: IO[bytes], info: ZipInfo) -> int:
    """Return the position in an archive at which the bytes of a member begin."""
    file.seek(info.header_offset + _LENGTHS_IN_HEADER)
    lengths = (int.from_bytes(file.read(2), "little") for _ in ("name", "extra"))
    return info.header_offset + _LENGTHS_IN_HEADER + 4 + sum(lengths)


_LENGTHS_IN_HEADER = 26
"""Position of the lengths of name and extra field, which follow them, in a member's header (APPNOTE.TXT 4.3.7)."""


_ARCHIVE = b"PK"
"""The first bytes of a Zip archive."""


def _begins_with(file: Path, start: bytes) -> bool:
    with open(file, "rb") as stream:
        return stream.read(len(start)) == start


def read_array(file: Path) -> np.ndarray:
    """Read the array in a .npy file or ONNX .pb. Raises CompileError if the file holds something else."""
    stored = _read(file)
    check_memory(file, f"it has {count_text(prod(stored.shape))} elements", prod(stored.shape) * 8)
    with _numpy_errors(file):
        return stored.read()


def _read(file: Path) -> _Stored:
    match file.suffix:
        case ".npy":
            if file.is_file() and _begins_with(file, _ARCHIVE):
                raise CompileError(file, "holds arrays with names, as a .npz file does, not one")
            with _numpy_errors(file), open(file, "rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                return _stored(file, stream, size, lambda: np.load(file, allow_pickle=False), 0)
        case ".pb":
            array = _read_tensor(file)
            return _Stored(file, array.shape, array.dtype, lambda: array)
        case suffix:
            refuse_other_kinds(file, "inputs (.npy, .npz or .pb)", NUMPY)
            message = f"cannot read inputs from a '{suffix}' file; expected .npy, .npz or .pb"
            raise CompileError(file, message)


def _stored(
    file: Path,
    stream: IO[bytes],
    size: int,
    read: Callable[[], np.ndarray],
    begin: int | None = None,
) -> _Stored:
    """Return the array that begins at the stream's position. size: the bytes that its header and elements take.

    begin: position in the file at which the stream's bytes are; None if they are compressed. Parts are read rather than
    mapped: pages of a map that have been read count as memory of the process.
    """
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        header = np.lib.format.read_array_header_2_0
    # A damaged header says that it has gigabytes, and a file would make room for them before it reads.
    start = stream.tell()
    head = BytesIO(stream.read(_LONGEST_HEADER))
    shape, by_columns, dtype = header(head)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded: they may hold code")
    if prod(shape) * dtype.itemsize > size:
        raise ValueError(f"it has {size} bytes, too few for an array of shape {list(shape)}")
    if begin is None or by_columns:
        return _Stored(file, shape, dtype, read)
    offset, width = begin + start + head.tell(), dtype.itemsize

    def part(first: int, last: int) -> np.ndarray:
        return np.fromfile(file, dtype, last - first, offset=offset + first * width)

    return _Stored(file, shape, dtype, read, part)


_LONGEST_HEADER = 1 << 16
"""More bytes than NumPy accepts in a header."""


@contextmanager
def _numpy_errors(file: Path | None) -> Generator[None]:
    """Turn what NumPy and the archive say of a damaged file into an error that names it."""
    try:
        yield
    except (CompileError, OSError, MemoryError):
        raise
    except (
        Exception
    ) as error:  # of the parsers of headers and of archives: they have no common class
        raise CompileError(file, f"not a NumPy file: {error}") from None


def _read_tensor(file: Path) -> np.ndarray:
    """Read an ONNX TensorProto."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.numpy_helper.to_array(onnx.load_tensor(str(file)))
    except (DecodeError, ValueError, TypeError) as error:
        raise CompileError(file, f"not an ONNX tensor: {error}") from None


def _stream(
    name: str, stored: _Stored, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Sequence[np.ndarray] | np.ndarray:
    """Return the inferences of an input: read when they are asked for, or shape (inferences, *shape)."""
    file, given = stored.file, stored.shape
    opaque = dtype == BFLOAT16 and stored.dtype == _OPAQUE
    kind = np.dtype(BFLOAT16) if opaque else stored.dtype
    if kind.kind not in "fiub" and kind not in (BFLOAT16, *NARROW_INTEGERS):
        raise CompileError(file, f"input '{name}' must have numbers, got {kind}")
    whole = [shape, shape[1:]] if shape[:1] == (1,) else [shape]
    if given not in whole and (not given or given[1:] not in whole):
        missing = f", also without the batch dimension: {list(shape[1:])}" if len(whole) > 1 else ""
        batch = ""
        if len(given) == len(shape) and given[1:] == shape[1:]:
            batch = "; if the first dimension is a batch, import the model with --samples split"
        raise CompileError(
            file,
            f"input '{name}' must have shape {list(shape)}{missing}, or that with a leading dimension"
            f" for a stream of inferences; got {list(given)}{batch}",
        )
    elements, size = prod(stored.shape), prod(shape)
    if (part := stored.part) is not None and elements:

        def inference(number: int) -> np.ndarray:
            with _numpy_errors(file):
                array = part(number * size, (number + 1) * size)
                array = array.view(kind).reshape(shape)
            return _converted(file, f"input '{name}' of inference {number}", array, dtype)

        return Lazily(elements // size, inference)
    check_memory(
        file,
        f"input '{name}' has {count_text(elements)} elements",
        elements * (stored.dtype.itemsize + dtype.itemsize),
    )
    with _numpy_errors(file):
        array = stored.read().view(kind) if opaque else stored.read()
        array = array.reshape(-1, *shape)
    return _converted(file, f"input '{name}'", array, dtype)


def _images(
    name: str, folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Sequence[np.ndarray]:
    """Return the inferences of an input, read from images when they are asked for."""
    images = ImageFolder(folder, name, shape)

    def inference(number: int) -> np.ndarray:
        pixels = images.read(number)
        array = pixels / 255 if is_float(dtype) else pixels
        what = f"input '{name}' of inference {number}"
        return _converted(images.files[number], what, array, dtype)

    return Lazily(len(images.files), inference)


def _converted(file: Path | None, what: str, array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Return numbers in the type of an input. Raises CompileError for some that a type of integers does not have."""
    array = held(array)
    given = held(array.astype(dtype))
    if not is_float(dtype) and (array != given).any():
        raise CompileError(file, f"{what} must have numbers of type {dtype}")
    return given


_OPAQUE = np.dtype("V2")
"""The type that NumPy's files say of arrays of `bf16`."""


def write_samples(samples: Sequence[Sample], path: Path) -> None:
    """Write outputs, stacked over inferences: .npy for a single output, .npz for any number.

    Numbers of `bf16`, for which NumPy's files have no type, are written as float32.
    """
    stacked = {name: np.stack([s[name] for s in samples]) for name in samples[0]}
    stacked = {name: plain(array) for name, array in stacked.items()}
    check_output(path, stacked)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        if path.suffix == ".npy":
            np.save(file, next(iter(stacked.values())))
        else:
            _write_npz(file, stacked)


def check_output(path: Path, names: Collection[str]) -> None:
    """Raise CompileError for a file that cannot hold outputs with these names."""
    if path.suffix not in (".npy", ".npz"):
        raise CompileError(path, "outputs are written to .npy or .npz files")
    if path.suffix == ".npy" and len(names) > 1:
        raise CompileError(path, f"{len(names)} outputs need a .npz file")
    for name in names if path.suffix == ".npz" else ():
        if "\0" in name or len(f"{name}.npy".encode(errors="surrogatepass")) > _LONGEST_NAME:
            shown = name if len(name) <= 80 else f"{name[:80]}…"
            raise CompileError(path, f"an .npz file cannot hold an array named '{shown}'")


_LONGEST_NAME = 0xFFFF
"""Bytes of a name in a zip archive, whose headers have 16 bits for its length."""


def _write_npz(file: IO[bytes], arrays: Sample) -> None:
    """Write an .npz file. NumPy's `savez` takes names as keyword arguments, so it has none called `file`."""
    with ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
