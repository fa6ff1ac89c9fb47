"""Check of diagnostics against comments in the input, like mlir-opt's `--verify-diagnostics`.

// expected-error @+1 {{must be positive}}

The text in braces is part of the message. After `expected-error-re`, inner braces hold a regular expression:
`{{expected {{[0-9]+}} operands}}`. The line is that of the comment, the line `@+N` or `@-N` away from it, or the
nearest line `@above` or `@below` without such a comment; `@unknown` stands for a diagnostic without a location in the
file. Every diagnostic, notes included, needs a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cmir.support.diagnostics import Diagnostic

_START = re.compile(r"expected-(?=error|warning|remark|note)")
_EXPECTATION = re.compile(
    r"expected-(?P<kind>error|warning|remark|note)(?P<re>-re)?"
    r"\s*(?:@(?P<where>[+-]\d+|above|below|unknown))?"
    r"\s*\{\{(?P<text>(?(re)(?:\{\{.*?\}\}|.)*?|.*?))\}\}"
)


@dataclass(frozen=True)
class _Expectation:
    line: int | None
    kind: str
    text: str
    pattern: re.Pattern[str]
    comment_line: int

    def matches(self, diagnostic: Diagnostic, file: str) -> bool:
        return (
            diagnostic.kind == self.kind
            and diagnostic.line_in(file) == self.line
            and self.pattern.search(diagnostic.one_line) is not None
        )


def check_diagnostics(
    text: str,
    name: str,
    line_offset: int,
    diagnostics: Sequence[Diagnostic],
    only_expected: bool = False,
) -> list[str]:
    """Return the differences between the diagnostics and the comments in the text, a line each.

    text: a chunk of the file `name` that starts after `line_offset` lines. only_expected: True if diagnostics without a
    comment are no difference.
    """
    problems: list[str] = []
    remaining = list(diagnostics)
    for expectation in _expectations(text, line_offset):
        if isinstance(expectation, str):
            problems.append(f"{name}:{expectation}")
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
    if not only_expected:
        problems += [f"{d} [unexpected {d.kind}]" for d in remaining]
    return problems


def _expectations(text: str, line_offset: int) -> Iterator[_Expectation | str]:
    """Yield the expectations in the text; for a malformed one, a string with its line and the error."""
    lines = text.split("\n")
    marked = [_START.search(line) is not None for line in lines]
    for index, line in enumerate(lines):
        matches = list(_EXPECTATION.finditer(line))
        if len(matches) != len(_START.findall(line)):
            yield (
                f"{index + 1 + line_offset}: error: malformed comment, expected e.g."
                " 'expected-error @+1 {{message}}'"
            )
        for match in matches:
            try:
                pattern = _pattern(match["text"], match["re"] is not None)
            except re.error as error:
                yield f"{index + 1 + line_offset}: error: malformed regular expression: {error}"
                continue
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
                pattern,
                index + 1 + line_offset,
            )


def _pattern(text: str, regular: bool) -> re.Pattern[str]:
    """Return the pattern that finds the text in a message. Raises re.error if a regular expression is malformed."""
    if not regular:
        return re.compile(re.escape(text))
    parts = re.split(r"\{\{(.*?)\}\}", text)  # literal text and expressions alternate
    for expression in parts[1::2]:
        re.compile(expression)
    return re.compile(
        "".join(f"(?:{part})" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    )
