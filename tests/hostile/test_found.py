"""Inputs that once led to internal errors or took forever: each is refused in a line, or runs."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import numpy as np
import onnx
import pytest
from hostile.sandbox import Limits, run_case
from hostile.seeds import ROOT, layered_model

from cmir.hardware.description import Hardware
from cmir.isl import budget
from cmir.tools import cm_opt, cm_run, cm_sweep, cm_translate

F32 = "tensor<4xf32>"
RELU = f"nn.relu %x : ({F32}) -> {F32}"

TEXTS = {
    "private": f"func.func private @main({F32}) -> {F32}",
    "two blocks": (
        f"func.func @main(%a: {F32}) -> {F32} {{\n  cf.br ^next(%a : {F32})\n^next(%x: {F32}):\n"
        f"  %y = {RELU}\n  func.return %y : {F32}\n}}"
    ),
    "no inputs and results": "func.func @main() {\n  func.return\n}",
    "no results": f"func.func @main(%x: {F32}) {{\n  func.return\n}}",
}

COMMANDS = {
    "run": ["--random", "0"],
    "check": ["--random", "0", "--check"],
    "time": ["--timing-only"],
    "curve": ["--buffer-curve"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("text", TEXTS)
def test_odd_functions(text: str, command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    file = tmp_path / "input.mlir"
    file.write_text(TEXTS[text])
    code = cm_run.main([str(file), *COMMANDS[command]])
    message = capfd.readouterr().err
    assert code == 0 or (code == 1 and message.count("\n") == 1 and ": error: " in message)


@pytest.mark.parametrize("command", ["run", "time"])
def test_a_program_that_no_core_runs(
    command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    lowered, file = tmp_path / "cores.mlir", tmp_path / "input.mlir"
    source = ROOT / "tests" / "filecheck" / "textbook-polyhedral.mlir"
    assert cm_opt.main([str(source), "-p", "polyhedral-to-cmcore", "-o", str(lowered)]) == 0
    lines = lowered.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.strip().startswith("cmcore.core ")))
    capfd.readouterr()
    assert cm_run.main([str(file), *COMMANDS[command]]) == 1
    assert "error: no core runs @CONV1" in capfd.readouterr().err


BOX = "0 <= i, j, k, l < 6"
DIFFERENT = "i != j and i != k and i != l and j != k and j != l and k != l"


def _copy(stage: str, source: str, target: str, read: str, condition: str) -> str:
    """A stage of the network MANY_PIECES. read: the element that it reads, where the condition holds."""
    point = f"{stage}[i, j, k, l]"
    sources = f"[{point} -> lane[0]] -> {source}[{read}] : {condition}"
    targets = f"[{point} -> lane[0]] -> {target}[i, j, k, l] : {BOX}"
    return (
        f'polyhedral.stage @{stage} (%i, %j, %k, %l) domain #polyhedral.set<"{{ {point} : {BOX} }}"> {{\n'
        f'  %x = polyhedral.read @{source} #polyhedral.map<"{{ {sources} }}"> : vector<1xf32>\n'
        f'  polyhedral.write %x, @{target} #polyhedral.map<"{{ {targets} }}"> : vector<1xf32>\n}}\n'
    )


MANY_PIECES = (
    "polyhedral.pipeline @main (@a) -> (@c) {\n"
    + "".join(f"polyhedral.array @{name} : tensor<6x6x6x6xf32>\n" for name in "abc")
    + _copy("p", "a", "b", "i, j, k, l", BOX)
    + _copy("q", "b", "c", "l, k, j, i", f"{BOX} and {DIFFERENT}")
    + "}\n"
)


@pytest.mark.parametrize("tool", [cm_opt, cm_run])
@pytest.mark.parametrize("operations", [10_000, 60_000])
def test_relations_that_take_forever_to_combine(
    tool: ModuleType, operations: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """ISL reaches the lower limit when the IR is verified, and the other one in a pass."""
    monkeypatch.setattr(budget, "OPERATIONS", operations)
    monkeypatch.setattr(budget, "EACH_OPERATION", 0)
    file = tmp_path / "input.mlir"
    file.write_text(MANY_PIECES)
    what = ["-p", "polyhedral-to-cmcore"] if tool is cm_opt else COMMANDS["time"]
    outcome = run_case(lambda: tool.main([str(file), *what]), Limits(), tmp_path)
    assert outcome.kind == "refused"
    message = f"its relations are too complex: ISL needs more than {operations} operations"
    assert outcome.message == f"{file}:1:1: error: {message}\n"


@pytest.mark.parametrize(
    ("preset", "setting"),
    [
        ("hermes", "hop_cycles = 1000000000000"),
        ("pimcomp", "pipeline_cycles = 1000000000000"),
    ],
)
def test_latencies_far_longer_than_intervals(preset: str, setting: str, tmp_path: Path):
    """No buffers keep the interval: they would hold millions of inferences, and grow by a row at a time."""
    name = setting.partition(" ")[0]
    file, model = tmp_path / "machine.toml", tmp_path / "model.onnx"
    text, count = re.subn(rf"^{name} = \d+", setting, Hardware.text(preset), flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)
    onnx.save(layered_model(), model)
    command = [str(model), "--random", "0", "--hardware", str(file)]
    outcome = run_case(lambda: cm_run.main(command), Limits(), tmp_path)
    assert outcome.kind == "accepted", outcome.message
    assert "throughput-preserving buffers exceed" in outcome.message


HEADERS = {
    "open bracket": "{'descr': '<f4', 'fortran_order': False, 'shape': (",
    "indentation": "  {\n 'descr'\n  }",
    "list as key": "{[]: '<f4'}",
    "keys of two types": "{1: 2, 'descr': '<f4'}",
    "number for a type": "{'descr': 3, 'fortran_order': False, 'shape': (2, 8, 8)}",
    "negative shape": "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 8, 8)}",
    "large shape": "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 8, 9223372036854775808)}",
    "nested": f"{'(' * 9000}",
}


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_arrays(header: str, suffix: str, tmp_path: Path):
    text = HEADERS[header].encode("latin-1") + b"\n"
    array = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(512)
    _refused_array(array, suffix, tmp_path)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_headers_longer_than_the_file(suffix: str, tmp_path: Path):
    size = (0xFFFFFFFF).to_bytes(4, "little")
    _refused_array(b"\x93NUMPY\x02\x00" + size + b"{'descr': '<f4'" + bytes(512), suffix, tmp_path)


def _refused_array(array: bytes, suffix: str, tmp_path: Path) -> None:
    if suffix == "npz":
        with ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("x.npy", array)
    else:
        (tmp_path / "x.npy").write_bytes(array)
    onnx.save(layered_model(), model := tmp_path / "model.onnx")
    command = [str(model), str(tmp_path / f"x.{suffix}")]
    outcome = run_case(lambda: cm_run.main(command), Limits(), tmp_path)
    assert outcome.kind == "refused", outcome.message
    assert f"x.{suffix}: error: " in outcome.message and outcome.message.count("\n") == 1


NAMELESS = [
    "cm_translate --relation-to-svg @",
    "cm_translate --import-onnx model.onnx -o @",
    "cm_translate --import-onnx model.onnx -o @ --weights w.safetensors",
    "cm_translate --import-onnx model.onnx -o a.mlir --weights @",
    "cm_opt net.mlir -o @ --output-weights w.safetensors",
    "cm_opt net.mlir -o a.mlir --output-weights @",
    "cm_opt net.mlir -o @ --output-source -p nn-to-cmcore",
    "cm_sweep model.onnx --set core.count=1 -o @",
    "cm_run model.onnx --random 0 --json @",
    "cm_run @ --random 0",
]


@pytest.mark.parametrize("path", ["", ".", "/"])
@pytest.mark.parametrize("command", NAMELESS)
def test_paths_without_a_name(
    command: str,
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    onnx.save(layered_model(), "model.onnx")
    Path("net.mlir").write_text(
        f"func.func @main(%x: {F32}) -> {F32} {{\n  %y = {RELU}\n  func.return %y : {F32}\n}}"
    )
    tool, *words = command.split()
    tools = {"cm_opt": cm_opt, "cm_run": cm_run, "cm_sweep": cm_sweep, "cm_translate": cm_translate}
    assert tools[tool].main([path if word == "@" else word for word in words]) == 1
    message = capfd.readouterr().err
    assert message.startswith(f"{Path(path)}: error: ") and message.count("\n") == 1


def test_constants_of_the_size_of_a_tensor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trilu has a mask of the size of its operand, which would not fit into any memory."""
    model = tmp_path / "m.onnx"
    size = 1 << 40
    text = f"""<ir_version: 8, opset_import: ["": 14]>
        f (float[1, {size}, {size}] x) => (float[1, {size}, {size}] y) {{ y = Trilu(x) }}"""
    onnx.save(onnx.parser.parse_model(text), model)
    assert cm_translate.main(["--import-onnx", str(model)]) == 1
    message = f"{model}: error: node 'y' (Trilu): it takes a constant of 1.2*10^24 elements, "
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "elements",
    ["dense<0x7FC00000> : tensor<ui16>", 'dense<"0x0102030405"> : tensor<2xui16>'],
)
def test_elements_that_do_not_fit_their_type(
    elements: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "elements.mlir"
    file.write_text(f"%a = nn.parameter {elements}")
    assert cm_opt.main([str(file)]) == 1
    assert re.search(r"elements.mlir:1:\d+: error: ", capsys.readouterr().err)


@pytest.mark.parametrize("code", [0, 99, 2**63 - 1])
def test_codes_of_element_types_without_a_meaning(
    code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info = onnx.helper.make_tensor_value_info
    x, y = info("x", onnx.TensorProto.FLOAT, [1, 4]), info("y", onnx.TensorProto.FLOAT, [1, 4])
    nodes = {
        "Cast": onnx.helper.make_node("Cast", ["x"], ["y"], to=code),
        "EyeLike": onnx.helper.make_node("EyeLike", ["x"], ["y"], dtype=code),
    }
    for name, node in nodes.items():
        graph = onnx.helper.make_graph([node], "main", [x], [y])
        file = tmp_path / f"{name}.onnx"
        onnx.save(onnx.helper.make_model(graph), file)
        assert cm_translate.main(["--import-onnx", str(file)]) == 1
        assert "internal error" not in capsys.readouterr().err


@pytest.mark.parametrize("storage", ["full", "live", "lossless"])
@pytest.mark.parametrize("hardware", ["ideal", "hermes"])
def test_networks_without_stages(
    hardware: str, storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "empty.mlir"
    file.write_text("polyhedral.pipeline @main () -> () {\n}\n")
    machine = ["--hardware", hardware, "--storage", storage]
    assert cm_run.main([str(file), "--random", "0", *machine]) == 1
    assert "the network has no program to run" in capsys.readouterr().err
    assert cm_opt.main([str(file), "-p", "polyhedral-replicate{cores=4}"]) == 0


def test_archives_behind_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, model = tmp_path / "x.npz", tmp_path / "relu.onnx"
    np.savez(file, x=np.zeros((1, 4), np.float32))
    file.write_bytes(b"some bytes" + file.read_bytes())
    info = onnx.helper.make_tensor_value_info
    x, y = info("x", onnx.TensorProto.FLOAT, [1, 4]), info("y", onnx.TensorProto.FLOAT, [1, 4])
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "main", [x], [y])), model)
    assert cm_run.main([str(model), str(file)]) == 1
    assert "does not begin as a Zip archive does" in capsys.readouterr().err


