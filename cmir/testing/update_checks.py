"""FileCheck that updates the texts of relations in a test: `lit --param update=1`.

A failing directive is matched again, by FileCheck's rules and from the same position, with wildcards for the texts of
`#polyhedral.map<"…">` and `#polyhedral.set<"…">`. The matched texts replace those in the directive; nothing else
changes. The file is written only if the command's output then matches all directives.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from filecheck.compiler import compile_uops
from filecheck.error import CheckError
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.ops import Capture, CheckOp, Literal, UOp
from filecheck.options import parse_argv_options
from filecheck.parser import Parser

_RELATION = re.compile(r'(?<=#polyhedral\.(?:map|set)<")([^"]*)(?=">)')
_SYNTAX = re.compile(r"\{\{|\[\[[#$A-Za-z_]")
"""Special syntax of FileCheck patterns."""


def main(arguments: list[str]) -> int:
    """Run filecheck with these arguments, the first of which is its name; update the test if it then passes."""
    options = parse_argv_options(list(arguments))
    matcher = _Updater(options, FInput.from_opts(options), Parser.from_opts(options))
    code = matcher.run()
    if code == 0 and matcher.updates:
        path = Path(options.match_filename)
        lines = path.read_bytes().decode("utf-8").split("\n")
        for number, (old, new) in matcher.updates.items():
            head, _, tail = lines[number - 1].rpartition(old)
            lines[number - 1] = head + new + tail
        path.write_bytes("\n".join(lines).encode("utf-8"))
    return code


@dataclass
class _Updater(Matcher):
    """A matcher that collects updates. updates: by line number, the text of a directive and its replacement."""

    updates: dict[int, tuple[str, str]] = field(default_factory=dict)

    def match_eventually(self, op: CheckOp) -> None:
        try:
            super().match_eventually(op)
        except CheckError:
            self._update(op, lambda pattern: self.file.find(pattern, op.name == "SAME"))
            super().match_eventually(op)

    def match_immediately(self, op: CheckOp) -> None:
        try:
            super().match_immediately(op)
        except CheckError:
            self._update(op, self.file.match)
            super().match_immediately(op)

    def check_dag(self, op: CheckOp) -> None:
        try:
            super().check_dag(op)
        except CheckError:
            self._update(op, lambda pattern: self.file.find_between(pattern, self.file.range))
            super().check_dag(op)

    def _update(self, op: CheckOp, find: Callable[[re.Pattern[str]], re.Match[str] | None]) -> None:
        """Replace the relations in the directive by those in the match of `find` for the directive with wildcards."""
        pieces = _RELATION.split(op.arg)  # every second piece is the text of a relation
        uops: list[UOp] = []
        names: dict[int, str] = {}
        for index, piece in enumerate(pieces):
            if index % 2 and self._is_literal(op, piece):
                names[index] = f"relation {index}"
                uops.append(Capture(names[index], r'[^"\n]*', str))
            else:
                uops += self._parse(op, piece)
        loose = replace(op, uops=uops)
        pattern, captures = compile_uops(loose, self.ctx.live_variables, self.opts)
        if (match := find(pattern)) is None:
            return
        for index, name in names.items():
            pieces[index] = match[captures[name][0]]
            if not self._is_literal(op, pieces[index]):
                return
        old, op.arg = op.arg, "".join(pieces)
        op.uops = self._parse(op, op.arg)
        self.updates[op.source_line] = old, op.arg

    def _is_literal(self, op: CheckOp, text: str) -> bool:
        return op.is_literal or not _SYNTAX.search(text)

    def _parse(self, op: CheckOp, text: str) -> list[UOp]:
        return [Literal(text)] if op.is_literal else self.operations.parse_args(text, text)
