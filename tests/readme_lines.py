"""Run the Python lines of the README as they are written, in the working folder, with the cmir that is installed.

The network of `examples/digits` stands for the file that they name, and some of its images for theirs.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DIGITS = ROOT / "examples" / "digits"

if __name__ == "__main__":
    readme = (ROOT / "README.md").read_text("utf-8")
    (lines,) = re.findall(r"```python\n(import cmir\n.*?)```", readme, re.DOTALL)
    for name in re.findall(r'"([^"]+\.onnx)"', lines):
        shutil.copy(DIGITS / "digits.onnx", name)
    names: dict[str, Any] = {"images": np.load(DIGITS / "samples.npz")["images"][:3, None]}
    exec(lines, names)
    run = names["run"]
    assert run.check(reference="numpy") and run.energy > 0
    print(f"{names['cmir'].__file__}: {run}")
