"""Reports of `cm-opt --time-passes` and `--pass-statistics`, laid out like mlir-opt's."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Path = tuple[str, ...]
"""A pass, behind the named pipelines and anchors that contain it, outermost first."""


@dataclass
class PassTimes:
    """Seconds that the parts of a run take: passes by their paths, and what happens around them."""

    started: float = field(default_factory=time.perf_counter)
    seconds: dict[Path, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, *path: str) -> Generator[None]:
        """Add the time that the `with` block takes."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[path] = self.seconds.get(path, 0) + time.perf_counter() - started

    def report(self) -> str:
        """Return the report: a tree with the share of each part in the whole time."""
        total = time.perf_counter() - self.started
        # Around the passes, in the order in which it happens.
        others = {path: s for path, s in self.seconds.items() if path in _AROUND}
        passes = {path: s for path, s in self.seconds.items() if path not in _AROUND}
        rest = total - sum(self.seconds.values())
        rows = [("Parser", others.get(PARSER, 0.0))]
        rows += [("  " * (len(path) - 1) + path[-1], sum_) for path, sum_ in _tree(passes)]
        rows += [(path[0], others[path]) for path in (VERIFIER, OUTPUT) if path in others]
        rows += [("Rest", rest), ("Total", total)]
        lines = [f"  {s:8.4f} ({100 * s / total:5.1f}%)  {name}" for name, s in rows]
        head = f"  Total Execution Time: {total:.4f} seconds\n\n  ----Wall Time----  ----Name----"
        return "\n".join([_title("Execution time report"), head, *lines])


PARSER, VERIFIER, OUTPUT = ("Parser",), ("Verifier",), ("Output",)
_AROUND = {PARSER, VERIFIER, OUTPUT}


@dataclass
class PassStatistics:
    """What passes counted, by their paths; passes of the same path are added up."""

    counts: dict[Path, Counter[str]] = field(default_factory=dict)

    def add(self, path: Path, counts: Mapping[str, int]) -> None:
        total = self.counts.setdefault(path, Counter())
        for what, number in counts.items():
            total[what] += number

    def report(self) -> str:
        """Return the report: a tree of passes, each with its counts."""
        lines = [_title("Pass statistics report")]
        for path, _ in _tree(dict.fromkeys(self.counts, 0.0)):
            indent = "  " * (len(path) - 1)
            lines.append(indent + path[-1])
            for what, number in self.counts.get(path, {}).items():
                lines.append(f"{indent}  (S) {number:8} {what}")
        return "\n".join(lines)


def _tree(leaves: Mapping[Path, float]) -> Iterator[tuple[Path, float]]:
    """Yield all nodes of the tree with these leaves, in order, each with the sum of its leaves."""
    sums: dict[Path, float] = {}
    for path, value in leaves.items():
        for end in range(1, len(path) + 1):
            sums[path[:end]] = sums.get(path[:end], 0.0) + value
    yield from _below((), sums)


def _below(node: Path, sums: Mapping[Path, float]) -> Iterator[tuple[Path, float]]:
    for path, value in sums.items():
        if len(path) == len(node) + 1 and path[:-1] == node:
            yield path, value
            yield from _below(path, sums)


def _title(text: str) -> str:
    line = f"==={73 * '-'}==="
    return f"{line}\n{f'... {text} ...':^79}".rstrip() + f"\n{line}"
