"""Weights follow the IR: modules name the files of their parameters, and no tool drops a parameter silently."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cmir.testing.lit_format import TOOLS, load_function, run_in_process

WEIGHTS = {
    "w": np.array([[[2.0]]], np.float32),
    "scale": np.array([3.0], np.float32),
    "other": np.zeros(5, np.float32),
}
NETWORK = """
func.func @main(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = nn.parameter "w" : tensor<1x1x1xf32>
  %scale = nn.parameter "scale" : tensor<1xf32>
  %one = nn.parameter dense<1.0> : tensor<1xf32>
  %c = nn.conv %x, %w : (tensor<1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x4xf32>
  %y = nn.batch_norm %c, %scale, %one, %one, %one {epsilon = 0.0}
      : (tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4xf32>
  %z = nn.mul %y, %scale : (tensor<1x4xf32>, tensor<1xf32>) -> tensor<1x4xf32>
  func.return %z : tensor<1x4xf32>
}
"""
CHANGED = (
    "cm-opt: error: passes have changed parameter 'w.folded', and standard output holds IR alone;"
    " give --output-weights FILE, or -o FILE\n"
)
Call = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command line in a folder with a network in `a.mlir` and its weights next to it."""
    monkeypatch.chdir(tmp_path)
    Path("a.mlir").write_text(NETWORK)
    Path("sub").mkdir()
    save_file(WEIGHTS, "a.safetensors")

    def run(line: str) -> tuple[int, str, str]:
        tool, *arguments = line.split()
        code, out, err = run_in_process(load_function(TOOLS[tool]), arguments)
        return code, out.decode(), err.decode()

    return run


def named(text: str) -> list[str]:
    """Return the files that the text of a module names."""
    found = re.match(r"builtin\.module attributes \{cmir\.parameters = \[(.*)\]\} \{", text)
    return [] if found is None else [name.strip('"') for name in found[1].split(", ")]


def named_in(path: str) -> list[str]:
    return named(Path(path).read_text())


def succeed(call: Call, line: str) -> str:
    """Run a command that succeeds and says nothing on stderr; return its output."""
    code, out, err = call(line)
    assert (code, err) == (0, ""), err
    return out


def test_a_chain_without_flags(call: Call) -> None:
    for line in (
        "cm-opt a.mlir -p canonicalize -o b.mlir",
        "cm-opt b.mlir -p nn-fold-batch-norm -o c.mlir",
        "cm-opt c.mlir -p nn-to-polyhedral -o d.mlir",
    ):
        succeed(call, line)
    assert named_in("b.mlir") == ["a.safetensors"]
    assert not os.path.exists("b.safetensors")
    assert named_in("c.mlir") == ["a.safetensors", "c.safetensors"]
    assert {n: v.tolist() for n, v in load_file("c.safetensors").items()} == {"w.folded": [[[6.0]]]}
    assert named_in("d.mlir") == named_in("c.mlir")
    results = [
        succeed(call, f"cm-run {name}.mlir --random 0 --quiet --output {name}.npy")
        for name in "abcd"
    ]
    assert len(set(results[1:])) == 1
    for name in "bcd":
        np.testing.assert_allclose(np.load(f"{name}.npy"), np.load("a.npy"), rtol=1e-5)


def test_one_file_for_all(call: Call) -> None:
    succeed(call, "cm-opt a.mlir -p nn-fold-batch-norm -o b.mlir --output-weights all.safetensors")
    assert named_in("b.mlir") == ["all.safetensors"]
    assert load_file("all.safetensors").keys() == {*WEIGHTS, "w.folded"}
    save_file({**WEIGHTS, "scale": np.array([0.0], np.float32)}, "zero.safetensors")
    succeed(call, "cm-run b.mlir --random 0 --quiet --output b.npy")
    succeed(call, "cm-run a.mlir --random 0 --weights zero.safetensors --quiet --output zero.npy")
    assert np.load("b.npy").any()
    assert not np.load("zero.npy").any()


def test_files_in_other_folders(call: Call) -> None:
    """A module names files in its folder and below; parameters of others are copied, and a note says so."""
    code, _, err = call("cm-opt a.mlir -p canonicalize -o sub/b.mlir")
    assert (code, err) == (
        0,
        "cm-opt: note: 'sub/b.safetensors' has copies of parameters from 'a.safetensors', outside of its folder\n",
    )
    assert load_file("sub/b.safetensors").keys() == {"w", "scale"}
    succeed(call, "cm-opt sub/b.mlir -o c.mlir")
    assert named_in("c.mlir") == ["sub/b.safetensors"]
    succeed(call, "cm-run c.mlir --random 0 --quiet")
    code, _, err = call("cm-opt a.mlir -o sub/d.mlir --output-weights all.safetensors")
    assert err == (
        "cm-opt: note: the output does not name the file of its parameters, 'all.safetensors'; see --weights\n"
    )


def test_standard_output(call: Call) -> None:
    text = succeed(call, "cm-opt a.mlir -p canonicalize")
    assert named(text) == ["a.safetensors"]
    Path("b.mlir").write_text(text)
    succeed(call, "cm-run b.mlir --random 0 --quiet")
    assert call("cm-opt a.mlir -p nn-fold-batch-norm") == (1, "", CHANGED)
    assert call("cm-opt a.mlir -p nn-fold-batch-norm -o /dev/null") == (0, "", "")
    text = succeed(call, "cm-opt a.mlir -p nn-fold-batch-norm --output-weights all.safetensors")
    assert named(text) == ["all.safetensors"]
    assert (
        named(succeed(call, "cm-opt a.mlir -p nn-fold-batch-norm,nn-to-polyhedral -o c.mlir")) == []
    )
    assert not os.path.exists("-.safetensors")


@pytest.mark.parametrize("output", ["a.mlir", "a.safetensors", "link.mlir"])
def test_no_output_overwrites_what_was_read(output: str, call: Call) -> None:
    Path("link.mlir").symlink_to("a.mlir")
    before = Path("a.safetensors").read_bytes()
    code, _, err = call(f"cm-opt a.mlir -p nn-fold-batch-norm -o {output}")
    assert (code, err) == (
        1,
        f"{output}: error: the output would overwrite an input; give another file\n",
    )
    assert Path("a.mlir").read_text() == NETWORK
    assert Path("a.safetensors").read_bytes() == before


def test_changed_parameters_do_not_overwrite_a_file_that_the_input_names(call: Call) -> None:
    succeed(call, "cm-opt a.mlir -o b.mlir --output-weights c.safetensors")
    code, _, err = call("cm-opt b.mlir -p nn-fold-batch-norm -o c.mlir")
    assert (code, err) == (
        1,
        "c.safetensors: error: the output would overwrite an input; give another file\n",
    )
    assert not os.path.exists("c.mlir")


def test_source_and_network_name_their_files(call: Call) -> None:
    succeed(call, "cm-opt a.mlir -p nn-fold-batch-norm -o b.mlir")
    succeed(call, "cm-opt b.mlir -p nn-to-cmcore --output-source -o c.mlir")
    assert named_in("c.mlir") == named_in("c.nn.mlir") == ["a.safetensors", "b.safetensors"]
    succeed(call, "cm-opt c.mlir -p cmcore-verify-values -o /dev/null")
    succeed(call, "cm-run c.nn.mlir --random 0 --quiet")


def test_parts_of_a_split_input(call: Call) -> None:
    """Parts that change a parameter of the same name get one name each in the common file."""
    part = f'builtin.module attributes {{cmir.parameters = ["a.safetensors"]}} {{{NETWORK}}}\n'
    Path("b.mlir").write_text(f"{part}// -----\n{part}")
    succeed(call, "cm-opt b.mlir --split-input-file -p nn-fold-batch-norm -o c.mlir")
    assert load_file("c.safetensors").keys() == {"w.folded", "w.folded2"}
    for text in Path("c.mlir").read_text().split("// -----\n"):
        assert named(text) == ["a.safetensors", "c.safetensors"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            '"none.safetensors"',
            "names 'none.safetensors', and there is no such file in '.'; --weights",
        ),
        (
            '"/dev/zero"',
            "names '/dev/zero': a parameter file must be in the folder of the IR, or below",
        ),
        ('"../a.safetensors"', "names '../a.safetensors': a parameter file must be in the folder"),
        ('"sub/../../a"', "names 'sub/../../a': a parameter file must be in the folder"),
        ('"a\\00b"', "names 'a\\x00b': a parameter file must be in the folder"),
        ("3", "must be an array of file names, got [3 : i64]"),
        ('"sub"', "sub: error: expected parameters (.safetensors), got a directory"),
        ('""', ".: error: expected parameters (.safetensors), got a directory"),
        ('"a.mlir"', "a.mlir: error: expected parameters (.safetensors), got IR"),
    ],
)
@pytest.mark.parametrize("tool", ["cm-opt", "cm-run --random 0", "cm-reduce --test true"])
def test_hostile_names(tool: str, files: str, message: str, call: Call) -> None:
    Path("b.mlir").write_text(
        f"builtin.module attributes {{cmir.parameters = [{files}]}} {{{NETWORK}}}"
    )
    name, *options = tool.split()
    code, _, err = call(" ".join([name, "b.mlir", *options]))
    assert code == 1
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((1, 1, 2), np.float32), "parameter 'w' in 'c.safetensors' has shape [1, 1, 2]"),
        (np.zeros((1, 1, 1), np.float64), "parameter 'w' in 'c.safetensors' has elements of type"),
        (None, "there is no parameter 'w' in 'c.safetensors'"),
    ],
)
@pytest.mark.parametrize(
    "command", ["cm-run b.mlir --random 0", "cm-opt b.mlir -p nn-fold-batch-norm"]
)
def test_wrong_values(command: str, value: np.ndarray | None, message: str, call: Call) -> None:
    Path("b.mlir").write_text(
        f'builtin.module attributes {{cmir.parameters = ["c.safetensors"]}} {{{NETWORK}}}'
    )
    others = {name: array for name, array in WEIGHTS.items() if name != "w"}
    save_file(others if value is None else {**others, "w": value}, "c.safetensors")
    code, _, err = call(command)
    if value is None and command.startswith("cm-opt"):  # the pass leaves what it does not know
        assert "not folded: the values of its parameters are unknown" in err
        return
    assert code == 1
    assert message in err
    assert [line for line in err.splitlines() if "error:" in line] == err.splitlines()[-1:]


