"""The comparison with PIMCOMP: the records are complete, and runs of PIMCOMP are read as it prints them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pimcomp
import published
import pytest

PROGRAM = """\
#!/bin/sh
echo "practical (ns)"
echo "470023.00"
cat > ../output/MappingResult.txt <<'END'
****************** Mapping Result ********************
3
core_0
   node  r_index  index_r  | AG_index  xbar_num  input_cycle
      1      0       0     |     0         1         33
      1      0       1     |     1         2         33
core_1
   node  r_index  index_r  | AG_index  xbar_num  input_cycle
core_2
   node  r_index  index_r  | AG_index  xbar_num  input_cycle
      3      0       0     |     2         4         33
END
"""


def test_records_are_complete() -> None:
    """One run of `balance`, which draws nothing, and ten of the genetic algorithm, for each network and mode."""
    counts = Counter((r.network, r.mode, r.method) for r in pimcomp.records())
    assert counts == {
        (network, mode, method): runs
        for network in pimcomp.NETWORKS
        for mode in ("batch", "element")
        for method, runs in (("balance", 1), ("GA", pimcomp.RUNS))
    }


def test_records_are_plausible() -> None:
    """No mapping exceeds the chip, or is faster than its products allow one after the other on all cores."""
    windows = {
        name: sum(layer.windows * -(-layer.inputs // 128) for layer in mapping)
        for name, mapping in published.published().items()
    }
    for record in pimcomp.records():
        assert record.cores <= 144 and record.crossbars <= 64 * record.cores
        assert record.nanoseconds >= 200 * windows[record.network] / 144


def test_the_table_of_records(capsys: pytest.CaptureFixture[str]) -> None:
    assert pimcomp.main(["resnet18", "--recorded"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == [
        "resnet18",
        "PIMCOMP,",
        "batch,",
        "balance",
        "0.470",
        "5334",
        "84",
    ]


def test_the_page_has_the_records() -> None:
    """The page's table has PIMCOMP's rows as recorded, and those of cmir for each network."""
    page = (Path(__file__).parents[2] / "docs" / "pimcomp.md").read_text(encoding="utf-8")
    for network in pimcomp.NETWORKS:
        for row in pimcomp.rows_of(network, pimcomp.records(), {}):
            assert pimcomp.markdown(row) in page
        assert all(f"| {network} | {what} | " in page for what in pimcomp.kinds_of(network))


def test_runs_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "output").mkdir()
    program = tmp_path / "build" / "PIMCOMP-NN"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setattr(pimcomp, "NETWORKS", ("resnet18",))
    monkeypatch.setattr(pimcomp, "RUNS", 1)
    found = list(pimcomp.record(program))
    assert found[0] == pimcomp.Record("resnet18", "batch", "balance", 0, 470023, 7, 2)
    assert [(r.mode, r.method) for r in found[1:]] == [
        ("batch", "GA"), ("element", "balance"), ("element", "GA"),
    ]  # fmt: skip


def test_what_is_not_recorded_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pimcomp.main(["alexnet"])
    assert "nothing is recorded of alexnet" in capsys.readouterr().err
