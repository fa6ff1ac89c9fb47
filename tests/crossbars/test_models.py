"""Models of crossbars: limits in which they are exact, formulas element by element, and equal bits in any order."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmir.crossbars.calibration import Recorder
from cmir.crossbars.choice import model_of
from cmir.crossbars.comparison import Compared
from cmir.crossbars.model import CrossbarModel, Where
from cmir.crossbars.random import Columns, key_of, normals_of_cells
from cmir.crossbars.ranges import MatrixRange, Ranges, read_ranges, write_ranges
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.hardware.crossbar_models import BitSliced, Ideal, ModelSettings, Pcm, Quantised, Reram
from cmir.hardware.sections import Crossbar
from cmir.support.diagnostics import CompileError

WHERE = Where("core")
NOISELESS = Pcm(programming_scale=0, drift_scale=0, read_scale=0, at=3600.0)
CONVERTERS_OFF = Crossbar(rows=64, columns=32)
CONVERTERS = Crossbar(rows=64, columns=32, input_bits=8, adc_bits=8)
MODELS = [Quantised(output_noise=0.02), Pcm(at=3600.0, output_noise=0.02), Reram(at=86400.0)]


def columns_of(count: int, iterations: int = 1) -> Columns:
    return Columns(np.arange(count) // iterations, np.arange(count) % iterations)


def ranges_of(matrix: np.ndarray, x: np.ndarray, crossbar: Crossbar) -> Ranges:
    recorder = Recorder(crossbar)
    run(recorder, matrix, x)
    return recorder.found


def run(
    model: CrossbarModel, matrix: np.ndarray, x: np.ndarray, columns: Columns | None = None
) -> np.ndarray:
    tiles = tiles_of(matrix_of(matrix), model.crossbar)
    programmed = model.program(WHERE, matrix, tiles)
    return model.product(WHERE, programmed, x, columns or columns_of(x.shape[1]))


def made(given: ModelSettings, crossbar: Crossbar, ranges: Ranges | None = None) -> CrossbarModel:
    model = model_of(replace(crossbar, model=given), ranges)
    assert model is not None
    return model


def exact(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    blocks = matrix if matrix.ndim == 3 else matrix[None]
    parts = x.reshape(len(blocks), blocks.shape[2], -1)
    return np.concatenate([b.astype(float) @ p for b, p in zip(blocks, parts, strict=True)])


@st.composite
def matrices(draw: st.DrawFn, integers: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A matrix, perhaps block-diagonal, and vectors."""
    blocks, outputs, inputs = (draw(st.integers(1, n)) for n in (4, 12, 40))
    shape = (outputs, inputs) if blocks == 1 else (blocks, outputs, inputs)
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    count = draw(st.integers(1, 7))
    if integers:
        weights = rng.integers(-128, 128, shape).astype(np.int8)
        low = draw(st.sampled_from([-128, 0]))
        x = rng.integers(low, 128, (blocks * inputs, count)).astype(np.int8)
        return weights, x
    x = rng.standard_normal((blocks * inputs, count)).astype(np.float32)
    return rng.standard_normal(shape).astype(np.float32), x


crossbars = st.builds(
    Crossbar,
    rows=st.none() | st.integers(1, 30),
    columns=st.none() | st.integers(1, 12),
)


def test_exact_products_need_no_model() -> None:
    assert model_of(Crossbar(model=Ideal())) is None


@given(matrices(), crossbars)
def test_without_noise_and_converters_products_are_exact(
    given: tuple[np.ndarray, np.ndarray], crossbar: Crossbar
) -> None:
    matrix, x = given
    for model in (Quantised(), NOISELESS, Reram(noise_scale=0)):
        assert run(made(model, crossbar), matrix, x) == pytest.approx(exact(matrix, x), abs=1e-9)


@given(matrices(integers=True), crossbars)
def test_without_noise_integers_with_enough_bits_are_exact(
    given: tuple[np.ndarray, np.ndarray], crossbar: Crossbar
) -> None:
    matrix, x = given
    crossbar = replace(crossbar, input_bits=9, adc_bits=30)
    for model in (Quantised(), NOISELESS, Reram(noise_scale=0)):
        found = run(made(model, crossbar, ranges_of(matrix, x, crossbar)), matrix, x)
        assert np.array_equal(found, exact(matrix, x))


