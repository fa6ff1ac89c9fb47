"""What takes more memory or work than there is: a line before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cmir.frontends.onnx import loading
from cmir.support.errors import describe_error
from cmir.support.limits import VARIABLE
from cmir.tools import cm_opt, cm_run, cm_sweep, cm_translate

GIB = str(2**30)


@pytest.fixture(autouse=True)
def _restore_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the limit that tools set to this test."""
    monkeypatch.setenv(VARIABLE, GIB)


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int] = (1, 4),
    functions: Sequence[onnx.FunctionProto] = (),
    **constants: object,
) -> Path:
    """A model of the nodes, from x to y."""
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, functions=functions, opset_imports=opsets, ir_version=9)
    onnx.save(model, path)
    return path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that cm-run says when it refuses to run."""
    assert cm_run.main([*map(str, arguments), "--random=0", "--memory", GIB]) == 1
    line, *rest = capsys.readouterr().err.splitlines()
    assert not rest
    return line


NODE = helper.make_node
PICK = [NODE("Gather", ["r", "i"], ["q"]), NODE("Add", ["x", "q"], ["y"])]
INDICES = np.arange(4)
SIDE = 2**16

MODELS = {
    "iterations": (
        [NODE("MaxPool", ["x"], ["y"], kernel_shape=[1, 1])],
        (1, 1, 10**6, 10**6),
        {},
        "the domain of nn.max_pool has 10^12 iterations; running it needs about 226 TiB, more than 1 GiB",
    ),
    "elements": (
        [NODE("GlobalAveragePool", ["x"], ["y"])],
        (1, 1, SIDE, SIDE // 2),
        {},
        "%x has 2.1*10^9 elements; running it needs about 24 GiB, more than 1 GiB",
    ),
    "kernel": (
        [NODE("AveragePool", ["x"], ["y"], kernel_shape=[2**20] * 2, pads=[2**19] * 4)],
        (1, 1, 8, 8),
        {},
        "an iteration of @average_pool1 has a vector of 1.1*10^12 elements",
    ),
    "pad": (
        [NODE("Pad", ["x", "p"], ["z"]), NODE("Relu", ["z"], ["y"])],
        (1, 4),
        {"p": np.array([0, 0, 0, 10**9])},
        "the result of nn.pad has 10^9 elements",
    ),
    "expand": (
        [NODE("Expand", ["x", "s"], ["y"])],
        (1, 1, 4),
        {"s": np.array([1, 2**31, 4])},
        "the result of nn.expand has 8.6*10^9 elements",
    ),
    "range": (
        [NODE("Range", ["a", "b", "c"], ["r"]), *PICK],
        (1, 4),
        {"a": np.float32(0), "b": np.float32(3e8), "c": np.float32(1), "i": INDICES},
        "node 'r' (Range): its result would be a constant of 3*10^8 elements, computed from 3",
    ),
    "fill": (
        [NODE("ConstantOfShape", ["s"], ["r"]), *PICK],
        (1, 4),
        {"s": np.array([2**31]), "i": INDICES},
        "node 'r' (ConstantOfShape): its result would be a constant of 2.1*10^9 elements",
    ),
    "computed fill": (
        [NODE("Mul", ["s", "s"], ["t"]), NODE("ConstantOfShape", ["t"], ["r"]), *PICK],
        (1, 4),
        {"s": np.array([2**16]), "i": INDICES},
        "node 'r' (ConstantOfShape): its result would be a constant of 4.3*10^9 elements",
    ),
    "product": (
        [
            NODE("ConstantOfShape", ["s"], ["r"]),
            NODE("MatMul", ["r", "r"], ["m"]),
            NODE("ReduceSum", ["m"], ["q"]),
            NODE("Add", ["x", "q"], ["y"]),
        ],
        (1, 4),
        {"s": np.array([4000, 4000])},
        "node 'm' (MatMul): computing its constants takes 6.4*10^10 operations, more than 1.7*10^10",
    ),
    "expression": (
        [
            NODE("RegexFullMatch", ["s"], ["r"], pattern="(a*)*b"),
            NODE("Cast", ["r"], ["q"], to=TensorProto.FLOAT),
            NODE("Add", ["x", "q"], ["y"]),
        ],
        (1, 4),
        {"s": np.array([b"a" * 40 + b"c"], dtype=object)},
        "node 'r' (RegexFullMatch): RegexFullMatch of constants is not computed: fold it in the model",
    ),
    "positions": (
        [NODE("AveragePool", ["x"], ["y"], kernel_shape=[2**31], pads=[2**31] * 2)],
        (1, 1, 8),
        {},
        "node 'y' (AveragePool): the window has 2.1*10^9 positions in spatial dimension 0, 1.7*10^7",
    ),
    "dimensions": (
        [NODE("Reshape", ["x", "s"], ["z"]), NODE("Relu", ["z"], ["y"])],
        (1, 4),
        {"s": np.array([1] * 60 + [4])},
        "node 'z' (Reshape): a tensor has 16 dimensions at most, got 61",
    ),
    "no elements": (
        [NODE("Gemm", ["x", "w"], ["y"])],
        (1, 4),
        {"w": np.zeros((4, 0), np.float32)},
        "node 'y' (Gemm): constant 'w' has no elements: its shape is [4, 0]",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes, shape, constants, message = MODELS[name]
    path = save(tmp_path / "model.onnx", nodes, shape, (), **constants)
    assert message in refusal(capsys, path)


def doubling(depth: int) -> list[onnx.FunctionProto]:
    """Functions each of which calls the one before twice."""
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    found: list[onnx.FunctionProto] = []
    for level in range(depth):
        names = ["x", "t", "y"]
        body = [NODE("Relu", ["x"], ["y"])]
        if level:
            body = [NODE(f"f{level - 1}", [a], [b], domain="own") for a, b in pairwise(names)]
        found.append(helper.make_function("own", f"f{level}", ["x"], ["y"], body, opsets))
    return found


def test_functions_that_multiply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = NODE("f25", ["x"], ["y"], domain="own")
    path = save(tmp_path / "model.onnx", [call], functions=doubling(26))
    assert "its functions have 3.4*10^7 nodes when they are inlined, 1000000 at most" in refusal(
        capsys, path
    )
    call = NODE("f4", ["x"], ["y"], domain="own")
    model = onnx.load(save(tmp_path / "small.onnx", [call], functions=doubling(5)))
    assert loading.inlined_nodes(model) == 16


NETWORK = """
func.func @main(%a: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %r = nn.relu %a : (tensor<1x8xf32>) -> tensor<1x8xf32>
  return %r : tensor<1x8xf32>
}
"""


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "network.mlir"
    path.write_text(NETWORK)
    return path


def test_a_domain_of_a_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "large.mlir"
    path.write_text("""
polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<1xf32>
  polyhedral.array @b : tensor<1xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 1000000000000 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[l]] -> a[l] : l = 0 and i = 0 }"> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[l]] -> b[l] : l = 0 and i = 0 }"> : vector<1xf32>
  }
}
""")
    assert "the domain of @s has 10^12 iterations; running it needs about 204 TiB" in refusal(
        capsys, path
    )


@pytest.mark.parametrize("option", ["--random=0", "--timing-only"])
def test_inferences(network: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cm_run.main([str(network), option, "-n", "99999999", "--memory", GIB]) == 1
    assert "there are 10^8 inferences; running it needs about " in capsys.readouterr().err


def test_a_chip(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chip = tmp_path / "mesh.toml"
    chip.write_text('[interconnect]\ntopology = "mesh"\nshape = [100000, 100]\n')
    message = "the chip has 10^7 places, with a distance between any two; running it needs about"
    assert message in refusal(capsys, network, "--hardware", chip)


def test_points_of_a_sweep(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for settings, message in (
        (["core.count=1..99999999999"], "the range 1..99999999999 has 10^11 values"),
        (
            ["core.count=1..1000", "core.sram_bytes=1..1000"],
            "the fields have 10^6 combinations",
        ),
    ):
        options = [part for setting in settings for part in ("--set", setting)]
        assert cm_sweep.main([str(network), *options]) == 1
        error = capsys.readouterr().err
        assert message in error and "a sweep has 100000 points at most" in error


def test_sizes_of_buffers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text does not grow with tensors, but the search for sizes needs arrays of numbers for their elements."""
    path, type = tmp_path / "large.mlir", f"tensor<{SIDE}x{SIDE}xf32>"
    path.write_text(
        f"func.func @main(%x: {type}) -> {type} {{\n  %a = nn.copy %x : ({type}) -> {type}\n"
        f"  %y = nn.copy %a : ({type}) -> {type}\n  func.return %y : {type}\n}}\n"
    )
    passes = "nn-to-polyhedral", "nn-to-polyhedral,polyhedral-assign-storage"
    codes = [cm_opt.main([str(path), "-p", p, "--memory", GIB]) for p in passes]
    assert codes == [0, 1]
    assert "@a has 4.3*10^9 elements; running it needs about 128 GiB" in capsys.readouterr().err
    picture = ["--relation-to-svg", str(path), "--memory", GIB]
    assert cm_translate.main(picture) == 1
    assert "elements; running it needs about" in capsys.readouterr().err


@pytest.mark.parametrize("tool", [cm_opt, cm_run, cm_sweep, cm_translate])
def test_messages_about_the_command_line(
    tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        tool.main(["--memory", "\x1b[31m\n\u202e"])
    line, *rest = capsys.readouterr().err.splitlines()
    assert exit.value.code == 2 and not rest
    assert "error: argument --memory: must be a size" in line and "'\\x1b[31m\\n\\u202e'" in line


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("deep"), OverflowError("wide")])
def test_no_internal_error(error: Exception) -> None:
    text = describe_error(error, "cm-run")
    assert text is not None and "\n" not in text and text.startswith("cm-run: error: ")


def test_deep_nesting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    depth = 1500
    loops = "\n".join(f"scf.for %i{n} = %c0 to %c1 step %c1 {{" for n in range(depth))
    path = tmp_path / "deep.mlir"
    path.write_text(
        "cmcore.network @main () -> () {\ncmcore.program @P {\ncmcore.loop_nest {\n"
        "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"
        f"{loops}\ncmcore.fire(%i0)\n{'}' * depth}\n}}\ncmcore.iteration (%i) {{}}\n}}\n"
        "cmcore.core @core0 runs @P at (0)\n}\n"
    )
    assert "the input is nested too deeply" in refusal(capsys, path)
