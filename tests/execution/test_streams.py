"""Inputs and outputs of runs: what is written is read back, and what does not fit is refused in one line."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from ml_dtypes import int2, int4, uint2, uint4
from onnx import numpy_helper

from cmir.execution.interface import Port
from cmir.execution.output_file import OutputFile
from cmir.execution.streams import (
    Sample,
    random_samples,
    read_samples,
    samples_of,
    write_samples,
)
from cmir.support.diagnostics import CompileError
from cmir.support.limits import VARIABLE
from cmir.support.numerics import BFLOAT16

SHAPES = {"x": (2, 3), "y": (4,)}
X, Y = np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(4, dtype=np.float32)


def save(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def assert_equal(found: Sequence[Sample], expected: list[Sample]) -> None:
    assert [set(sample) for sample in found] == [set(sample) for sample in expected]
    for one, other in zip(found, expected, strict=True):
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])


def test_random_samples_depend_on_the_seed_alone() -> None:
    one, other = random_samples(SHAPES, 3, 2), random_samples(SHAPES, 3, 2)
    assert_equal(one, other)
    assert {name: array.shape for name, array in one[0].items()} == SHAPES
    assert (one[0]["x"] != one[1]["x"]).any()
    assert (one[0]["x"] != random_samples(SHAPES, 4, 1)[0]["x"]).any()


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("int8", -128, 127), ("uint8", 0, 255), ("int32", -128, 127), ("bool", 0, 1)],
)
def test_random_integers_take_all_values_of_8_bits(dtype: str, low: int, high: int) -> None:
    types = {"x": np.dtype(dtype)}
    (sample,) = random_samples({"x": (100, 100)}, 0, 1, types)
    assert sample["x"].dtype == dtype
    assert (sample["x"].min(), sample["x"].max()) == (low, high)


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [(int4, -8, 7), (uint4, 0, 15), (int2, -2, 1), (uint2, 0, 3)]
)
def test_random_integers_of_few_bits_are_held_in_8(dtype: type, low: int, high: int) -> None:
    (sample,) = random_samples({"x": (50, 50)}, 0, 1, {"x": np.dtype(dtype)})
    assert sample["x"].dtype == np.int8
    assert (sample["x"].min(), sample["x"].max()) == (low, high)


def test_integers_of_few_bits_are_held_in_8(tmp_path: Path) -> None:
    types = {"x": np.dtype(uint4)}
    expected = [{"x": np.array([0, 15], np.int8)}]
    tensor = numpy_helper.from_array(np.array([0, 15], uint4))
    (tmp_path / "x.pb").write_bytes(tensor.SerializeToString())
    files = [save(tmp_path / "x.npy", np.array([0, 15], np.int64)), tmp_path / "x.pb"]
    for file in files:
        assert_equal(read_samples([file], {"x": (2,)}, types), expected)
    wrong = save(tmp_path / "y.npy", np.array([0, 16], np.int8))
    with pytest.raises(CompileError, match="'x' of inference 0 must have numbers of type uint4"):
        list(read_samples([wrong], {"x": (2,)}, types))


def test_bfloat16_is_written_as_float32_and_read_from_it(tmp_path: Path) -> None:
    types, numbers = {"x": BFLOAT16}, np.array([1, 2.5, -(2.0**-100)], BFLOAT16)
    write_samples([{"x": numbers}], tmp_path / "x.npy")
    assert np.load(tmp_path / "x.npy").dtype == np.float32
    own = save(tmp_path / "own.npy", numbers[None])  # which NumPy says has elements of two bytes
    for file in (tmp_path / "x.npy", own):
        (sample,) = read_samples([file], {"x": (3,)}, types)
        assert sample["x"].dtype == BFLOAT16
        np.testing.assert_array_equal(sample["x"], numbers)
    rounded = save(tmp_path / "rounded.npy", np.array([1 + 2**-8, 1, 1 + 3 * 2**-8], np.float64))
    (sample,) = read_samples([rounded], {"x": (3,)}, types)
    np.testing.assert_array_equal(sample["x"].astype(float), [1, 1, 1 + 2**-6])
    (drawn,) = random_samples({"x": (200, 200)}, 0, 1, types)
    assert drawn["x"].dtype == BFLOAT16 and abs(float(drawn["x"].astype(float).std()) - 1) < 0.02


def test_random_indices_are_in_range() -> None:
    types = {"x": np.dtype(np.int64), "y": np.dtype(np.int64)}
    (sample,) = random_samples({"x": (50, 50), "y": (50, 50)}, 0, 1, types, {"x": 7})
    assert sample["x"].dtype == np.int64
    assert (sample["x"].min(), sample["x"].max(), sample["y"].min()) == (0, 6, -128)


def test_random_floats_are_standard_normal() -> None:
    types = {"x": np.dtype(np.float16)}
    (sample,) = random_samples({"x": (200, 200)}, 0, 1, types)
    assert sample["x"].dtype == np.float16
    assert abs(sample["x"].mean(dtype=float)) < 0.02
    assert abs(sample["x"].std(dtype=float) - 1) < 0.02


@pytest.mark.parametrize(
    ("given", "dtype", "wrong"),
    [
        (np.int64, np.int8, 128),
        (np.uint8, np.int8, 128),
        (np.int8, np.uint8, -1),
        (np.int64, bool, 2),
    ],
)
def test_integers_of_another_type(tmp_path: Path, given: type, dtype: type, wrong: int) -> None:
    """They do not wrap."""
    array, types = np.array([[0, 1], [0, wrong]], given), {"x": np.dtype(dtype)}
    samples = read_samples([save(tmp_path / "x.npy", array)], {"x": (2,)}, types)
    np.testing.assert_array_equal(samples[0]["x"], [0, 1])
    message = f"must have numbers of type {np.dtype(dtype)}"
    with pytest.raises(CompileError, match=f"'x' of inference 1 {message}"):
        list(samples)
    with pytest.raises(CompileError, match=message):
        samples_of({"x": array}, {"x": (2,)}, types)


def test_files_in_order(tmp_path: Path) -> None:
    tensor = tmp_path / "y.pb"
    tensor.write_bytes(numpy_helper.from_array(Y).SerializeToString())
    found = read_samples([save(tmp_path / "x.npy", X), tensor], SHAPES)
    assert_equal(found, [{"x": X, "y": Y}])


def test_arrays_by_name(tmp_path: Path) -> None:
    file = tmp_path / "both.npz"
    np.savez(file, y=Y, x=X, other=Y)
    assert_equal(read_samples([file], SHAPES), [{"x": X, "y": Y}])


def test_a_leading_dimension_is_a_stream(tmp_path: Path) -> None:
    stream = np.stack([X, X + 1, X + 2])
    found = read_samples([save(tmp_path / "x.npy", stream)], {"x": X.shape})
    assert_equal(found, [{"x": X}, {"x": X + 1}, {"x": X + 2}])
    assert_equal(read_samples([save(tmp_path / "x.npy", X[None])], {"x": X.shape}), [{"x": X}])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3)])
def test_a_batch_dimension_of_1_may_be_missing(
    shape: tuple[int, ...], count: int, tmp_path: Path
) -> None:
    stream = np.stack([X + i for i in range(count)]).reshape(count, *shape)
    expected = [{"x": (X + i)[None]} for i in range(count)]
    assert_equal(read_samples([save(tmp_path / "x.npy", stream)], {"x": (1, 2, 3)}), expected)


def test_whole_numbers_of_another_type(tmp_path: Path) -> None:
    """Numbers that the type of the input has are converted, others are refused."""
    types = {"x": np.dtype(np.uint8)}
    (sample,) = read_samples([save(tmp_path / "x.npy", X)], {"x": X.shape}, types)
    assert sample["x"].dtype == np.uint8
    with pytest.raises(CompileError, match="'x' of inference 0 must have numbers of type uint8"):
        list(read_samples([save(tmp_path / "x.npy", X + 0.5)], {"x": X.shape}, types))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([X], r"1 input file for 2 inputs \(x, y\)"),
        ([X, X], r"'y' must have shape \[4\], .*; got \[2, 3\]"),
        ([np.stack([X, X]), Y], "different numbers of inferences: 2 of x, 1 of y"),
        ([X.astype("U1"), Y], "'x' must have numbers, got <U1"),
        ([np.float32(1), Y], r"'x' must have shape \[2, 3\], .*; got \[\]"),
    ],
)
def test_arrays_that_do_not_fit(arrays: list[np.ndarray], message: str, tmp_path: Path) -> None:
    files = [save(tmp_path / f"{i}.npy", array) for i, array in enumerate(arrays)]
    with pytest.raises(CompileError, match=message):
        read_samples(files, SHAPES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", b"no array", "not a NumPy file: "),
        ("x.npz", b"PK\3\4", "not a NumPy file: "),
        ("x.npy", b"", "not a NumPy file: "),
        ("x.pb", b"no tensor", "not an ONNX tensor: "),
        ("x.csv", b"1,2", "cannot read inputs from a '.csv' file; expected .npy, .npz or .pb"),
    ],
)
def test_files_that_are_none(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(CompileError, match=message):
        read_samples([file], {"x": X.shape})


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    np.save(file, np.array([print]), allow_pickle=True)
    with pytest.raises(CompileError, match="not a NumPy file: Object arrays cannot be loaded"):
        read_samples([file], {"x": (1,)})


def test_name_that_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, x=X, z=Y)
    with pytest.raises(
        CompileError, match="no array 'y' for the input of that name; there are: x, z"
    ):
        read_samples([file], SHAPES)


def test_written_outputs_are_read_back(tmp_path: Path) -> None:
    samples = random_samples(SHAPES, 0, 3)
    write_samples(samples, tmp_path / "both.npz")
    assert_equal(read_samples([tmp_path / "both.npz"], SHAPES), samples)
    one = [{"x": sample["x"]} for sample in samples]
    write_samples(one, tmp_path / "x.npy")
    assert_equal(read_samples([tmp_path / "x.npy"], {"x": X.shape}), one)


@pytest.mark.parametrize(
    "name", ["file", "allow_pickle", "a/../../b", "Ausgänge 🧠", "y.npy", "", "n" * 60_000]
)
def test_outputs_may_have_any_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / "out.npz"
    write_samples([{name: X}], file)
    assert_equal(read_samples([file], {name: X.shape}), [{name: X}])


@pytest.mark.parametrize("name", ["n" * 65_532, "a\0b"])
def test_names_that_an_archive_cannot_hold(name: str, tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"an \.npz file cannot hold an array named '.{3,90}'$"):
        write_samples([{name: X}], tmp_path / "out.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.npy", "2 outputs need a .npz file"),
        ("out.txt", "outputs are written to .npy or .npz files"),
    ],
)
def test_refused_outputs_write_nothing(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=message):
        write_samples([{"x": X, "y": Y}], tmp_path / name)
    assert not list(tmp_path.iterdir())


def header(shape: str) -> bytes:
    """The start of a NumPy file with an array of this shape."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(1000000000000, 4)"])
