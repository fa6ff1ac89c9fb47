"""Files of outputs that are written as inferences are over, and read back inference by inference.

A `.npz` file is an archive of `.npy` files. Each is written to a file without a name, because it grows with every
inference, and copied into the archive in the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZipFile

import numpy as np

from cmir.execution.interface import Port
from cmir.execution.lazily import Lazily
from cmir.execution.streams import Sample, place_in_archive
from cmir.support.atomic import atomic_path
from cmir.support.numerics import plain

_MOST_FILES = 256
"""Number of outputs, each of which has an open file while they are written."""


class OutputFile:
    """Outputs of inferences in a file. outputs: their ports by name; one for a `.npy` file."""

    def __init__(self, path: Path, outputs: Mapping[str, Port]):
        self._path, self._outputs = path, outputs
        self._count = 0
        self._offsets: dict[str, int] = {}  # of the elements of each output

    @staticmethod
    def holds(path: Path | None, outputs: Mapping[str, Port]) -> bool:
        """Return True if outputs can be written to a file as inferences are over: if their types are NumPy's."""
        if path is None or not 1 <= len(outputs) <= (1 if path.suffix == ".npy" else _MOST_FILES):
            return False
        is_file = not path.exists() or path.is_file()
        types = (port.dtype for port in outputs.values())
        return is_file and all(plain(np.zeros(0, dtype)).dtype == dtype for dtype in types)

    @contextmanager
    def writing(self) -> Generator[_Writers]:
        """Yield a sink of outputs. The file appears when the block ends, and not at all if it raises."""
        with atomic_path(self._path) as temporary, ExitStack() as stack:
            whole = stack.enter_context(open(temporary, "wb"))
            single = self._path.suffix == ".npy"
            sink = _Writers(
                [
                    _Writer(whole if single else self._beside(stack), port)
                    for port in self._outputs.values()
                ]
            )
            yield sink
            self._count = sink.count
            for writer in sink.writers:
                writer.finish(self._count)
            begins = [0] if single else self._archive(sink.writers, whole)
            for name, writer, begin in zip(self._outputs, sink.writers, begins, strict=True):
                self._offsets[name] = begin + writer.first

    def _beside(self, stack: ExitStack) -> IO[bytes]:
        """Open a file without a name on the file system of the archive, which has room for the outputs."""
        return stack.enter_context(TemporaryFile(dir=self._path.resolve().parent))

    def _archive(self, writers: Sequence[_Writer], whole: IO[bytes]) -> list[int]:
        """Write the archive of all files. Return where each begins in it."""
        with ZipFile(whole, "w") as archive:
            for name, writer in zip(self._outputs, writers, strict=True):
                writer.file.seek(0)
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    shutil.copyfileobj(writer.file, member, _COPIED_AT_ONCE)
        whole.flush()
        with open(whole.name, "rb") as file:
            return [place_in_archive(file, info) for info in archive.infolist()]

    @property
    def samples(self) -> Lazily[Sample]:
        """The outputs in the file."""
        return Lazily(self._count, self._read)

    def _read(self, number: int) -> Sample:
        return {name: self._read_output(name, number) for name in self._outputs}

    def _read_output(self, name: str, number: int) -> np.ndarray:
        port = self._outputs[name]
        size = prod(port.shape)
        offset = self._offsets[name] + number * size * port.dtype.itemsize
        return np.fromfile(self._path, port.dtype, size, offset=offset).reshape(port.shape)


_COPIED_AT_ONCE = 1 << 20
"""Bytes."""


class _Writers:
    """A sink of all outputs, see `cmir.simulator.execution`. count: of inferences so far."""

    def __init__(self, writers: Sequence[_Writer]):
        self.writers, self.count = writers, 0

    def __call__(self, numbers: np.ndarray, outputs: Mapping[str, np.ndarray]) -> None:
        """Write the outputs of inferences at their places."""
        self.count += len(numbers)
        for writer in self.writers:
            writer.write(numbers, outputs)


class _Writer:
    """Writes an output as a `.npy` file. first: place of its first element in the file."""

    def __init__(self, file: IO[bytes], port: Port):
        self.file, self._port = file, port
        self._write_header(0)  # with room for any number of inferences
        self.first = file.tell()

    def write(self, numbers: np.ndarray, outputs: Mapping[str, np.ndarray]) -> None:
        """Write the output of inferences at their places."""
        array = np.ascontiguousarray(outputs[self._port.array])
        ends = np.flatnonzero(np.diff(numbers) != 1) + 1
        runs = zip(np.split(numbers, ends), np.split(array, ends), strict=True)
        for places, values in runs:
            if len(places):
                size = values[0].nbytes
                self.file.seek(self.first + int(places[0]) * size)
                self.file.write(values.tobytes())

    def finish(self, count: int) -> None:
        """Say how many inferences there are."""
        self.file.seek(0)
        self._write_header(count)
        assert self.file.tell() == self.first

    def _write_header(self, count: int) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(self._port.dtype),
            "fortran_order": False,
            "shape": (count, *self._port.shape),
        }
        np.lib.format.write_array_header_1_0(self.file, header)
