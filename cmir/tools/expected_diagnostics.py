"""
Checking of diagnostics against comments in the input, as mlir-opt's `--verify-diagnostics`:

    // expected-error @+1 {{must be positive}}

The text in braces is part of the message. The line is that of the comment, or `@+N` or `@-N` away
from it, or the nearest line `@above` or `@below` that holds no such comment; `@unknown` is for a
message that points nowhere in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cmir.diagnostics import Diagnostic

_START = re.compile(r"expected-(?=error|warning|remark|note)")
_EXPECTATION = re.compile(
    r"expected-(?P<kind>error|warning|remark|note)"
    r"\s*(?:@(?P<where>[+-]\d+|above|below|unknown))?"
    r"\s*\{\{(?P<text>.*?)\}\}"
)


@dataclass(frozen=True)
class _Expectation:
    line: int | None
    kind: str
    text: str
    comment_line: int

    def matches(self, diagnostic: Diagnostic, file: str) -> bool:
        return (
            diagnostic.kind == self.kind
            and diagnostic.line_in(file) == self.line
            and self.text in str(diagnostic)
        )


def check_diagnostics(
    text: str, name: str, line_offset: int, diagnostics: Sequence[Diagnostic]
) -> list[str]:
    """
    The differences between the diagnostics and what comments in the text expect, a line each.

    Params:
        text: a chunk of the file `name`, which starts after `line_offset` lines of it.
    """
    problems: list[str] = []
    remaining = list(diagnostics)
    for expectation in _expectations(text, line_offset):
        if isinstance(expectation, int):
            problems.append(
                f"{name}:{expectation}: error: malformed comment, expected e.g."
                " 'expected-error @+1 {{message}}'"
            )
            continue
        found = next((d for d in remaining if expectation.matches(d, name)), None)
        if found is not None:
            remaining.remove(found)
            continue
        at = "unknown location" if expectation.line is None else f"line {expectation.line}"
        problems.append(
            f"{name}:{expectation.comment_line}: error: expected {expectation.kind}"
            f' "{expectation.text}" at {at} was not produced'
        )
    problems += [f"{d} [unexpected {d.kind}]" for d in remaining]
    return problems


def _expectations(text: str, line_offset: int) -> Iterator[_Expectation | int]:
    """The expectations in the text; a number is the line of a malformed one."""
    lines = text.split("\n")
    marked = [_START.search(line) is not None for line in lines]
    for index, line in enumerate(lines):
        matches = list(_EXPECTATION.finditer(line))
        if len(matches) != len(_START.findall(line)):
            yield index + 1 + line_offset
        for match in matches:
            target: int | None = index
            match match["where"]:
                case None:
                    pass
                case "above":
                    target = next((i for i in range(index - 1, -1, -1) if not marked[i]), -1)
                case "below":
                    target = next((i for i in range(index + 1, len(lines)) if not marked[i]), -1)
                case "unknown":
                    target = None
                case offset:
                    target = index + int(offset)
            yield _Expectation(
                None if target is None else target + 1 + line_offset,
                match["kind"],
                match["text"],
                index + 1 + line_offset,
            )
