"""Upstream MLIR reads and prints what cmir prints in generic form: `make mlir`.

The IR of all lit tests, before and after pipelines, goes through MLIR and comes back: cmir must parse the same IR. The
commands of mlir-opt in docs/mlir-opt.md are run, too.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from cmir.compilation.verification import verify
from cmir.context import make_context
from cmir.extensions import installed_universe
from cmir.pipelines.text import parse_passes
from cmir.support.diagnostics import collect_diagnostics
from cmir.support.errors import describe_error
from cmir.support.parsing import parse_module
from cmir.support.printing import ir_text

ROOT = Path(__file__).parents[2]
SUITES = (ROOT / "tests" / "filecheck", ROOT / "examples")
PIPELINES = (
    "",
    "nn-outline-stages",
    "nn-to-polyhedral,polyhedral-derive-dependences",
    "nn-to-polyhedral,polyhedral-stream-inputs,polyhedral-to-cmcore",
    "polyhedral-to-cmcore",
)
SEPARATOR = "// -----\n"
ARITH = """
func.func @main(%x: i32) -> i32 {
  %y = arith.addi %x, %x : i32
  func.return %y : i32
}
"""
"""Input of the commands of mlir-opt."""


def mlir_opt() -> str:
    """Return the path of the program like mlir-opt that the package heir-py brings."""
    spec = find_spec("heir")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("there is no package heir-py: pip install 'cmir[mlir]', or give --mlir-opt")
    return str(Path(spec.submodule_search_locations[0]) / "heir-opt")


def modules(file: Path) -> Iterator[ModuleOp]:
    """Yield the valid modules of a lit test, before and after pipelines."""
    for chunk in re.split(r"^// -----.*$", file.read_text(encoding="utf-8"), flags=re.M):
        for pipeline in PIPELINES:
            module = compiled(chunk, pipeline)
            if module is not None:
                yield module


def compiled(text: str, pipeline: str) -> ModuleOp | None:
    """Return the module after the passes; None if it is invalid, as in tests of errors."""
    ctx = make_context()
    ctx.reports_levels = True
    with collect_diagnostics() as diagnostics:
        try:
            module = parse_module(text, ctx)
            verify(module)
            for item in parse_passes(pipeline, "pipeline", installed_universe().all_passes):
                item.apply(ctx, module)
            verify(module)
        except Exception as error:
            if describe_error(error, "") is None:
                raise
            return None
    # A pipeline for another level leaves the module as it is.
    does_nothing = any(d.kind == "warning" for d in diagnostics)
    return None if does_nothing or not module.body.block.ops else module


def through(program: str, texts: list[str]) -> list[str]:
    """Return the texts as MLIR prints them. Raises AssertionError if it refuses one."""
    flags = ["--allow-unregistered-dialect", "--split-input-file", "--mlir-print-op-generic"]
    done = subprocess.run(
        [program, *flags], input=SEPARATOR.join(texts), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(SEPARATOR)


def check_texts(program: str) -> int:
    """Return the number of modules that went through MLIR and came back the same."""
    count = 0
    for file in sorted(path for suite in SUITES for path in suite.rglob("*.mlir")):
        given = list(modules(file))
        if not given:
            continue
        printed = [f"{ir_text(module, generic=True)}\n" for module in given]
        returned = through(program, printed)
        assert len(returned) == len(given), file
        for ours, text in zip(printed, returned, strict=True):
            one, other = (parse_module(each, make_context()) for each in (ours, text))
            assert one.is_structurally_equivalent(other), f"{file}: MLIR prints\n{text}"
        count += len(given)
    return count


def check_commands(program: str) -> str:
    """Run the commands of mlir-opt in the table; return a summary."""
    page = (ROOT / "docs" / "mlir-opt.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\| `mlir-opt ([^`]+)` \|", page, re.MULTILINE)
    known = subprocess.run([program, "--help"], capture_output=True, text=True).stdout
    unknown = [command for command in commands if command.split("=")[0].split()[0] not in known]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.mlir").write_text(ARITH)
        for command in (command for command in commands if command not in unknown):
            done = subprocess.run(
                [program, *shlex.split(command)], cwd=folder, capture_output=True, text=True
            )
            assert done.returncode == 0, f"mlir-opt {command}: {done.stderr}"
    missing = "".join(f"; this build does not have: {command}" for command in unknown)
    return f"{len(commands) - len(unknown)} of {len(commands)} commands of mlir-opt run{missing}"


def main() -> None:
    """Run the checks, and print what was checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlir-opt", metavar="FILE", help="program (default: of heir-py)")
    program = parser.parse_args().mlir_opt or mlir_opt()
    print(f"{check_texts(program)} modules go through MLIR and come back the same")
    print(check_commands(program))


if __name__ == "__main__":
    main()
