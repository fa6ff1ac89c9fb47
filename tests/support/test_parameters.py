"""Parameters: a mapping onto a safetensors file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors.numpy import load_file, save_file
from xdsl.context import Context

from cmir.context import CmirContext, make_context, parameters_of
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import BFLOAT16
from cmir.support.parameters import Parameters, parameter_value
from cmir.tools import cm_opt, cm_run

DTYPES = [np.float32, np.float64, np.float16, np.int64, np.int8, np.uint16, np.bool_]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file({"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(())}, path)
    return path


def test_arrays_are_views_of_the_file(weights: Path):
    parameters = Parameters.open(weights)
    w = parameters["w"]
    np.testing.assert_array_equal(w, np.arange(6).reshape(2, 3))
    base = w
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    assert not w.flags.writeable
    assert set(parameters) == {"w", "b"}
    assert parameters["b"].shape == ()


def test_bfloat16(tmp_path: Path):
    numbers = np.array([1, 2.5, -(2.0**-100), np.inf], BFLOAT16)
    Parameters({"w": numbers}).save(tmp_path / "w.safetensors")
    found = Parameters.open(tmp_path / "w.safetensors")["w"]
    assert found.dtype == BFLOAT16
    np.testing.assert_array_equal(found, numbers)


@given(
    arrays=st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8).filter(
            lambda name: name != "__metadata__"
        ),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0, max_side=4))
        ),
        max_size=4,
    )
)
def test_save_and_open_are_inverse(
    arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
):
    path = tmp_path_factory.mktemp("parameters") / "x.safetensors"
    Parameters(arrays).save(path)
    back = Parameters.open(path)
    assert set(back) == set(arrays)
    for name, value in arrays.items():
        assert back[name].dtype == value.dtype and back[name].shape == value.shape
        np.testing.assert_array_equal(back[name], value)


def test_a_file_can_be_replaced_while_it_is_mapped(weights: Path):
    parameters = Parameters.open(weights)
    parameters["w"] = parameters["w"] * 2
    b = parameters["b"]
    parameters.save(weights)
    np.testing.assert_array_equal(load_file(weights)["w"], 2 * np.arange(6).reshape(2, 3))
    assert b == 0
    assert list(weights.parent.iterdir()) == [weights]


def test_a_value_has_the_expected_name_shape_and_type(weights: Path):
    parameters, f32 = Parameters.open(weights), np.dtype(np.float32)
    assert parameter_value(parameters, "w", (2, 3), f32, None).shape == (2, 3)
    with pytest.raises(
        CompileError, match=r"here: error: there is no parameter 'w1' in '.*did you"
    ):
        parameter_value(parameters, "w1", (2, 3), f32, "here")
    with pytest.raises(CompileError, match=r"'w' in '.*' has shape \[2, 3\], expected \[3, 2\]"):
        parameter_value(parameters, "w", (3, 2), f32, "here")
    with pytest.raises(
        CompileError, match="there is no parameter 'w' because there are no parameters; give"
    ):
        parameter_value(None, "w", (3, 2), f32, "here")


NETWORK = """
func.func @main(%x: tensor<1x4xELEMENT>) -> tensor<1x4xELEMENT> {
  %w = nn.parameter "w" : tensor<1x4xELEMENT>
  %y = nn.add %x, %w : (tensor<1x4xELEMENT>, tensor<1x4xELEMENT>) -> tensor<1x4xELEMENT>
  func.return %y : tensor<1x4xELEMENT>
}
"""


@pytest.mark.parametrize(
    ("level", "check"),
    [
        ("nn", []),
        ("nn", ["--check"]),
        ("polyhedral", []),
        ("polyhedral", ["--check"]),
        ("cmcore", []),
        ("cmcore", ["--schedules", "1"]),
    ],
)
@pytest.mark.parametrize(
    ("element", "expected", "given"),
    [
        ("f32", np.float32, np.float16),
        ("f32", np.float32, np.float64),
        ("f32", np.float32, np.int32),
        ("f32", np.float32, np.bool_),
        ("f64", np.float64, np.float32),
        ("i32", np.int32, np.int64),
        ("i32", np.int32, np.float32),
    ],
)
def test_a_parameter_of_another_type_is_refused(
    level: str,
    check: list[str],
    element: str,
    expected: type,
    given: type,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
):
    network, weights = tmp_path / "net.mlir", tmp_path / "net.safetensors"
    text = NETWORK.replace("ELEMENT", element)
    network.write_text(text)
    save_file({"w": np.ones((1, 4), given)}, weights)
    if level != "nn":
        lowered = tmp_path / "lowered.mlir"
        passes = ["-p", f"nn-to-{level}"]
        assert cm_opt.main([str(network), *passes, "-o", str(lowered)]) == 0
        network = lowered
    command = [str(network), "--weights", str(weights), "--random", "0", *check]
    assert cm_run.main(command) == 1
    message = capfd.readouterr().err
    assert f"parameter 'w' in '{weights}' has elements of type {np.dtype(given)}" in message
    assert message.endswith(f"expected {np.dtype(expected)}\n") and message.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{"])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(CompileError, match=r"bad.safetensors: error: not a valid safetensors file"):
        Parameters.open(path)


def test_passes_find_parameters_in_the_context(weights: Path):
    assert parameters_of(Context()) is None
    assert parameters_of(make_context()) is None
    ctx = CmirContext(parameters=Parameters.open(weights))
    clone = ctx.clone()
    copied = parameters_of(clone)
    assert copied is not None and set(copied) == {"w", "b"}
    copied["new"] = np.zeros(1)
    assert ctx.parameters is not None and "new" not in ctx.parameters
