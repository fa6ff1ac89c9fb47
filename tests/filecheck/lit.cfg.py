# The lit suite: `lit tests/filecheck`, in true subprocesses with `--param subprocess=1`.

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from cmir.testing.lit_format import InProcessTest

root = Path(__file__).resolve().parents[2]

config.name = "cmir"
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = str(root / "tests" / "filecheck")
config.test_exec_root = str(root / "build" / "filecheck")
config.test_format = InProcessTest(subprocess=lit_config.params.get("subprocess", "0") != "0")
config.environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
if find_spec("psutil"):  # lit needs it to stop a test
    config.maxIndividualTestTime = 120
