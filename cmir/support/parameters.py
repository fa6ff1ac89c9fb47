"""Values of the parameters that IR refers to by name, stored outside it in a safetensors file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xdsl.dialects.builtin import FileLineColLoc

from cmir.support.atomic import atomic_path
from cmir.support.diagnostics import CompileError, Where, location_of
from cmir.support.file_kinds import SAFETENSORS, refuse_other_kinds
from cmir.support.similar import did_you_mean

if TYPE_CHECKING:  # NumPy is imported on demand, because tools must start quickly
    import numpy as np

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "bfloat16",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}


class Parameters(MutableMapping[str, "np.ndarray"]):
    """A mapping from parameter names to arrays.

    Arrays from a file are read-only views of its memory map: they are read when they are used, and not copied.
    sources: the files that were opened. files: the file of each parameter that is still that of a file. changed: names
    of the parameters that were set since.
    """

    def __init__(self, values: Mapping[str, np.ndarray] | None = None) -> None:
        self._values: dict[str, np.ndarray] = dict(values or {})
        self.sources: tuple[Path, ...] = ()
        self.files: dict[str, Path] = {}
        self.changed: set[str] = set()

    @staticmethod
    def open(*paths: str | os.PathLike[str]) -> Parameters:
        """Return the parameters in safetensors files; one that several files hold is that of the last.

        Raises OSError if a file cannot be read, and CompileError if it is not a safetensors file or has a tensor of a
        type without a NumPy equivalent.
        """
        parameters = Parameters()
        parameters.sources = tuple(map(Path, paths))
        for path in parameters.sources:
            values = _map_file(path)
            parameters._values |= values
            parameters.files |= dict.fromkeys(values, path)
        return parameters

    def copy(self) -> Parameters:
        """Return a mapping that changes independently; the arrays are shared."""
        result = Parameters(self._values)
        result.sources, result.files = self.sources, dict(self.files)
        result.changed = set(self.changed)
        return result

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all parameters to a safetensors file, which appears complete or not at all."""
        import numpy as np
        from safetensors.numpy import save, save_file

        arrays = {name: np.asarray(value, order="C") for name, value in self._values.items()}
        with atomic_path(path) as temporary:
            if temporary.exists():  # a device or a pipe, which `save_file` would replace by a file
                temporary.write_bytes(save(arrays))
            else:
                save_file(arrays, temporary)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._values[name]

    def __setitem__(self, name: str, value: np.ndarray) -> None:
        self._values[name] = value
        self.files.pop(name, None)
        self.changed.add(name)

    def __delitem__(self, name: str) -> None:
        del self._values[name]
        self.files.pop(name, None)
        self.changed.discard(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def parameter_value(
    parameters: Mapping[str, np.ndarray] | None,
    name: str,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    where: Where,
) -> np.ndarray:
    """Return the value of parameter `name`, which `where` (an operation) expects to have this shape and type.

    Raises CompileError if there is no such parameter, or if it has another shape or elements of another type.
    """
    sources = parameters.sources if isinstance(parameters, Parameters) else ()
    files = ", ".join(f"'{source}'" for source in sources)
    place = f"in {files}" if files else "among the parameters"
    value = (parameters or {}).get(name)
    if value is None:
        hint = did_you_mean(name, parameters or ())
        if not parameters and not files:
            place, hint = _nowhere(where), "; give the file of the parameters: --weights FILE"
        raise CompileError(where, f"there is no parameter '{name}' {place}{hint}")
    if value.shape != tuple(shape):
        raise CompileError(
            where,
            f"parameter '{name}' {place} has shape {list(value.shape)}, expected {list(shape)}",
        )
    if value.dtype != dtype:
        raise CompileError(
            where,
            f"parameter '{name}' {place} has elements of type {value.dtype}, expected {dtype}",
        )
    return value


def _nowhere(where: Where) -> str:
    """Return where there are no parameters: the file that would have been read, if the IR is in a file."""
    location = location_of(where)
    if isinstance(location, FileLineColLoc):
        beside = Path(location.filename.data).with_suffix(".safetensors")
        return f"because there is no file '{beside}'"
    return "because there are no parameters"


def _map_file(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a safetensors file as views of one memory map.

    The NumPy interface of the `safetensors` package would copy each tensor.
    """
    import ml_dtypes  # noqa: F401  # pyright: ignore[reportUnusedImport]  # registers bfloat16
    import numpy as np
    from safetensors import SafetensorError, safe_open

    if path.exists() and not (path.is_file() or path.is_dir()):
        raise CompileError(path, "not a regular file, which parameters are mapped from")
    refuse_other_kinds(path, "parameters (.safetensors)", SAFETENSORS)
    with open(path, "rb") as file:
        try:
            with safe_open(path, framework="numpy"):  # checks all that is used below
                pass
        except SafetensorError as error:
            raise CompileError(path, f"not a valid safetensors file: {error}") from error
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=0)[8 + length :]
    values: dict[str, np.ndarray] = {}
    for name, entry in header.items():
        if entry["dtype"] not in _DTYPES:
            raise CompileError(path, f"tensor '{name}' has unsupported type {entry['dtype']}")
        begin, end = entry["data_offsets"]
        values[name] = (
            np.asarray(data[begin:end]).view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
        )
    return values