@given(matrices(), crossbars, st.integers(2, 10), st.integers(2, 10))
def test_quantised_element_by_element(
    given: tuple[np.ndarray, np.ndarray], crossbar: Crossbar, dac: int, adc: int
) -> None:
    """Inputs and the partial sum of each tile are rounded to codes of their range; the parts are added afterwards."""
    matrix, x = given
    crossbar = replace(crossbar, input_bits=dac, adc_bits=adc)
    ranges = ranges_of(matrix, x, crossbar)
    found = run(made(Quantised(), crossbar, ranges), matrix, x)
    signed = bool((x < 0).any())
    most = 2 ** (dac - 1) - 1 if signed else 2**dac - 1
    step = float(np.abs(x).max()) / most or 1.0
    codes = np.array([[round(float(v) / step) for v in row] for row in x], float)
    expected, error = np.zeros(found.shape), 0.0
    for tile, reach in zip(
        tiles_of(matrix_of(matrix), crossbar), ranges["core/0"].tiles, strict=True
    ):
        part = tile.weights(matrix).astype(float) @ codes[tile.inputs] * step
        size = reach / (2 ** (adc - 1) - 1) or 1.0
        expected[tile.outputs] += np.clip(part, -reach, reach)
        error += size / 2
    assert np.abs(found - expected).max() <= error * (1 + 1e-9) + 1e-9


def test_fixed_ranges_need_no_calibration() -> None:
    given = Quantised(input_range=2.0, output_range=1.0)
    model = made(given, CONVERTERS)
    assert not model.calibration
    matrix, x = np.array([[1.0, -0.5]]), np.array([[1.0, 7.0], [0.5, -9.0]])
    assert run(model, matrix, x) == pytest.approx(np.array([[0.75, 2.0]]), abs=0.03)
    assert model.conversions["core/0"].all == 2 and model.conversions["core/0"].clipped == 1


def test_missing_ranges_are_refused() -> None:
    model = made(Quantised(), CONVERTERS)
    assert model.calibration == 16
    with pytest.raises(CompileError, match="no ranges are calibrated for the converters of core/0"):
        run(model, np.ones((2, 2)), np.ones((2, 1)))


def test_ranges_are_kept_in_a_file(tmp_path: Any) -> None:
    ranges = {"a[1]/0": MatrixRange(-1.5, 2.0, (3.0,)), "b/1": MatrixRange(0.0, 0.1, (1.0, 2.0))}
    write_ranges(ranges, tmp_path / "net.ranges.safetensors")
    assert read_ranges(tmp_path / "net.ranges.safetensors") == ranges


# Bits


@contextmanager
def threads(count: int) -> Generator[None]:
    limits = pytest.importorskip("threadpoolctl").threadpool_limits
    with limits(count):
        yield


@pytest.mark.parametrize("given", MODELS, ids=str)
def test_equal_bits_on_a_large_matrix(given: ModelSettings) -> None:
    """On 512 outputs of 4608 inputs, in chunks of 1, of 3 and at once, with one thread and with two."""
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((512, 4608)).astype(np.float32)
    x = np.maximum(rng.standard_normal((4608, 12)), 0).astype(np.float32)
    crossbar = Crossbar(rows=256, columns=256, input_bits=8, adc_bits=8)
    model = made(given, crossbar, ranges_of(matrix, x, crossbar))
    programmed = model.program(WHERE, matrix, tiles_of(matrix_of(matrix), crossbar))
    columns = columns_of(12, iterations=4)

    def chunked(size: int) -> np.ndarray:
        parts = [slice(k, k + size) for k in range(0, 12, size)]
        return np.concatenate(
            [
                model.product(
                    WHERE,
                    programmed,
                    x[:, part],
                    Columns(columns.sample[part], columns.iteration[part]),
                )
                for part in parts
            ],
            axis=1,
        )

    with threads(1):
        whole = chunked(12)
        assert np.array_equal(chunked(1), whole) and np.array_equal(chunked(3), whole)
    with threads(2):
        assert np.array_equal(chunked(12), whole) and np.array_equal(chunked(1), whole)
    assert np.abs(whole - exact(matrix, x)).max() > 0