def test_sizes_beyond_64_bits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info, file = onnx.helper.make_tensor_value_info, tmp_path / "large.onnx"
    shape = [1, 3, 2**62, 5]
    x, y = info("x", onnx.TensorProto.FLOAT, shape), info("y", onnx.TensorProto.FLOAT, None)
    scales = onnx.numpy_helper.from_array(np.array([1, 1, 4, 1], np.float32), "s")
    node = onnx.helper.make_node("Resize", ["x", "", "s"], ["y"], mode="nearest")
    graph = onnx.helper.make_graph([node], "main", [x], [y], [scales])
    onnx.save(onnx.helper.make_model(graph), file)
    assert cm_translate.main(["--import-onnx", str(file)]) == 1
    assert "internal error" not in capsys.readouterr().err


def _model(nodes: str, inputs: str, outputs: str = "float[N,M] y") -> onnx.ModelProto:
    text = f'<ir_version: 8, opset_import: ["" : 18]> main ({inputs}) => ({outputs}) {{{nodes}}}'
    return onnx.parser.parse_model(text)


def _refusal(model: onnx.ModelProto, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the import of a model says, which must be refused."""
    file = folder / "model.onnx"
    file.write_bytes(model.SerializeToString())
    assert cm_translate.main(["--import-onnx", str(file)]) == 1
    return capsys.readouterr().err


def test_strides_that_do_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = f"w = Constant<value = float[2,3,3,3] {{{', '.join(['0.0'] * 54)}}}>()"
    node = 'y = ConvTranspose<strides=[2], auto_pad="SAME_UPPER">(x, w)'
    model = _model(f"{weights} {node}", "float[1,2,5,5] x", "float y")
    captured = _refusal(model, tmp_path, capsys)
    assert "attribute strides" in captured or "invalid model" in captured
    assert "internal error" not in captured


@pytest.mark.parametrize(
    ("node", "flag"),
    [
        ("LpPool<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 2>(x)", "ceil_mode = 2"),
        ("ReduceMax<keepdims = -1>(x)", "keepdims = -1"),
        ("LSTM<hidden_size = 2, layout = 3>(x, x, x)", "layout = 3"),
    ],
)
def test_flags_that_are_neither_0_nor_1(
    node: str, flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """onnxruntime takes them for 0 in some operators, and for 1 in others."""
    model = _model(f"y = {node}", "float[1,2,5,5] x", "float y")
    assert f"attribute {flag} must be 0 or 1" in _refusal(model, tmp_path, capsys)


def test_windows_larger_than_the_channels(tmp_path: Path) -> None:
    """LRN reads the channels that exist, however large its window is."""
    file = tmp_path / "lrn.onnx"
    size = 2**63 - 1
    model = _model(f"y = LRN<size = {size}>(x)", "float[1,2,5,5] x", "float[1,2,5,5] y")
    file.write_bytes(model.SerializeToString())
    assert cm_run.main([str(file), "--hardware", "ideal", "--random", "0", "--check"]) == 0


def test_outputs_that_are_constants_without_elements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "empty.onnx"
    empty = onnx.helper.make_tensor("c", onnx.TensorProto.FLOAT, [0, 4], [])
    node = onnx.helper.make_node("Constant", [], ["y"], value=empty)
    info = onnx.helper.make_tensor_value_info
    x, y = info("x", onnx.TensorProto.FLOAT, [1, 4]), info("y", onnx.TensorProto.FLOAT, [0, 4])
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "main", [x], [y])), file)
    assert cm_translate.main(["--import-onnx", str(file), "--samples", "whole"]) == 1
    assert "output 'y'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        (([1, 2], [-1, 9], [2, -1], [3]), "must be of one length"),
        (([1, 2], [-1], [2, -1], [1, 1]), "must be of one length"),
        (([1, 2], [-1, 9], [3, -1], [1, 1]), "axes = [3, -1] name an axis twice"),
    ],
)
def test_slices_by_lists_that_do_not_fit(
    lists: tuple[list[int], ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    constants = " ".join(
        f"{name} = Constant<value_ints = {values}>()" for name, values in zip("seat", lists)
    )
    model = _model(f"{constants} y = Slice(x, s, e, a, t)", "float[N,3,8,9] x", "float y")
    assert message in _refusal(model, tmp_path, capsys)


@pytest.mark.parametrize("shape", [(3, 1, 4), (2, 4), (2, 1, 0)])
def test_weights_of_other_channels(
    shape: tuple[int, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("CausalConvWithState", ["x", "w"], ["y", "s"])],
        "main",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 2, 5])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 2, 5])],
        [onnx.numpy_helper.from_array(np.ones(shape, np.float32), "w")],
    )
    opsets = [onnx.helper.make_opsetid("", onnx.defs.onnx_opset_version())]
    model = onnx.helper.make_model(graph, opset_imports=opsets)
    assert "expected [2, 1, size] for 2 channels" in _refusal(model, tmp_path, capsys)


def test_powers_out_of_range(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """onnxruntime gives the limit of the type, and the network the low bits: ONNX defines neither."""
    file = tmp_path / "power.onnx"
    nodes = "e = Constant<value_ints = [3, 0, 63, 1, 40]>() y = Pow(x, e)"
    model = _model(nodes, "int64[1,4,5] x", "int64[1,4,5] y")
    file.write_bytes(model.SerializeToString())
    assert cm_run.main([str(file), "--hardware", "ideal", "--random", "0", "--check"]) == 0
    assert "agree with the network in float64" in capsys.readouterr().err
