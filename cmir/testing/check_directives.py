"""A linter of FileCheck tests.

It reports faults that pass silently: misspelt directives, prefixes that no RUN line uses, and `expected-…` comments
that nothing checks.


    python -m cmir.testing.check_directives tests/filecheck
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SLASH_SUFFIXES = (".mlir", ".test")
"""Suffixes of files whose comments start with `//`; in other files with RUN lines they start with `#`."""

_RUN = re.compile(r"RUN:(.*)")
_FILECHECK = re.compile(r"\bfilecheck\b([^|]*)", re.IGNORECASE)
_PREFIX_OPTION = re.compile(r"--?check-prefix(?:es)?[= ]\s*[\"']?([\w,-]+)")
# A comment that starts like a directive: a word, an optional suffix, an optional colon.
_COMMENT = r"\s*(?P<name>[A-Za-z][\w-]*)(?P<literal>\{\w*\})?(?P<colon>\s*:)?"
_SUFFIX = re.compile(r"-(DAG|COUNT-[1-9][0-9]*|NOT|EMPTY|NEXT|SAME|LABEL)")
_LOOKS_LIKE_SUFFIX = re.compile(r"[-_]?(DAG|COUNT|NOT|EMPTY|NEXT|SAME|LABEL)([-_]?\d+)?$")
_OTHER = frozenset(
    "RUN COM NOTE XFAIL REQUIRES UNSUPPORTED ALLOW_RETRIES DEFINE REDEFINE END".split()
)


def check_paths(paths: Sequence[Path]) -> list[str]:
    """Return the faults in these files, and in the tests in these folders, a line each."""
    problems: list[str] = []
    for path in paths:
        if not path.exists():
            problems.append(f"{path}: error: no such file or folder")
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if not file.is_file() or "Inputs" in file.parts:
                continue
            text = file.read_text(encoding="utf-8", errors="replace")
            slashes = file.suffix in SLASH_SUFFIXES
            if slashes or re.search(r"^#\s*RUN:", text, re.MULTILINE):
                found = check(text, "//" if slashes else "#")
                problems += [f"{file}:{line}: error: {message}" for line, message in found]
    return problems


def check(text: str, comment: str = "//") -> list[tuple[int, str]]:
    """Return line and message for each fault in the text of a test."""
    directive = re.compile(comment + _COMMENT)
    run_lines = list(_run_lines(text))
    if not run_lines:
        return [(1, "no RUN line")]
    declared, problems = _declared_prefixes(run_lines)
    used: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        for match in directive.finditer(line):
            prefix, message = _judge(match, declared)
            if prefix is not None:
                used.add(prefix)
            if message is not None:
                problems.append((number, message))
            if match["name"] in ("COM", "RUN"):
                break  # the rest of the line is ignored
    for prefix, line in declared.items():
        if prefix not in used:
            problems.append((line, f"no directive has the prefix '{prefix}'"))
    expected = re.search(r"//\s*expected-(error|warning|remark|note)\b", text)
    if expected and not any("--verify-diagnostics" in command for _, command in run_lines):
        line = text.count("\n", 0, expected.start()) + 1
        problems.append((line, "no RUN line has --verify-diagnostics to check this"))
    return sorted(problems)


def _declared_prefixes(
    run_lines: Iterable[tuple[int, str]],
) -> tuple[dict[str, int], list[tuple[int, str]]]:
    """Return the prefixes that RUN lines name, each with the first line that does, and what is wrong in those lines."""
    declared: dict[str, int] = {}
    problems: list[tuple[int, str]] = []
    for line, command in run_lines:
        for match in _FILECHECK.finditer(command):
            options = match[1]
            if "%s" not in options and "%S" not in options and "%t" not in options:
                problems.append((line, "filecheck without a file checks nothing"))
            prefixes = ",".join(_PREFIX_OPTION.findall(options)) or "CHECK"
            for prefix in prefixes.split(","):
                declared.setdefault(prefix, line)
    return declared, problems


def _judge(match: re.Match[str], declared: dict[str, int]) -> tuple[str | None, str | None]:
    """Return the prefix of the directive, if the comment is one, and the fault of the comment, if any."""
    name, colon, literal = match["name"], match["colon"], match["literal"]
    for prefix in sorted(declared, key=len, reverse=True):
        if name == prefix or (name.startswith(prefix) and _SUFFIX.fullmatch(name[len(prefix) :])):
            if colon != ":" or literal not in (None, "{LITERAL}"):
                return None, f"'{match[0]}' is not a directive: expected '{name}:'"
            return prefix, None
    if name in _OTHER:
        if name == "RUN" and colon != ":":
            return None, "expected 'RUN:'"
        return None, None
    stem = _LOOKS_LIKE_SUFFIX.sub("", name.upper())
    suffixed = stem != name.upper()
    shouted = name == name.upper()
    for prefix in declared:
        rest = name.upper().removeprefix(prefix)
        alike = (rest != name.upper() and (rest == "" or rest[0] in "-_")) or _alike(stem, prefix)
        if alike and (colon or shouted or suffixed):
            return None, f"'{name}' is not a directive; is '{prefix}' meant, with a valid suffix?"
    if shouted and (colon or suffixed) and len(name) > 1:
        return None, f"no RUN line uses the prefix of '{name}'"
    return None, None


def _alike(word: str, prefix: str) -> bool:
    return difflib.SequenceMatcher(None, word, prefix).ratio() >= 0.75


def _run_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each RUN command with the number of its first line; a trailing backslash continues a command."""
    start, command = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if (match := _RUN.search(line)) is None:
            continue
        start = start or number
        part = match[1].strip()
        command += part.removesuffix("\\")
        if not part.endswith("\\"):
            yield start, command
            start, command = 0, ""
    if command:
        yield start, command


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the faults; return exit code 1 if there are any, else 0."""
    paths = [Path(argument) for argument in (sys.argv[1:] if arguments is None else arguments)]
    problems = check_paths(paths)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