def test_headers_do_not_decide_what_is_read(shape: str, tmp_path: Path) -> None:
    (tmp_path / "y.npy").write_bytes(header(shape))
    with pytest.raises(CompileError, match="it has 128 bytes, too few for an array of shape"):
        read_samples([tmp_path / "y.npy"], {"y": (4,)})
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as archive:
        archive.writestr("y.npy", header(shape))
    with pytest.raises(CompileError, match="it has 128 bytes, too few for an array of shape"):
        read_samples([tmp_path / "y.npz"], {"y": (4,)})


def test_only_inputs_are_read_from_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, count in (("y", 1), ("other", 10**6)):
            archive.writestr(f"{name}.npy", header(f"({count}, 4)") + bytes(16 * count))
    assert path.stat().st_size < 20_000
    monkeypatch.setenv(VARIABLE, "1MB")
    (sample,) = read_samples([path], {"y": (4,)})
    np.testing.assert_array_equal(sample["y"], np.zeros(4))
    message = r"'other' has 4\*10\^6 elements; running it needs about 31 MiB, more than 1 MiB"
    with pytest.raises(CompileError, match=message):
        read_samples([path], {"other": (4,)})


def test_files_of_the_other_kind(tmp_path: Path) -> None:
    np.savez(tmp_path / "y.npz", y=Y)
    (tmp_path / "y.npz").rename(tmp_path / "archive.npy")
    save(tmp_path / "y.npy", Y).rename(tmp_path / "array.npz")
    for name, what in (("archive.npy", "arrays with names"), ("array.npz", "one array")):
        with pytest.raises(CompileError, match=f"{name}: error: holds {what}, as a .np. file does"):
            read_samples([tmp_path / name], {"y": (4,)})


