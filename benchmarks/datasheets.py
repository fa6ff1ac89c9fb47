"""Data sheets of the presets: peak figures, beside what their sources publish.

    python benchmarks/datasheets.py [PRESET ...]

The figures and their sources are in cmir/documentation/datasheets.py. The exit code is 1 if a figure differs by more
than 5 % from the published one without an explanation.
"""

from __future__ import annotations

import argparse
import sys

from cmir.documentation.datasheets import TOLERANCE, UNITS, Row, datasheet
from cmir.hardware.description import Hardware, presets


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("presets", nargs="*", metavar="preset", help=", ".join(presets()))
    names = parser.parse_args(arguments).presets or presets()
    if unknown := set(names) - set(presets()):
        parser.error(f"there is no preset {', '.join(sorted(unknown))}")
    unexplained: list[Row] = []
    for name in names:
        print(f"\n{name}: {Hardware.load(name).summary}")
        for row in datasheet(Hardware.load(name)):
            print(f"  {line(row)}")
            if not row.agrees and row.published is not None and not row.published.because:
                unexplained.append(row)
    for row in unexplained:
        print(
            f"{row.preset}: {row.figure} differs by more than {100 * TOLERANCE:g} %, unexplained",
            file=sys.stderr,
        )
    return 1 if unexplained else 0


def line(row: Row) -> str:
    """A figure, the published one, the difference, the source, and the explanation."""
    text = f"{row.figure:<16}{row.ours:>9.4g}{UNITS[row.figure]:<4}"
    if row.published is None:
        return text.rstrip()
    text += f"{row.published.value:>9.4g}{row.percent:>10}  {row.published.where}"
    return text + (f"\n{'':<6}{row.published.because}" if row.published.because else "")


if __name__ == "__main__":
    sys.exit(main())
