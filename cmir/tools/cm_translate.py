"""cm-translate: a model of another framework as IR and a file of parameters."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer

from cmir.diagnostics import CompileError, emit

if TYPE_CHECKING:
    from cmir.frontends.onnx import Imported


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; the result is its exit code."""
    options = _parser().parse_args(arguments)
    from cmir.frontends import onnx  # only now: it takes longer to load than all else

    if options.list_operators:
        print("\n".join(onnx.operators()))
        return 0
    try:
        imported = onnx.import_onnx(options.import_onnx, dict(options.shape))
        _write(imported, options.output, options.weights)
    except CompileError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cm-translate",
        description="Translate a model of another framework into nn IR. The IR names the model's"
        " parameters, and a safetensors file beside it holds them.",
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument(
        "--import-onnx",
        metavar="MODEL",
        type=Path,
        help="translate an ONNX file (.onnx, or .onnxtxt for ONNX's textual syntax)",
    )
    action.add_argument(
        "--list-operators", action="store_true", help="list the ONNX operators that are supported"
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        type=Path,
        help="write the IR to FILE and the parameters beside it, with the ending .safetensors;"
        " without -o, the IR is printed",
    )
    parser.add_argument(
        "--weights", metavar="FILE", type=Path, help="write the parameters to this file instead"
    )
    parser.add_argument(
        "--shape",
        metavar="INPUT=1,D,...",
        type=_shape,
        action="append",
        default=[],
        help="set the shape of an input, its batch dimension of 1 included; may be repeated",
    )
    return parser


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Parse the value of --shape."""
    name, equals, dims = text.rpartition("=")
    if not (name and equals and all(d.isdecimal() and int(d) > 0 for d in dims.split(","))):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a name, '=' and positive numbers with commas between them"
        )
    return name, tuple(map(int, dims.split(",")))


def _write(imported: Imported, output: Path | None, weights: Path | None) -> None:
    from safetensors.numpy import save_file

    text = _text(imported.module)
    if output is None and weights is None and imported.parameters:
        emit("note", None, f"{len(imported.parameters)} parameters are not written; see --weights")
    if output is not None and weights is None:
        weights = output.with_suffix(".safetensors")
    if weights == output is not None:
        raise CompileError(output, "the IR and the parameters need a file each")
    writers: dict[Path, Callable[[Path], object]] = {}
    if weights is not None:
        writers[weights] = lambda path: save_file(dict(imported.parameters), path)
    if output is not None:
        writers[output] = lambda path: path.write_text(text, encoding="utf-8")
    _write_together(writers)
    if output is None:
        sys.stdout.write(text)


def _text(module: ModuleOp) -> str:
    stream = StringIO()
    Printer(stream).print_op(module)
    return stream.getvalue() + "\n"


def _write_together(writers: Mapping[Path, Callable[[Path], object]]) -> None:
    """Write all the files, or none: each is complete before the first takes its name."""
    temporary = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in writers}
    try:
        for path, write in writers.items():
            _write_one(path, write, temporary[path])
        for path in writers:
            os.replace(temporary[path], path)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def _write_one(path: Path, write: Callable[[Path], object], temporary: Path) -> None:
    from safetensors import SafetensorError

    if path.is_dir():
        raise CompileError(path, "is a directory")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)  # safetensors makes files that only their owner may read
    except OSError as error:
        raise CompileError(path, error.strerror or str(error)) from error
    except SafetensorError as error:
        raise CompileError(path, str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
