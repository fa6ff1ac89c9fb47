"""cm-opt: parse IR, run passes on it, and print the result."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, NoReturn

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import PassPipeline
from xdsl.utils.exceptions import ShrinkException
from xdsl.xdsl_opt_main import xDSLOptMain

from cmir import __version__
from cmir.context import CmirContext, make_context, source_of_module
from cmir.extensions import installed_universe
from cmir.pipelines.steps import Step, flat
from cmir.pipelines.text import parse_steps, pipeline_text
from cmir.support.atomic import atomic_paths
from cmir.support.diagnostics import CompileError, Diagnostic, collect_diagnostics
from cmir.support.errors import add_operation, describe_error, diagnostics_of
from cmir.support.file_kinds import IR, refuse_other_kinds
from cmir.support.parameter_files import open_parameters
from cmir.support.parameters import Parameters
from cmir.support.parsing import LocatingParser
from cmir.support.printing import ir_text
from cmir.support.progress import Progress
from cmir.support.unloaded import unloaded_warnings
from cmir.tools.common import FAILURE, run_tool
from cmir.tools.files import check_outputs, file_path
from cmir.tools.ir_dumps import IrDumps
from cmir.tools.opt_arguments import NAME, add_arguments, parse_arguments
from cmir.tools.options import CommandParser
from cmir.tools.output_weights import OutputWeights
from cmir.tools.pass_flags import PassFlag
from cmir.tools.pass_report import OUTPUT, PARSER, PassStatistics
from cmir.tools.pass_runner import PassRunner
from cmir.tools.roundtrip import check_roundtrip

_SEPARATOR = re.compile(rb"^// -----[ \t]*\r?\n?", re.MULTILINE)


class CmOptMain(xDSLOptMain):
    """xdsl-opt, extended by source locations, mlir-opt's pipelines and diagnostics, and weights."""

    _flags: Sequence[PassFlag] = ()
    """Passes that are given as flags."""

    _reproduced: Parameters | None = None
    """Parameters of a reproducer."""

    _source: str | None = None
    """IR to write to `_source_path`, for --output-source."""
    _source_path: Path = Path()

    version_format = f"{NAME} {__version__} (xdsl {{xdsl_version}})"

    def __init__(self, args: Sequence[str] | None = None) -> None:
        super().__init__("Parse IR, run passes on it, and print the result.", args)

    def register_all_dialects(self) -> None:
        self.ctx: CmirContext = make_context()
        self.ctx.reports_levels = True

    def register_all_passes(self) -> None:
        for name, factory in installed_universe().all_passes.items():
            self.register_pass(name, factory)

    def register_all_targets(self) -> None:
        self.available_targets.update(installed_universe().all_targets)

    def register_all_frontends(self) -> None:
        self.available_frontends["mlir"] = lambda stream: self._parse(stream.read(), 0)

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        super().register_all_arguments(arg_parser)
        arg_parser.__class__ = CommandParser  # xDSL makes it
        assert isinstance(arg_parser, CommandParser)
        add_arguments(arg_parser)

        def parse(args: Sequence[str] | None = None) -> argparse.Namespace:
            given = sys.argv[1:] if args is None else args
            known = self.available_passes
            parsed, self._flags = parse_arguments(arg_parser, given, known, self._passes_for_help)
            return parsed

        arg_parser.parse_args = parse  # pyright: ignore[reportAttributeAccessIssue]

    def _passes_for_help(self) -> str:
        from cmir.tools.listing import help_text

        return help_text(self.available_passes)

    def setup_pipeline(self) -> None:
        """Construct the passes, so that errors in the pipeline are reported before any work is done."""
        given = {
            "-p": self.args.passes is not None,
            "--pass-pipeline": self.args.pass_pipeline is not None,
            "--run-reproducer": self.args.run_reproducer,
            self._flags[0].flag if self._flags else "": bool(self._flags),
        }
        ways = [way for way, is_given in given.items() if is_given]
        if len(ways) > 1:
            raise CompileError(NAME, f"{' and '.join(ways[:2])} exclude each other")
        if self.args.passes is not None:
            self._set_steps(parse_steps(self.args.passes, "-p", self.available_passes))
        elif self.args.pass_pipeline is not None:
            self._set_pipeline(self.args.pass_pipeline, "--pass-pipeline")
        else:
            known = self.available_passes
            self._set_steps([s for f in self._flags for s in parse_steps(f.text, f.flag, known)])

    def _set_pipeline(self, text: str, source: str) -> None:
        self._set_steps(parse_steps(text, source, self.available_passes, anchored=True))

    def _set_steps(self, steps: list[Step]) -> None:
        self.steps = steps
        self.pipeline = PassPipeline(tuple(flat(steps)))

    def run(self) -> NoReturn:
        """Execute the command line, and exit."""
        raise SystemExit(self.execute())

    def execute(self) -> int:
        """Execute the command line; return the exit code."""
        if self.args.list_passes or self.args.list_pipelines or self.args.show_dialects:
            self._list()
            return 0
        if self.args.output_source and self.args.output_file in (None, "-"):
            raise CompileError(NAME, "--output-source needs -o FILE")
        if self.args.output_source and self.args.split_input_file:
            raise CompileError(NAME, "--output-source and --split-input-file exclude each other")
        self._check_files()
        weights = self.args.output_weights
        self._weights = OutputWeights(NAME, _path(self.args.output_file), _path(weights))
        chunks, extension = self.prepare_input()
        if self.args.run_reproducer:
            chunks = [(self._take_reproducer(chunks[0][0].read()), 0)]
        if self.args.dump_pass_pipeline:
            print(self._pipeline_text(), file=sys.stderr)
        self._make_runner()
        try:
            outputs, failed = self._process(chunks, extension)
        except ShrinkException:
            if not self.args.shrink:
                raise
            print("Success, can shrink")
            return 0
        finally:
            self._report()
        if not (failed and self.args.output_file is not None):
            self._write("// -----\n".join(outputs), failed)
        if self.args.shrink:
            print("Failure, can't shrink")
            return FAILURE
        return FAILURE if failed else 0

    def _list(self) -> None:
        from cmir.tools.listing import list_passes, list_pipelines

        if self.args.list_passes:
            list_passes(self.available_passes)
        if self.args.list_pipelines:
            list_pipelines()
        for warning in unloaded_warnings():
            print(warning, file=sys.stderr)
        if self.args.show_dialects:
            print(f"Available Dialects: {','.join(sorted(self.ctx.registered_dialect_names))}")

    def _take_reproducer(self, text: bytes) -> IO[bytes]:
        """Set the pipeline and what else a reproducer holds; return its IR."""
        from cmir.tools.reproducer import Reproducer

        name = self.get_input_name()
        reproducer = Reproducer.read(text.decode("utf-8"), name)
        self._set_pipeline(reproducer.pipeline, f"{name}: pipeline")
        self.args.disable_verify |= not reproducer.verifies
        self.ctx.allow_unregistered |= reproducer.allows_unregistered
        self._reproduced = reproducer.parameters
        return BytesIO(reproducer.text.encode())

    def _pipeline_text(self) -> str:
        return pipeline_text(step.item for step in self.steps)

    def _make_runner(self) -> None:
        self.runner = PassRunner(
            self.ctx,
            self.get_input_name(),
            verifies=not self.args.disable_verify,
            names_pass=self.args.print_op_on_diagnostic,
            dumps=IrDumps(self.args, self.available_passes),
            statistics=PassStatistics() if self.args.pass_statistics else None,
        )

    def _report(self) -> None:
        """Print the reports that the options ask for."""
        if self.args.time_passes:
            print(self.runner.times.report(), file=sys.stderr)
        if self.runner.statistics is not None:
            print(self.runner.statistics.report(), file=sys.stderr)

    def _check_files(self) -> None:
        """Raise CompileError if an output would overwrite an input, such as a file that a pass reads, or an output."""
        files = (self.args.input_file, self.args.weights, self.args.output_file)
        source, weights, output = (None if file == "-" else file for file in files)
        reproducers = [self.args.generate_reproducer, self.args.crash_reproducer]
        outputs = [output, self.args.output_weights, *reproducers]
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
        if name not in (None, "-"):
            refuse_other_kinds(name, "IR", IR)
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
            self.runner.run(self.steps, prog)

    def _parse(self, text: bytes, offset: int) -> ModuleOp:
        parser = LocatingParser(self.ctx, text, self.get_input_name(), offset)
        return parser.parse_module(not self.args.no_implicit_module)

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
                problems = check_diagnostics(
                    text,
                    self.get_input_name(),
                    offset,
                    diagnostics,
                    only_expected=self.args.verify_diagnostics == "only-expected",
                )
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
        text, parameters = chunk.read(), None
        try:
            with self.runner.times.measure(*PARSER):
                module = self.parse_chunk(BytesIO(text), extension, offset)
            if module is not None:
                self._open_parameters(module)
                parameters = self.ctx.parameters and self.ctx.parameters.copy()
                self._process_module(module)
                self._weights.name_files(module, self.ctx.parameters)
                with self.runner.times.measure(*OUTPUT):
                    outputs.append(self.output_resulting_program(module))
        except ShrinkException:
            raise
        except Exception as error:
            self._keep_reproducer(error, text, parameters)
            if self.args.print_op_on_diagnostic and isinstance(error, CompileError):
                add_operation(error)
            return error
        return None

    def _open_parameters(self, module: ModuleOp) -> None:
        """Give the context the parameters of a module."""
        weights, earlier = _path(self.args.weights), self.ctx.parameters
        read = open_parameters(module, _path(self.args.input_file), weights)
        if weights is None and self._reproduced is not None:
            read = self._reproduced.copy()
        if earlier is not None and read is not None:  # passes give names that are new in the output
            for name in earlier.changed - read.keys():
                read[name] = earlier[name]
        self.ctx.parameters = read

    def _process_module(self, module: ModuleOp) -> None:
        if self.args.generate_reproducer is not None:
            self._write_reproducer(self.args.generate_reproducer, module)
        if self.args.verify_roundtrip:
            check_roundtrip(self.ctx, module, "the input")
        self.apply_passes(module)
        if self.args.verify_roundtrip:
            check_roundtrip(self.ctx, module, "the output")
        if self.args.output_source:
            self._note_source(module)

    def _write_reproducer(self, path: str, module: ModuleOp) -> None:
        from cmir.tools.reproducer import Reproducer

        Reproducer.of(
            module,
            [step.item for step in self.steps],
            self.ctx.parameters,
            not self.args.disable_verify,
            self.ctx.allow_unregistered,
        ).save(path, f"Run it with `{NAME} --run-reproducer FILE`.")

    def _keep_reproducer(
        self, error: Exception, text: bytes, parameters: Parameters | None
    ) -> None:
        """Write a reproducer of a failure in a pass if it is an internal error, or if an option asks for it."""
        path, failed = self.args.crash_reproducer, self.runner.current
        internal = diagnostics_of(error, self.get_input_name()) is None
        if failed is None or not (internal or path is not None):
            return
        from cmir.tools.crash import FailedRun

        verifies = not self.args.disable_verify
        run = FailedRun(
            error, self.ctx, text.decode("utf-8"), self.steps, failed, parameters, verifies
        )
        file = run.reproducer().save(path, f"Replay it with `{NAME} --run-reproducer FILE`.")
        error.add_note(
            f"a reproducer is in {file}: `{NAME} --run-reproducer` replays it, `cm-reduce` shrinks it"
        )

    def _note_source(self, module: ModuleOp) -> None:
        """Keep the text of a module's source, and record in the module the file that will hold it."""
        from cmir.proof.values.source import SUFFIX, note_source

        source = source_of_module(self.ctx, module)
        if source is None:
            raise CompileError(NAME, "--output-source needs nn IR, and passes that lower it")
        self._source_path = Path(self.args.output_file).with_suffix(SUFFIX)
        self._weights.name_files(source, self.ctx.parameters)
        self._source = f"{ir_text(source)}\n"
        note_source(module, self._source_path.name, self._source)

    def _diagnostics_of(self, error: Exception) -> list[Diagnostic]:
        diagnostics = diagnostics_of(error, self.get_input_name())
        if diagnostics is None:
            raise error
        return diagnostics

    def _write(self, text: str, failed: bool) -> None:
        """Write all outputs, or none of them."""
        with atomic_paths() as temporary_for:
            if not failed:
                self._weights.write(temporary_for)
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


def _path(file: str | None) -> Path | None:
    """Return the path of a file, None for a standard stream."""
    return None if file in (None, "-") else Path(file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    return run_tool(NAME, lambda: CmOptMain(arguments).execute())


if __name__ == "__main__":
    from cmir.tools.entry import enter

    sys.exit(enter("cm-opt"))
