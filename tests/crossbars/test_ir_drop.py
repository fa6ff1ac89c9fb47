"""The example of IR drop, installed as a package, beside the voltages of all nodes of the circuit."""

from __future__ import annotations

import tomllib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from crossbars.packages import install

import cmir
from cmir.crossbars.choice import model_of
from cmir.crossbars.model import Where
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ir_drop"
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"


@pytest.fixture(autouse=True)
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))
    (module,) = project["project"]["entry-points"]["cmir.crossbars"].values()
    code = (EXAMPLE / f"{module}.py").read_text(encoding="utf-8")
    install(code, f"installed_{module}", tmp_path, monkeypatch)


def circuit(conductances: np.ndarray, resistance: float) -> np.ndarray:
    """Currents of columns for a volt at each row, shape (columns, rows), from the voltages of all nodes."""
    rows, columns = conductances.shape
    nodes = {
        node: k for k, node in enumerate(product(("row", "column"), range(rows), range(columns)))
    }
    laws, driven = np.zeros((len(nodes), len(nodes))), np.zeros((len(nodes), rows))

    def join(a: int, b: int | None, conductance: float) -> None:
        """A resistor between two nodes, or to a fixed voltage."""
        laws[a, a] += conductance
        if b is not None:
            laws[b, b] += conductance
            laws[a, b] -= conductance
            laws[b, a] -= conductance

    for i, j in product(range(rows), range(columns)):
        row, column = nodes["row", i, j], nodes["column", i, j]
        join(row, column, conductances[i, j])
        join(row, nodes["row", i, j - 1] if j else None, 1 / resistance)
        join(column, nodes["column", i - 1, j] if i else None, 1 / resistance)
        if j == 0:
            driven[row, i] = 1 / resistance
    voltages = np.linalg.solve(laws, driven)
    return np.array([voltages[nodes["column", 0, j]] / resistance for j in range(columns)])


def products(weights: np.ndarray, fields: str) -> np.ndarray:
    """The weights that the model computes with."""
    chip = f'[crossbar]\nrows = 12\ncolumns = 4\n[crossbar.model]\nname = "ir-drop"\n{fields}'
    crossbar, inputs = Hardware.load(chip).crossbar, weights.shape[1]
    model = model_of(crossbar)
    assert model is not None
    programmed = model.program(Where("core"), weights, tiles_of(matrix_of(weights), crossbar))
    columns = Columns(np.arange(inputs), np.zeros(inputs, int))
    return model.product(Where("core"), programmed, np.eye(inputs), columns)


def test_voltages_of_the_circuit() -> None:
    """The difference is of second order in the resistance: half of it makes it a quarter."""
    weights = np.random.default_rng(1).standard_normal((4, 12))
    g_max = 25e-6
    cells = np.zeros((12, 8))
    cells[:, 0::2], cells[:, 1::2] = np.maximum(weights, 0).T, np.maximum(-weights, 0).T
    differences: list[float] = []
    for resistance in (40.0, 20.0, 10.0):
        unit = g_max / np.abs(weights).max()
        currents = circuit(cells * unit, resistance) / unit
        expected = currents[0::2] - currents[1::2]
        found = products(weights, f"wire_resistance = {resistance}")
        differences.append(float(np.abs(found - expected).max()))
        assert differences[-1] < 0.1 * np.abs(found - weights).max()
    assert 3.6 < differences[0] / differences[1] < 4.2
    assert 3.6 < differences[1] / differences[2] < 4.2


def test_without_resistance_products_are_exact() -> None:
    weights = np.random.default_rng(2).standard_normal((9, 30))
    assert products(weights, "wire_resistance = 0") == pytest.approx(weights)
    assert not np.allclose(products(weights, "wire_resistance = 1"), weights, rtol=1e-4)


def test_large_drops_are_refused() -> None:
    with pytest.raises(CompileError, match="tile 0 of core/0 loses 40 % of a current, more than"):
        products(np.ones((1, 2)), "wire_resistance = 1\ng_max = 1e5")


def test_a_network_on_it() -> None:
    """Outputs lie lower than on exact wires, and are the same for any lanes."""
    chip = "[crossbar]\nrows = 128\ncolumns = 64\ninput_bits = 8\nadc_bits = 8\n[crossbar.model]\n"
    with np.load(DIGITS.parent / "samples.npz") as samples:
        images = samples["images"][:10, None, None].astype(np.float32)
    outputs: list[np.ndarray] = []
    for fields in (
        'name = "quantised"',
        'name = "ir-drop"\nwire_resistance = 0',
        'name = "ir-drop"',
    ):
        net = cmir.compile(DIGITS, hardware=chip + fields, placement_seconds=0, progress=False)
        one, many = (net.run(images, lanes=lanes, progress=False).output for lanes in (1, 7))
        assert np.array_equal(one, many)
        outputs.append(one.astype(float))
    exact, without, dropped = outputs
    assert np.array_equal(exact, without)
    assert 0.8 < (exact * dropped).sum() / (exact**2).sum() < 0.999
