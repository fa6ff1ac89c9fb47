"""IR printed between passes, under the headings of mlir-opt."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmir.pipelines.text import pass_text
from cmir.support.diagnostics import CompileError
from cmir.support.printing import ir_text


def add_dump_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that print IR between passes."""
    group = parser.add_argument_group("IR between passes, printed to stderr")
    for when in ("before", "after"):
        group.add_argument(
            f"--print-ir-{when}",
            metavar="PASS",
            action="append",
            default=[],
            help=f"print the IR {when} these passes, separated by commas",
        )
        group.add_argument(
            f"--print-ir-{when}-all",
            action="store_true",
            help=f"print the IR {when} each pass",
        )
    group.add_argument(
        "--print-ir-after-change",
        action="store_true",
        help="print the IR after passes that change it; with --print-ir-after=PASS, only after these",
    )
    group.add_argument(
        "--print-ir-after-failure", action="store_true", help="print the IR after a pass that fails"
    )


class IrDumps:
    """When IR is printed. known: the names of passes, which those in the options must be among."""

    def __init__(self, args: argparse.Namespace, known: Mapping[str, object]) -> None:
        self.before_names = _names(args.print_ir_before, "--print-ir-before", known)
        self.after_names = _names(args.print_ir_after, "--print-ir-after", known)
        self.before_all: bool = args.print_ir_before_all
        self.changed_only: bool = args.print_ir_after_change
        named = bool(self.after_names)
        self.after_all: bool = args.print_ir_after_all or (self.changed_only and not named)
        self.on_failure: bool = args.print_ir_after_failure
        self._old = ""

    def before(self, item: ModulePass, module: ModuleOp) -> None:
        """Print the IR before a pass, if the options say so."""
        if self.before_all or item.name in self.before_names:
            _dump(f"Before {pass_text(item)}", ir_text(module))
        if self.changed_only and self._wants(item):
            self._old = ir_text(module)

    def after(self, item: ModulePass, module: ModuleOp) -> None:
        """Print the IR after a pass, if the options say so."""
        if self._wants(item):
            text = ir_text(module)
            if not (self.changed_only and text == self._old):
                _dump(f"After {pass_text(item)}", text)

    def failed(self, item: ModulePass, module: ModuleOp) -> None:
        """Print the IR that a pass leaves that fails, if the options say so."""
        if self.on_failure:
            _dump(f"After {pass_text(item)} Failed", ir_text(module, generic=True))

    def _wants(self, item: ModulePass) -> bool:
        return self.after_all or item.name in self.after_names


def _dump(heading: str, text: str) -> None:
    print(f"// -----// IR Dump {heading} //----- //\n{text}\n", file=sys.stderr)


def _names(given: Sequence[str], option: str, known: Mapping[str, object]) -> set[str]:
    names = {name.strip() for names in given for name in names.split(",")}
    for name in sorted(names):
        if name not in known:
            raise CompileError(option, f"unknown pass '{name}'")
    return names
