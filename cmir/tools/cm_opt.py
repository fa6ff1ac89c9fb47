"""cm-opt: parse IR, run passes on it, and print the result."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, NoReturn

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.printer import Printer
from xdsl.utils.exceptions import DiagnosticException, ShrinkException
from xdsl.xdsl_opt_main import xDSLOptMain

from cmir import __version__
from cmir.context import CmirContext, make_context, source_of_module
from cmir.extensions import installed_universe
from cmir.support.atomic import atomic_paths
from cmir.support.diagnostics import (
    CompileError,
    Diagnostic,
    collect_diagnostics,
    is_isl_error,
)
from cmir.support.parameters import Parameters
from cmir.support.parsing import LocatingParser
from cmir.tools.common import (
    FAILURE,
    add_operation,
    describe_error,
    diagnostics_of,
    run_tool,
    verify,
)
from cmir.tools.files import check_outputs, file_path
from cmir.tools.options import add_memory, exit_with
from cmir.tools.pass_pipeline import parse_pass_pipeline, parse_passes, pipeline_text
from cmir.tools.progress import Progress

NAME = "cm-opt"

_SEPARATOR = re.compile(rb"^// -----[ \t]*\r?\n?", re.MULTILINE)


class CmOptMain(xDSLOptMain):
    """xdsl-opt, extended by source locations, mlir-opt's pipelines and diagnostics, and weights."""

    _source: str | None = None
    """IR to write to `_source_path`, for --output-source."""
    _source_path: Path = Path()

    version_format = f"{NAME} {__version__} (xdsl {{xdsl_version}})"

    def __init__(self, args: Sequence[str] | None = None) -> None:
        super().__init__("Parse IR, run passes on it, and print the result.", args)

    def register_all_dialects(self) -> None:
        self.ctx: CmirContext = make_context()

    def register_all_passes(self) -> None:
        for name, factory in installed_universe().all_passes.items():
            self.register_pass(name, factory)

    def register_all_targets(self) -> None:
        self.available_targets.update(installed_universe().all_targets)

    def register_all_frontends(self) -> None:
        self.available_frontends["mlir"] = lambda stream: self._parse(stream.read(), 0)

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        super().register_all_arguments(arg_parser)
        arg_parser.prog = NAME
        arg_parser.error = partial(exit_with, arg_parser)
        for action in arg_parser._actions:
            if action.dest == "passes":
                action.help = "passes to run: 'pass-a,pass-b{option=1 flag},pipeline'"
                action.default = None
            elif action.dest == "verify_diagnostics":
                action.help = (
                    "check that the diagnostics are those of 'expected-error {{…}}' comments"
                )
            elif action.dest == "target":
                action.help = "format of the output (default: mlir)"
        arg_parser.add_argument(
            "--pass-pipeline",
            metavar="PIPELINE",
            help="passes to run, in MLIR's syntax: 'builtin.module(pass-a,pass-b{option=1 flag})'",
        )
        arg_parser.add_argument(
            "--dump-pass-pipeline",
            action="store_true",
            help="print the passes that are run, named pipelines expanded, as --pass-pipeline takes them, to stderr",
        )
        arg_parser.add_argument(
            "--print-op-on-diagnostic",
            action="store_true",
            help="print the operation that an error is about, and the pass that reported it",
        )
        arg_parser.add_argument(
            "--color",
            choices=["auto", "always", "never"],
            default="auto",
            help="print IR in colour; auto: on a terminal unless NO_COLOR is set (default: auto)",
        )
        arg_parser.add_argument(
            "--list-passes", action="store_true", help="list passes and their options"
        )
        arg_parser.add_argument(
            "--list-pipelines", action="store_true", help="list named pipelines"
        )
        arg_parser.add_argument(
            "--weights", metavar="FILE", help="values of parameters (safetensors)"
        )
        arg_parser.add_argument(
            "--output-weights",
            metavar="FILE",
            help="write the parameters that result from the passes to FILE",
        )
        add_memory(arg_parser)
        arg_parser.add_argument(
            "--output-source",
            action="store_true",
            help="write the nn IR that networks are compiled from to NAME.nn.mlir next to -o NAME.mlir, and record it"
            " in the networks, for cmcore-verify-values",
        )

    def setup_pipeline(self) -> None:
        """Construct the passes, so that errors in the pipeline are reported before any work is done."""
        if self.args.passes is not None and self.args.pass_pipeline is not None:
            raise CompileError(NAME, "-p and --pass-pipeline exclude each other")
        passes: list[ModulePass] = []
        if self.args.passes is not None:
            passes = parse_passes(self.args.passes, "-p", self.available_passes)
        elif self.args.pass_pipeline is not None:
            passes = parse_pass_pipeline(
                self.args.pass_pipeline, "--pass-pipeline", self.available_passes
            )
        self.pipeline = PassPipeline(tuple(passes))
        if self.args.dump_pass_pipeline:
            print(pipeline_text(passes), file=sys.stderr)

    def run(self) -> NoReturn:
        """Execute the command line, and exit."""
        raise SystemExit(self.execute())

    def execute(self) -> int:
        """Execute the command line; return the exit code."""
        if self.args.list_passes or self.args.list_pipelines:
            from cmir.tools.listing import list_passes, list_pipelines

            if self.args.list_passes:
                list_passes(self.available_passes)
            if self.args.list_pipelines:
                list_pipelines()
            return 0
        if self.args.output_source and self.args.output_file in (None, "-"):
            raise CompileError(NAME, "--output-source needs -o FILE")
        if self.args.output_source and self.args.split_input_file:
            raise CompileError(NAME, "--output-source and --split-input-file exclude each other")
        self._check_files()
        if self.args.weights is not None:
            self.ctx.parameters = Parameters.open(self.args.weights)
        elif self.args.output_weights is not None:
            self.ctx.parameters = Parameters()
        chunks, extension = self.prepare_input()
        try:
            outputs, failed = self._process(chunks, extension)
        except ShrinkException:
            if not self.args.shrink:
                raise
            print("Success, can shrink")
            return 0
        if not (failed and self.args.output_file is not None):
            self._write("// -----\n".join(outputs), failed)
        if self.args.shrink:
            print("Failure, can't shrink")
            return FAILURE
        return FAILURE if failed else 0

    def _check_files(self) -> None:
        """Raise CompileError if an output would overwrite an input, such as a file that a pass reads, or an output."""
        files = (self.args.input_file, self.args.weights, self.args.output_file)
        source, weights, output = (None if file == "-" else file for file in files)
        outputs = [output, self.args.output_weights]
        if self.args.output_source and output is not None:
            from cmir.proof.values.source import SUFFIX

            outputs.append(file_path(output).with_suffix(SUFFIX))
        options = (value for pass_ in self.pipeline.passes for value in vars(pass_).values())
        named = [text for text in options if isinstance(text, str) and os.path.isfile(text)]
        check_outputs([source, weights, *named], outputs)

    def get_input_name(self) -> str:
        return "<stdin>" if self.args.input_file in (None, "-") else self.args.input_file

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        """Return the input's chunks with the number of lines before each, and the frontend to use."""
        name = self.args.input_file
        text = sys.stdin.buffer.read() if name in (None, "-") else Path(name).read_bytes()
        ends = [match.span() for match in _SEPARATOR.finditer(text)]
        if not self.args.split_input_file:
            ends = []
        starts = [0, *(end for _, end in ends)]
        stops = [*(start for start, _ in ends), len(text)]
        chunks: list[tuple[IO[bytes], int]] = [
            (BytesIO(text[start:stop]), text.count(b"\n", 0, start))
            for start, stop in zip(starts, stops, strict=True)
        ]
        extension = "" if name is None else Path(name).suffix.removeprefix(".")
        known = extension in self.available_frontends
        return chunks, self.args.frontend or (extension if known else "mlir")

    def parse_chunk(
        self, chunk: IO[bytes], file_extension: str, start_offset: int = 0
    ) -> ModuleOp | None:
        if file_extension != "mlir":
            return super().parse_chunk(chunk, file_extension, start_offset)
        return self._parse(chunk.read(), start_offset)

    def apply_passes(self, prog: ModuleOp) -> None:
        """Run the passes, and verify the module before the first pass and after each."""
        with Progress() as progress:
            self.ctx.progress = progress.working
            self._apply_passes(prog)

    def _apply_passes(self, prog: ModuleOp) -> None:
        self._verify(prog, "")
        for index, item in enumerate(self.pipeline.passes):
            start = time.perf_counter()
            try:
                item.apply(self.ctx, prog)
            except CompileError as error:
                if self.args.print_op_on_diagnostic:
                    error.with_note(None, f"in pass '{item.name}'")
                raise
            except Exception as error:
                if isinstance(error, DiagnosticException) or is_isl_error(error):
                    # Errors of upstream passes and of ISL have no location.
                    message = f"pass '{item.name}': {error}"
                    raise CompileError(self.get_input_name(), message) from error
                error.add_note(f"in pass '{item.name}'")
                raise
            if self.args.time_passes:
                seconds = time.perf_counter() - start
                print(f"Pass {item.name} took {seconds:.6f} seconds", file=sys.stderr)
            self._verify(prog, f"after pass '{item.name}'")
            if self.args.print_between_passes and index + 1 < len(self.pipeline.passes):
                print(f"// -----// IR after {item.name} //----- //", file=sys.stderr)
                Printer(stream=sys.stderr).print_op(prog)
                print(file=sys.stderr)

    def _parse(self, text: bytes, offset: int) -> ModuleOp:
        parser = LocatingParser(self.ctx, text, self.get_input_name(), offset)
        return parser.parse_module(not self.args.no_implicit_module)

    def _verify(self, module: ModuleOp, after: str) -> None:
        if not self.args.disable_verify:
            verify(module, after)

    def _process(
        self, chunks: list[tuple[IO[bytes], int]], extension: str
    ) -> tuple[list[str], bool]:
        """Return the output of each chunk that has one, and True if any chunk failed."""
        outputs: list[str] = []
        failed = False
        for chunk, offset in chunks:
            text = chunk.read().decode("utf-8")
            chunk.seek(0)
            if self.args.verify_diagnostics:
                from cmir.tools.expected_diagnostics import check_diagnostics

                with collect_diagnostics() as diagnostics:
                    if (
                        error := self._process_chunk(chunk, extension, offset, outputs)
                    ) is not None:
                        diagnostics += self._diagnostics_of(error)
                problems = check_diagnostics(text, self.get_input_name(), offset, diagnostics)
                for problem in problems:
                    print(problem, file=sys.stderr)
                failed |= bool(problems)
                continue
            error = self._process_chunk(chunk, extension, offset, outputs)
            if error is None:
                continue
            if self.args.parsing_diagnostics:
                print(describe_error(error, self.get_input_name()))
                continue
            if len(chunks) == 1 or diagnostics_of(error, "") is None:
                raise error
            print(describe_error(error, self.get_input_name()), file=sys.stderr)
            failed = True
        return outputs, failed

    def _process_chunk(
        self, chunk: IO[bytes], extension: str, offset: int, outputs: list[str]
    ) -> Exception | None:
        """Append the output of the chunk to `outputs`, or return the error that prevents it."""
        try:
            module = self.parse_chunk(chunk, extension, offset)
            if module is not None:
                self.apply_passes(module)
                if self.args.output_source:
                    self._note_source(module)
                outputs.append(self.output_resulting_program(module))
        except ShrinkException:
            raise
        except Exception as error:
            if self.args.print_op_on_diagnostic and isinstance(error, CompileError):
                add_operation(error)
            return error
        return None

    def _note_source(self, module: ModuleOp) -> None:
        """Keep the text of a module's source, and record in the module the file that will hold it."""
        from cmir.proof.values.source import SUFFIX, note_source

        source = source_of_module(self.ctx, module)
        if source is None:
            raise CompileError(NAME, "--output-source needs nn IR, and passes that lower it")
        self._source_path = Path(self.args.output_file).with_suffix(SUFFIX)
        text = StringIO()
        Printer(stream=text).print_op(source)
        self._source = f"{text.getvalue()}\n"
        note_source(module, self._source_path.name, self._source)

    def _diagnostics_of(self, error: Exception) -> list[Diagnostic]:
        diagnostics = diagnostics_of(error, self.get_input_name())
        if diagnostics is None:
            raise error
        return diagnostics

    def _write(self, text: str, failed: bool) -> None:
        """Write all outputs, or none of them."""
        with atomic_paths() as temporary_for:
            if self.args.output_weights is not None and not failed:
                assert self.ctx.parameters is not None
                self.ctx.parameters.save(temporary_for(self.args.output_weights))
            if self._source is not None and not failed:
                temporary_for(self._source_path).write_bytes(self._source.encode())
            if self.args.output_file in (None, "-"):
                sys.stdout.write(self._colored(text))
            else:
                temporary_for(self.args.output_file).write_text(text, encoding="utf-8")

    def _colored(self, text: str) -> str:
        """Return the output in colour if it is IR and colours are enabled."""
        wanted = self.args.color == "always" or (
            self.args.color == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        )
        if not wanted or self.args.target != "mlir":
            return text
        from cmir.support.highlighting import colored

        return colored(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    return run_tool(NAME, lambda: CmOptMain(arguments).execute())


if __name__ == "__main__":
    from cmir.tools.entry import enter

    sys.exit(enter("cm-opt"))