def test_npy_files_and_memory_maps_are_read_inference_by_inference(tmp_path: Path) -> None:
    """So a number that an input does not have is found where it is, and names the inference."""
    array = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    file = tmp_path / "x.npy"
    np.save(file, array)
    shapes, types = {"x": (2, 3)}, {"x": np.dtype(np.int8)}
    mapped = np.load(file, mmap_mode="r")
    for samples in (read_samples([file], shapes, types), samples_of({"x": mapped}, shapes, types)):
        assert len(samples) == 4
        assert_equal(samples, [{"x": x.astype(np.int8)} for x in array])
        assert_equal(samples[1:3], [{"x": x.astype(np.int8)} for x in array[1:3]])
    array[2, 0, 1] = 0.5
    np.save(file, array)
    samples = read_samples([file], shapes, types)
    assert_equal([samples[3]], [{"x": array[3].astype(np.int8)}])
    message = "input 'x' of inference 2 must have numbers of type int8"
    with pytest.raises(CompileError, match=message):
        samples[2]


def test_archives_are_read_inference_by_inference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless they are compressed: then arrays are held in memory, and refused if they are too large for it."""
    x = np.arange(6 * 10**5, dtype=np.float32).reshape(-1, 2, 3)
    y = np.asfortranarray(np.arange(4 * 10**5, dtype=np.float64).reshape(-1, 4))
    plain, small = tmp_path / "plain.npz", tmp_path / "small.npz"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("first.txt", b"of no interest", zipfile.ZIP_DEFLATED)
        for name, array in (("y", np.ascontiguousarray(y)), ("x", x)):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
    np.savez_compressed(small, x=x, y=y)
    for file in (plain, small):
        samples = read_samples([file], SHAPES)
        assert len(samples) == 10**5
        for n in (0, 1, 77_777, 99_999):
            assert_equal([samples[n]], [{"x": x[n], "y": y[n]}])
    monkeypatch.setenv(VARIABLE, "1MB")
    assert_equal([read_samples([plain], SHAPES)[5]], [{"x": x[5], "y": y[5]}])
    with pytest.raises(CompileError, match=r"'x' has 600000 elements; running it needs about"):
        read_samples([small], SHAPES)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, x=np.stack([X, X]))
    content = bytearray(file.read_bytes())
    content[content.index(X.tobytes()) + 5] ^= 1
    file.write_bytes(content)
    with pytest.raises(CompileError, match="not a NumPy file: Bad CRC-32"):
        read_samples([file], {"x": X.shape})


def outputs_of(count: int) -> tuple[dict[str, Port], dict[str, np.ndarray]]:
    """Two outputs whose arrays have other names and another shape, and their values in so many inferences."""
    ports = {
        "out": Port("y", (1, 3), (3,), np.dtype(np.float32)),
        "a/b ↦": Port("z", (2,), (2, 1), np.dtype(np.int8)),
    }
    random = np.random.default_rng(count)
    return ports, {
        "y": random.standard_normal((count, 1, 3), np.float32),
        "z": random.integers(-128, 128, (count, 2), np.int8),
    }


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_outputs_are_written_as_inferences_are_over(suffix: str, tmp_path: Path) -> None:
    ports, arrays = outputs_of(5)
    path = tmp_path / f"y.{suffix}"
    assert OutputFile.holds(path, ports) == (suffix == "npz")
    if suffix == "npy":
        ports = {"out": ports["out"]}
    assert OutputFile.holds(path, ports)
    shaped = {name: arrays[port.array].reshape(5, *port.shape) for name, port in ports.items()}
    file = OutputFile(path, ports)
    with file.writing() as sink:
        sink(np.array([0, 1, 3]), {name: array[[0, 1, 3]] for name, array in arrays.items()})
        assert not path.exists()
        sink(np.array([2, 4]), {name: array[[2, 4]] for name, array in arrays.items()})
    assert [*tmp_path.iterdir()] == [path]
    loaded = {"out": np.load(path)} if suffix == "npy" else dict(np.load(path))
    assert loaded.keys() == shaped.keys()
    for name, array in shaped.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype
    assert_equal(file.samples, [{name: a[n] for name, a in shaped.items()} for n in range(5)])
    if suffix == "npz":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
        whole = tmp_path / "whole.npz"
        write_samples(list(file.samples), whole)
        assert path.read_bytes() == whole.read_bytes()


def test_archives_take_memory_for_one_group(tmp_path: Path) -> None:
    """Writing and reading one of 48 MB."""
    ports = {n: Port(n, (600,), (600,), np.dtype(np.float32)) for n in ("one", "two")}
    file = OutputFile(tmp_path / "out.npz", ports)
    tracemalloc.start()
    with file.writing() as sink:
        for start in range(0, 10_000, 100):
            group = np.full((100, 600), start, np.float32)
            sink(np.arange(start, start + 100), {"one": group, "two": -group})
    samples = read_samples([tmp_path / "out.npz"], dict.fromkeys(ports, (600,)))
    sums = {n: sum(float(sample[n][7]) for sample in samples) for n in ports}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sums == {
        "one": 100 * sum(range(0, 10_000, 100)),
        "two": -100 * sum(range(0, 10_000, 100)),
    }
    assert peak < 8 << 20


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_no_output_is_left_of_a_run_that_fails(suffix: str, tmp_path: Path) -> None:
    port = Port("y", (3,), (3,), np.dtype(np.float32))

    def fails() -> None:
        with OutputFile(tmp_path / f"y.{suffix}", {"y": port}).writing() as sink:
            sink(np.array([0]), {"y": np.zeros((1, 3), np.float32)})
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fails()
    assert not [*tmp_path.iterdir()]