def test_a_reproducer_has_its_parameters_inside(call: Call) -> None:
    succeed(call, "cm-opt a.mlir -o b.mlir")
    line = "cm-opt b.mlir -p nn-fold-batch-norm -o /dev/null --generate-reproducer r.mlir"
    succeed(call, line)
    Path("a.safetensors").unlink()
    code, out, err = call("cm-opt --run-reproducer r.mlir")
    assert (code, out, err) == (1, "", CHANGED)
    succeed(call, "cm-opt --run-reproducer r.mlir -o c.mlir")
    assert load_file("c.safetensors").keys() == {"w.folded", "scale"}
    succeed(call, "cm-run c.mlir --random 0 --quiet")


def test_a_command_of_cm_reduce_finds_the_parameters(call: Call) -> None:
    succeed(call, "cm-opt a.mlir -o sub/b.mlir --output-weights sub/w.safetensors")
    Path("test").write_text('#!/bin/sh\ntest -f "${1%.mlir}.safetensors" && grep -q nn.conv "$1"\n')
    Path("test").chmod(0o755)
    code, _, err = call("cm-reduce sub/b.mlir --test ./test -o sub/c.mlir")
    assert code == 0, err
    text = Path("sub/c.mlir").read_text()
    assert "nn.batch_norm" not in text
    assert named(text) == (["w.safetensors"] if '"w"' in text else [])


def test_cm_translate_names_a_file_that_is_not_next_to_the_ir(call: Call) -> None:
    model = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"
    succeed(call, f"cm-translate --import-onnx {model} -o m.mlir")
    assert named_in("m.mlir") == []
    succeed(call, f"cm-translate --import-onnx {model} -o m.mlir --weights sub/n.safetensors")
    assert named_in("m.mlir") == ["sub/n.safetensors"]
    Path("m.safetensors").unlink()
    succeed(call, "cm-run m.mlir --random 0 --quiet")


def test_the_library_reads_texts_with_parameters(call: Call) -> None:
    import cmir

    text = succeed(call, "cm-opt a.mlir")
    one = np.ones((1, 1, 4), np.float32)
    named, given = cmir.compile(text), cmir.compile(NETWORK, weights=WEIGHTS)
    (a,), (b,) = (net.run(one).outputs.values() for net in (named, given))
    np.testing.assert_array_equal(a, b)
    assert "cmir.parameters" not in named.ir("nn")