@settings(max_examples=30)
@given(matrices(), crossbars, st.sampled_from(MODELS), st.data())
def test_equal_bits_in_any_order(
    given: tuple[np.ndarray, np.ndarray],
    crossbar: Crossbar,
    model: ModelSettings,
    data: st.DataObject,
) -> None:
    """A column has one result, whatever columns are beside it, in any layout of memory."""
    matrix, x = given
    crossbar = replace(crossbar, input_bits=6, adc_bits=7)
    made_model = made(model, crossbar, ranges_of(matrix, x, crossbar))
    count = x.shape[1]
    columns = columns_of(count, iterations=2)
    whole = run(made_model, matrix, x, columns)
    order = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=9)))
    picked = Columns(columns.sample[order], columns.iteration[order])
    some = x[:, order]
    some = np.asfortranarray(some) if data.draw(st.booleans()) else np.ascontiguousarray(some)
    assert np.array_equal(run(made_model, matrix, some, picked), whole[:, order])


def test_programming_does_not_depend_on_the_time_of_reading() -> None:
    matrix = np.random.default_rng(0).standard_normal((8, 20)).astype(np.float32)
    for model in (Pcm(drift_scale=0, read_scale=0), Pcm(drift_scale=0, read_scale=0, seed=1)):
        found = [
            run(made(replace(model, at=at), CONVERTERS_OFF), matrix, np.eye(20))
            for at in (0.0, 1e7)
        ]
        assert np.array_equal(found[0], found[1])
        assert not np.array_equal(found[0], matrix)


def test_products_are_compared_with_exact_ones() -> None:
    """Slope and error over all products, in whatever chunks they come."""
    rng = np.random.default_rng(0)
    matrix, x = rng.standard_normal((9, 30)), rng.standard_normal((30, 8))
    model = Compared(made(Pcm(at=1e6, compensation=False), CONVERTERS_OFF))
    programmed = model.program(WHERE, matrix, tiles_of(matrix_of(matrix), CONVERTERS_OFF))
    columns = columns_of(8)
    parts = [
        model.product(WHERE, programmed, x[:, k : k + 2], Columns(*(c[k : k + 2] for c in columns)))
        for k in range(0, 8, 2)
    ]
    y, e = np.concatenate(parts, axis=1), matrix @ x
    (found,) = model.deviations()
    slope = (y * e).sum() / (e * e).sum()
    error = sqrt(((y - slope * e) ** 2).mean() / (e**2).mean())
    assert (found.matrix, found.clipped) == ("core/0", 0)
    assert (found.slope, found.error) == (pytest.approx(slope), pytest.approx(error))
    assert 0.4 < slope < 0.7


def test_copies_and_tiles_are_programmed_apart() -> None:
    matrix = np.ones((4, 4), np.float32)
    model = made(Pcm(), Crossbar(rows=2, columns=2))
    tiles = tiles_of(matrix_of(matrix), model.crossbar)
    first, second = (
        model.program(where, matrix, tiles) for where in (WHERE, replace(WHERE, copy=1))
    )
    cells = [tile.cells for programmed in (first, second) for tile in programmed.tiles]
    assert len({c.tobytes() for c in cells}) == 8


# Devices


def test_pcm_cell_by_cell() -> None:
    """The formulas of the module, evaluated with Python's floats, for a tile of its own weights."""
    given = Pcm(at=3600.0, seed=5, compensation=True)
    matrix = np.array([[0.5, -1.0, 0.0], [0.01, 0.25, -2.0]])
    found = run(made(given, CONVERTERS_OFF), matrix, np.eye(3))
    programmed, read = np.zeros((2, 3)), np.zeros((2, 3))
    for sign in (1, -1):
        deviates = {
            name: normals_of_cells(key_of(5, "core", 0, 0, 0, sign, *name), (2, 3))
            for name in (("programming",), ("drift",), ("read", 3600.0))
        }
        for o in range(2):
            for i in range(3):
                share = max(sign * matrix[o, i], 0) / 2
                p, d, r = (deviates[n][o, i] for n in deviates)
                g = max(25 * share + (0.26348 + 1.965 * share - 1.1731 * share**2) * p, 0)
                ln = log(max(share, 1e-7))
                mean = min(max(-0.0155 * ln + 0.0244, 0.049), 0.1)
                spread = min(max(-0.0125 * ln - 0.0059, 0.008), 0.045)
                drifted = g * exp(-abs(mean + spread * d) * log(3620 / 20))
                q = min(0.0088 / max((g / 25) ** 0.65, 1e-3), 0.2)
                noise = drifted * q * sqrt(log((3620 + 250e-9) / (2 * 250e-9))) * r
                programmed[o, i] += sign * g
                read[o, i] += sign * max(drifted + noise, 0)
    gain = np.abs(programmed).mean() / np.abs(read).mean()
    assert found == pytest.approx(read * gain * 2 / 25, rel=1e-9)


