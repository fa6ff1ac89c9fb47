"""cm-run on labelled samples, with models of crossbars."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cmir
from cmir.tools import cm_run

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
CHIP = """
[crossbar]
rows = 64
columns = 64
input_bits = 8
adc_bits = 8

[crossbar.model]
name = "pcm"
calibration_inputs = 4
"""


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    """Images, and --accuracy with their labels."""
    with np.load(ROOT / "examples" / "digits" / "samples.npz") as samples:
        np.save(tmp_path / "images.npy", samples["images"][:40].astype(np.float32)[:, None, None])
        np.save(tmp_path / "labels.npy", samples["labels"][:40])
    return [str(tmp_path / "images.npy"), "--accuracy", str(tmp_path / "labels.npy"), "--quiet"]


@pytest.fixture
def chip(tmp_path: Path) -> str:
    (tmp_path / "chip.toml").write_text(CHIP)
    return str(tmp_path / "chip.toml")


def share(data: list[str], top: int) -> float:
    """Share of the images whose label onnxruntime has among the largest elements."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(DIGITS), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    outputs = [np.asarray(session.run(None, {name: x})[0]).ravel() for x in np.load(data[0])]
    labels = np.load(data[2])
    return float(np.mean([k in np.argsort(-y)[:top] for y, k in zip(outputs, labels, strict=True)]))


def run(*arguments: str) -> int:
    return cm_run.main([str(DIGITS), *arguments])


