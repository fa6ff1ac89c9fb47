"""Check that tests reach every source file: some function of each file that has functions has run (`make coverage`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def unreached(report: dict[str, Any]) -> list[str]:
    """Return the files of coverage.py's JSON report of which no function has run.

    Importing a file runs the lines at its module level, so these count only for a file without functions.
    """
    files = []
    for path, file in report["files"].items():
        functions = [f for name, f in file["functions"].items() if name]
        reached = any(f["executed_lines"] for f in functions or [file])
        if file["summary"]["num_statements"] and not reached:
            files.append(path)
    return files


if __name__ == "__main__":
    found = unreached(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for path in found:
        print(f"{path}: no test reaches this file")
    sys.exit(bool(found))