def test_cells_without_weights_conduct() -> None:
    """Blocks that share a crossbar have errors where the matrix has zeros."""
    matrix = np.ones((2, 1, 4), np.float32)
    found = run(made(Pcm(), Crossbar(rows=8, columns=2)), matrix, np.eye(8))
    assert (found[0, 4:] != 0).any() and (found[1, :4] != 0).any()
    apart = run(made(Pcm(), Crossbar(rows=4, columns=2)), matrix, np.eye(8))
    assert (apart[0, 4:] == 0).all() and (apart[1, :4] == 0).all()


def test_reram_deviates_as_measured() -> None:
    """Standard deviations at 1 s, a day and two days, of cells with half of the largest conductance."""
    matrix = np.full((40, 400), 0.5)
    matrix[0, 0] = 1.0
    crossbar = Crossbar()
    measured = {
        1.0: [-16.815, 45.393, -43.853, 16.030, 0.348],
        86400.0: [-16.458, 47.095, -50.773, 22.086, 0.701],
        172800.0: [-11.934, 37.062, -43.507, 20.274, 0.782],
    }
    for at, polynomial in measured.items():
        cells = run(made(Reram(at=at), crossbar), matrix, np.eye(400))[1:] * 40
        deviation, minus = np.polyval(polynomial, 0.5), polynomial[-1]
        # The cell of the other sign has the target 0, and cannot be negative: half of a normal distribution.
        expected = sqrt(deviation**2 + minus**2 * (0.5 - 1 / (2 * np.pi)))
        assert cells.std() == pytest.approx(expected, rel=0.03)


def test_reram_has_three_times() -> None:
    with pytest.raises(CompileError, match=r"must be one of 1, 86400, 172800, .*, got 60"):
        run(made(Reram(at=60.0), CONVERTERS_OFF), np.ones((1, 1)), np.ones((1, 1)))


# Bits and slices


SLICED = Crossbar(
    rows=128, weight_bits=8, cell_bits=2, input_bits=8, dac_bits=1, signed_weights="unit-column"
)


@settings(max_examples=50)
@given(
    matrices(integers=True),
    crossbars,
    st.sampled_from(["cells", "column-pairs", "unit-column"]),
    st.integers(1, 8),
    st.integers(1, 8),
    st.none() | st.integers(1, 9),
    st.none() | st.integers(1, 5),
)
def test_bit_sliced_conversion_by_conversion(
    given: tuple[np.ndarray, np.ndarray],
    crossbar: Crossbar,
    signed_weights: str,
    cell_bits: int,
    dac_bits: int,
    adc_bits: int | None,
    active_rows: int | None,
) -> None:
    """Each sum of a column, in Python's integers, is clipped and added at its place."""
    matrix, x = given
    crossbar = replace(
        crossbar,
        columns=None,
        signed_weights=signed_weights,
        cell_bits=cell_bits,
        weight_bits=8,
        dac_bits=dac_bits,
        input_bits=8,
        adc_bits=adc_bits,
        active_rows=active_rows,
    )
    found = run(made(BitSliced(), crossbar), matrix, x)
    expected = np.zeros(found.shape)
    for tile in tiles_of(matrix_of(matrix), crossbar):
        expected[tile.outputs] += converted(tile.weights(matrix), x[tile.inputs], crossbar)
    assert np.array_equal(found, expected)
    if adc_bits is None:
        assert np.array_equal(found, exact(matrix, x))


def clip(total: int, crossbar: Crossbar) -> int:
    """The code of a sum."""
    if crossbar.adc_bits is None:
        return total
    half = 2 ** (crossbar.adc_bits - 1)
    if crossbar.signed_weights == "cells":
        return max(-half, min(half - 1, total))
    return min(2 * half - 1, total)


