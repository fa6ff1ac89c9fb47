"""A `.npy` file of outputs that is written as inferences are over, and read back inference by inference."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from cmir.execution.interface import Port
from cmir.execution.lazily import Lazily
from cmir.execution.streams import Sample
from cmir.support.atomic import atomic_path
from cmir.support.numerics import plain


class OutputFile:
    """Outputs of inferences in a file. name, port: those of the only output."""

    def __init__(self, path: Path, name: str, port: Port):
        self._path, self._name, self._port = path, name, port
        self._count, self._offset = 0, 0

    @staticmethod
    def holds(path: Path | None, outputs: Mapping[str, Port]) -> bool:
        """Return True if outputs can be written to a file as inferences are over: one output, of a type of NumPy's."""
        if path is None or path.suffix != ".npy" or len(outputs) != 1:
            return False
        ((_, port),) = outputs.items()
        is_file = not path.exists() or path.is_file()
        return is_file and plain(np.zeros(0, port.dtype)).dtype == port.dtype

    @contextmanager
    def writing(self) -> Generator[_Writer]:
        """Yield a sink of outputs. The file appears when the block ends, and not at all if it raises."""
        with atomic_path(self._path) as temporary, open(temporary, "wb") as file:
            self._write_header(file, 0)  # with room for any number of inferences
            self._offset = file.tell()
            writer = _Writer(file, self._port)
            yield writer
            self._count = writer.count
            file.seek(0)
            self._write_header(file, self._count)
            assert file.tell() == self._offset

    def _write_header(self, file: IO[bytes], count: int) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(self._port.dtype),
            "fortran_order": False,
            "shape": (count, *self._port.shape),
        }
        np.lib.format.write_array_header_1_0(file, header)

    @property
    def samples(self) -> Lazily[Sample]:
        """The outputs in the file."""
        return Lazily(self._count, self._read)

    def _read(self, number: int) -> Sample:
        dtype, size = self._port.dtype, prod(self._port.shape)
        offset = self._offset + number * size * dtype.itemsize
        values = np.fromfile(self._path, dtype, size, offset=offset)
        return {self._name: values.reshape(self._port.shape)}


class _Writer:
    """A sink, see `cmir.simulator.execution`. file: at the place of the first output. count: of outputs so far."""

    def __init__(self, file: IO[bytes], port: Port):
        self._file, self._port, self._first, self.count = file, port, file.tell(), 0

    def __call__(self, numbers: np.ndarray, outputs: Mapping[str, np.ndarray]) -> None:
        """Write the outputs of inferences at their places."""
        self.count += len(numbers)
        array = np.ascontiguousarray(outputs[self._port.array])
        ends = np.flatnonzero(np.diff(numbers) != 1) + 1
        runs = zip(np.split(numbers, ends), np.split(array, ends), strict=True)
        for places, values in runs:
            if len(places):
                size = values[0].nbytes
                self._file.seek(self._first + int(places[0]) * size)
                self._file.write(values.tobytes())