def test_accuracy_at_times(
    data: list[str], chip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "figures.json"
    plot = tmp_path / "accuracy.svg"
    more = ["--at", "1s,1y", "--seeds", "2", "--json", str(table), "--check"]
    assert run(*data, "--hardware", chip, *more, "--accuracy-plot", str(plot)) == 0
    assert all(text in plot.read_text() for text in (">1 y<", ">conv1/0<", ">top 1 accuracy (%)<"))
    out = capsys.readouterr().out
    assert "accuracy of 40 samples, top 1\n" in out
    assert f"\n  exact products  {100 * share(data, 1):.2f} %\n" in out
    assert re.search(r"^  pcm, 1 s        \d+\.\d\d % ± \d+\.\d\d %, 2 seeds", out, re.M)
    assert re.search(r"^  pcm, 1 y        ", out, re.M)
    assert "check: equal to onnxruntime in all 40 inferences, with exact products\n" in out
    assert re.search(r"^deviation of logits, pcm: \d.* % root mean square", out, re.M)
    figures = json.loads(table.read_text())["accuracy"]
    assert [reading["seconds"] for reading in figures["readings"]] == [1, 365 * 86400]
    for reading in figures["readings"]:
        assert len(reading["scores"]) == 2
        names = [found["matrix"] for found in reading["matrices"]]
        assert names == ["conv1/0", "conv2/0", "conv3/0", "gemm1/0"]
        assert all(0.8 < found["slope"] < 1.2 for found in reading["matrices"])


def test_deviation_by_matrix(
    data: list[str], chip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*data[:-1], "--hardware", chip, "--at", "1h") == 0
    out = capsys.readouterr().out
    assert "deviation of products by matrix, 1 h, first seed\n" in out
    assert re.search(r"^  conv1/0   0\.9\d+ +\d+\.\d\d % +\S+ %$", out, re.M)


def test_accuracy_with_exact_products(data: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*data, "--top", "2") == 0
    out = capsys.readouterr().out
    expected = f"  exact products  {100 * share(data, 2):.2f} %\n"
    assert out.endswith(f"accuracy of 40 samples, top 2\n{expected}")


def test_bits_that_are_computed(
    chip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The summary, the page and the JSON of every run say which bits of the description results have."""
    converters = ["crossbar.input_bits", "crossbar.adc_bits"]
    for hardware, text, bits in (
        (
            "hermes",
            "bits computed: none, products are exact; in costs alone: crossbar.input_bits, ",
            ([], [*converters, "system.element_bits"]),
        ),
        (chip, "bits computed: crossbar.input_bits, crossbar.adc_bits\n", (converters, [])),
    ):
        page, table = tmp_path / "page", tmp_path / "figures.json"
        files = ("--report", str(page), "--json", str(table))
        assert run("--random", "0", "--quiet", "--hardware", hardware, *files) == 0
        assert f"\n{text}" in capsys.readouterr().out
        assert f'"bits":"{text.strip()}' in (page / "index.html").read_text()
        figures = json.loads(table.read_text())
        assert (figures["bits_computed"], figures["bits_costed"]) == bits


def test_figures_of_the_machine_do_not_depend_on_the_model(
    data: list[str], chip: str, tmp_path: Path
) -> None:
    """Only which bits are computed does."""
    found: list[dict[str, Any]] = []
    for number, text in enumerate((CHIP, CHIP.partition("[crossbar.model]")[0])):
        Path(chip).write_text(text)
        table = tmp_path / f"{number}.json"
        assert run(data[0], "--quiet", "--hardware", chip, "--json", str(table)) == 0
        found.append(json.loads(table.read_text()))
    with_model, exact = (
        {name: value for name, value in table.items() if not name.startswith("bits_")}
        for table in found
    )
    assert with_model == exact and found[0]["bits_computed"] == found[1]["bits_costed"] != []


def test_ranges_are_kept(data: list[str], chip: str, tmp_path: Path) -> None:
    """With the ranges of all images, one image gives what it gives among all."""
    ranges, outputs = tmp_path / "ranges.safetensors", [tmp_path / f"{k}.npy" for k in range(3)]
    common = [data[0], "--quiet", "--hardware", chip]
    with_ranges = [*common, "--ranges", str(ranges)]
    assert run(*with_ranges, "--output", str(outputs[0])) == 0
    written = ranges.read_bytes()
    assert run(*with_ranges, "-n", "1", "--output", str(outputs[1])) == 0
    assert run(*common, "-n", "1", "--output", str(outputs[2])) == 0
    whole, one, alone = map(np.load, outputs)
    assert np.array_equal(one, whole[:1])
    assert not np.array_equal(alone, one)
    assert ranges.read_bytes() == written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--hardware", "hermes", "--at", "1s"],
            "the model `ideal` has no field `at`; choose a model",
        ),
        (
            ["--accuracy-output", "logit"],
            "there is no output 'logit': there are logits; did you mean",
        ),
        (["-n", "3"], "there are 40 labels for 3 samples"),
        (["--ranges", "r.safetensors"], "there are no ranges to calibrate"),
        (
            ["--hardware", "hermes", "--accuracy-plot", "a.svg"],
            "cm-run: error: --accuracy-plot needs a model of crossbars: choose one",
        ),
        (["--accuracy-plot", "a.txt"], "a.txt: error: plots are .svg, .png, .pdf files"),
    ],
)
def test_refused(
    data: list[str],
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*data, *options) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", ["--top=2", "--at=1s", "--seeds=2", "--accuracy-output=y", "--accuracy-plot=a.svg"]
)
def test_options_that_need_labels(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--random", "0", option) == 1
    assert f"{option.partition('=')[0]} needs --accuracy" in capsys.readouterr().err


def test_times_have_units(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--random", "0", "--at", "10")
    assert "times are numbers with a unit (s, m, h, d, y)" in capsys.readouterr().err


def test_accuracy_from_python(data: list[str], chip: str) -> None:
    images, labels = np.load(data[0]), np.load(data[2])
    net = cmir.compile(str(DIGITS), hardware=chip, progress=False)
    found = net.accuracy(images, labels, at=[1.0], seeds=2, progress=False)
    assert found.exact == pytest.approx(share(data, 1)) and found.model == "pcm"
    (reading,) = found.readings
    assert reading.seconds == 1.0 and len(reading.scores) == 2 and 0.8 < reading.mean <= 1
    assert [axes.get_ylabel() for axes in found.plot().axes] == ["top 1 accuracy (%)", ""]
    with pytest.raises(cmir.CompileError, match="the machine has no model of crossbars"):
        replace(found, readings=()).plot()
    run = net.run(images, progress=False)
    assert not np.array_equal(run.output, np.stack([s["logits"] for s in run.exact_samples]))
    assert run.check()