def digits_of(w: int, crossbar: Crossbar) -> list[tuple[int, int]]:
    """Digits of a weight of eight bits, each with its place."""
    cell = crossbar.cell_bits or 8
    places = [2 ** (cell * k) for k in range(-(-8 // cell))]

    def digits(value: int) -> list[tuple[int, int]]:
        return [((value // place) % 2**cell, place) for place in places]

    match crossbar.signed_weights:
        case "unit-column":
            return [*digits(w + 128), (1, -128)]
        case "cells":
            return [(-digit if w < 0 else digit, place) for digit, place in digits(abs(w))]
        case _:
            minus = [(digit, -place) for digit, place in digits(max(-w, 0))]
            return [*digits(max(w, 0)), *minus]


def converted(weights: np.ndarray, x: np.ndarray, crossbar: Crossbar) -> np.ndarray:
    dac, step = crossbar.dac_bits or 8, crossbar.active_rows or x.shape[0]
    phases = -(-8 // dac)

    result = np.zeros((len(weights), x.shape[1]))
    for o, row in enumerate(weights.tolist()):
        held = [digits_of(w, crossbar) for w in row]
        for n in range(x.shape[1]):
            for first in range(0, len(row), step):
                rows = range(first, min(first + step, len(row)))
                for c in range(len(held[0])):
                    place = held[rows[0]][c][1]
                    for phase in range(phases):
                        up = down = 0
                        for i in rows:
                            digit = (int(x[i, n]) >> dac * phase) % 2**dac
                            if phase == phases - 1 and x[i, n] < 0:
                                down += held[i][c][0] * (2**dac - digit)
                            else:
                                up += held[i][c][0] * digit
                        result[o, n] += (
                            place * 2 ** (dac * phase) * (clip(up, crossbar) - clip(down, crossbar))
                        )
    return result


@pytest.mark.parametrize("signed_weights", ["cells", "column-pairs", "unit-column"])
def test_nine_bits_are_enough_for_128_rows(signed_weights: str) -> None:
    """A sum of 128 bits times two-bit digits is at most 384; signed sums need a bit more."""
    rng = np.random.default_rng(0)
    matrix = rng.integers(-128, 128, (64, 500)).astype(np.int8)
    x = rng.integers(-128, 128, (500, 9)).astype(np.int8)
    bits = 10 if signed_weights == "cells" else 9
    crossbar = replace(SLICED, signed_weights=signed_weights, adc_bits=bits)
    assert np.array_equal(run(made(BitSliced(), crossbar), matrix, x), exact(matrix, x))


def test_ones_clip_at_eight_bits() -> None:
    """128 rows of ones give 384 in each column of digits; 8 bits hold 255."""
    matrix, x = np.full((2, 128), 127, np.int8), np.ones((128, 3), np.int8)
    crossbar = replace(SLICED, adc_bits=8)
    model = made(BitSliced(), crossbar)
    found = run(model, matrix, x)
    assert np.array_equal(found, np.full((2, 3), 255 * 85 - 128 * 128))
    assert (exact(matrix, x) == 127 * 128).all()
    counted = model.conversions["core/0"]
    assert counted.clipped == 2 * 3 * 4 and counted.all == 3 * 8 * (2 * 4 + 1)


def test_active_rows_prevent_clipping() -> None:
    matrix, x = np.full((2, 128), 127, np.int8), np.ones((128, 3), np.int8)
    crossbar = replace(SLICED, adc_bits=8, active_rows=64)
    assert np.array_equal(run(made(BitSliced(), crossbar), matrix, x), exact(matrix, x))


def test_floats_are_quantised() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((16, 200)).astype(np.float32)
    x = rng.standard_normal((200, 9)).astype(np.float32)
    ranges = ranges_of(matrix, x, SLICED)
    found = run(made(BitSliced(), SLICED, ranges), matrix, x)
    weight, reach = np.abs(matrix).max() / 127, np.abs(x).max() / 127
    rounded = np.rint(matrix / weight) @ np.rint(x / reach) * (weight * reach)
    assert found == pytest.approx(rounded, rel=1e-4, abs=1e-4)


def test_weights_that_do_not_fit() -> None:
    with pytest.raises(
        CompileError, match="weights of core/0 are 200 to 200: they do not fit into"
    ):
        run(made(BitSliced(), SLICED), np.full((1, 1), 200), np.ones((1, 1), np.int8))


def test_bits_of_the_description_are_needed() -> None:
    with pytest.raises(
        CompileError, match=r"needs `crossbar\.weight_bits` and `crossbar\.input_bits`"
    ):
        made(BitSliced(), Crossbar())
