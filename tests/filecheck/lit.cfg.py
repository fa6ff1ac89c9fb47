# The lit suite: `lit tests/filecheck`, in true subprocesses with `--param subprocess=1`.

from pathlib import Path

from cmir.testing.lit_config import configure

root = Path(__file__).resolve().parents[2]
configure(config, lit_config, "cmir", __file__, root / "build" / "filecheck")
