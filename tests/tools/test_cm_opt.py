"""cm-opt: start-up, output files, weights, and errors that are not about IR."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import ParseError, PassFailedException

from cmir.context import parameters_of
from cmir.passes.pipelines import PIPELINES
from cmir.pipelines.text import parse_passes
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.tools.cm_opt import CmOptMain, main
from cmir.tools.common import INTERNAL_ERROR, run_tool
from cmir.universe import DIALECTS, PASSES

TEXT = "func.func @f() {\n  func.return\n}\n"
HEAVY = (
    "islpy",
    "numpy",
    "onnx",
    "onnxruntime",
    "rich",
    "pygments",
    "safetensors",
    "lit",
    "filecheck",
)


@dataclass(frozen=True)
class ProbePass(ModulePass):
    """A pass with options of every kind, which does what a test asks."""

    name: ClassVar[str] = "probe"

    count: int = 1
    rate: float = 0.5
    flag: bool = False
    mode: str = "none"
    tiles: tuple[int, ...] = (1, 2)
    limit: int | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        match self.mode:
            case "internal":
                raise KeyError("oops")
            case "upstream":
                raise PassFailedException("cannot do this")
            case "compile":
                raise CompileError(next(iter(op.ops)), "bad function").with_note(op, "in here")
            case "isl":
                import islpy

                islpy.Set("{ [i] : nonsense }")
            case "remark":
                emit_remark(next(iter(op.ops)), "seen")
            case "invalid":
                next(iter(op.ops)).regions[0].block.erase_op(
                    next(iter(op.ops)).regions[0].block.ops.last  # type: ignore
                )
            case "double":
                parameters = parameters_of(ctx)
                if parameters is None:
                    raise CompileError(op, "needs --weights")
                parameters["w"] = parameters["w"] * 2
            case _:
                pass


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make cm-opt know ProbePass."""
    register = CmOptMain.register_all_passes

    def register_all_passes(self: CmOptMain) -> None:
        register(self)
        self.register_pass("probe", lambda: ProbePass)

    monkeypatch.setattr(CmOptMain, "register_all_passes", register_all_passes)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.mlir"
    path.write_text(TEXT)
    return path


def options(text: str) -> ProbePass:
    (result,) = parse_passes(text, "-p", {"probe": lambda: ProbePass})
    assert isinstance(result, ProbePass)
    return result


@pytest.mark.parametrize("arguments", [["--version"], ["-"]])
def test_start_up_imports_nothing_heavy(arguments: list[str]):
    code = (
        "import sys\nfrom cmir.tools.cm_opt import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments], input=TEXT, text=True, capture_output=True
    )
    assert process.stderr.strip() == "[]"
    assert process.returncode == 0


def test_registry_names_exist():
    assert len(set(DIALECTS)) == len(DIALECTS)
    tool = CmOptMain([])
    assert set(PASSES) <= set(tool.available_passes)
    assert set(DIALECTS) <= set(tool.ctx.registered_dialect_names)


def test_pipelines_are_made_of_known_passes():
    """And none contains itself, for then this does not end."""
    known = dict.fromkeys([*PASSES, "canonicalize"], lambda: ModulePass)

    def names(pipeline: str) -> list[str]:
        return [
            name
            for item in (text.partition("{")[0] for text in PIPELINES[pipeline].passes.split(","))
            for name in (names(item) if item in PIPELINES else [item])
        ]

    for name, pipeline in PIPELINES.items():
        assert pipeline.name == name and pipeline.summary
        assert set(names(name)) <= set(known)
        assert name not in known


def test_options_of_passes():
    assert options("probe") == ProbePass()
    text = "probe{count=3 rate=2 flag mode=a tiles=4,5 limit=7}"
    assert options(text) == ProbePass(3, 2.0, True, "a", (4, 5), 7)
    assert options("probe{flag=true tiles=4}") == ProbePass(flag=True, tiles=(4,))
    assert options("probe{mode=3}") == ProbePass(mode="3")
    assert options("""probe{mode="a b,c}" }""") == ProbePass(mode="a b,c}")
    assert options("probe{mode='x'}") == ProbePass(mode="x")
    assert options("probe{}") == ProbePass()
    assert options("probe{rate=1e-3 count=-2}") == ProbePass(count=-2, rate=1e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("probe{count=x}", "option 'count' takes an integer, got x"),
        ("probe{count=1,2}", "option 'count' takes an integer, got 1,2"),
        ("probe{count=true}", "option 'count' takes an integer, got true"),
        ("probe{count}", "option 'count' takes an integer, got nothing"),
        ("probe{flag=maybe}", "option 'flag' takes true or false, got maybe"),
        ("probe{count=1 count=2}", "option 'count' is given twice"),
        ("probe{count=}", "expected a value"),
        ("probe{=1}", "expected the name of an option, or '}'"),
        ("probe probe", "expected ',' or the end of the pipeline"),
        ("probe,", "expected the name of a pass"),
    ],
)
def test_bad_options(text: str, message: str):
    with pytest.raises(ParseError) as caught:
        options(text)
    assert message in caught.value.msg


def test_output_appears_only_on_success(source: Path, tmp_path: Path):
    output = tmp_path / "out.mlir"
    output.write_text("old")
    assert main([str(source), "-p", "probe{mode=compile}", "-o", str(output)]) == 1
    assert output.read_text() == "old"
    assert main([str(source), "-p", "probe", "-o", str(output)]) == 0
    assert "func.func @f" in output.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mlir", "out.mlir"]


def test_weights_pass_through(source: Path, tmp_path: Path):
    weights, changed = tmp_path / "w.safetensors", tmp_path / "v.safetensors"
    save_file({"w": np.ones(3, np.float32)}, weights)
    files = ["--weights", str(weights), "--output-weights", str(changed), "-o", str(tmp_path / "o")]
    assert main([str(source), "-p", "probe{mode=double}", *files]) == 0
    np.testing.assert_array_equal(load_file(changed)["w"], [2, 2, 2])
    changed.unlink()
    assert main([str(source), "-p", "probe{mode=double},probe{mode=compile}", *files]) == 1
    assert not changed.exists()


@pytest.mark.parametrize(
    ("mode", "code", "expected"),
    [
        ("compile", 1, "{f}:1:1: error: bad function\n{f}:1:1: note: in here\n"),
        ("double", 1, "{f}:1:1: error: needs --weights\n"),
        ("upstream", 1, "{f}: error: pass 'probe': cannot do this\n"),
        ("isl", 1, "{f}: error: pass 'probe': "),
        ("remark", 0, "{f}:1:1: remark: seen\n"),
        (
            "internal",
            INTERNAL_ERROR,
            "cm-opt: internal error in pass 'probe': KeyError: 'oops', at {here}:59 in ProbePass.apply"
            " (CMIR_TRACEBACK=1 shows where)\n"
            "cm-opt: note: a reproducer is in {d}/cm-opt-",
        ),
    ],
)
def test_errors_of_passes(
    mode: str,
    code: int,
    expected: str,
    source: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(tempfile, "tempdir", str(source.parent))
    assert main([str(source), "-p", f"probe{{mode={mode}}}"]) == code
    error = capsys.readouterr().err
    here = __file__.removeprefix(f"{os.getcwd()}{os.sep}")
    assert error.startswith(expected.format(f=source, d=source.parent, here=here))
    assert error.count("\n") == expected.count("\n") + (not expected.endswith("\n"))


def test_invalid_ir_after_a_pass_names_the_pass(source: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(source), "-p", "probe{mode=invalid}"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{source}:1:1: error: 'func.func' op ")
    assert error.endswith("(after pass 'probe')\n")


@pytest.mark.parametrize(
    ("comment", "mode", "problem"),
    [
        ("// expected-remark {{seen}}", "remark", None),
        ("// expected-error {{bad function}} expected-note {{in here}}", "compile", None),
        ("", "remark", "in.mlir:1:1: remark: seen [unexpected remark]"),
        (
            "// expected-remark {{sene}}",
            "remark",
            'expected remark "sene" at line 1 was not produced',
        ),
        ("// expected-remark@+1 {{seen}}", "remark", "at line 2 was not produced"),
        ("// expected-remark {seen}", "remark", "malformed comment"),
        ("// expected-error {{seen}}", "remark", "[unexpected remark]"),
        ("// expected-error {{x}}", "none", 'expected error "x" at line 1 was not produced'),
        ("// expected-remark {{remark: seen}}", "remark", "was not produced"),
        ("// expected-remark-re {{s{{e+}}n}}", "remark", None),
        ("// expected-remark-re {{s{{e+}}N}}", "remark", "at line 1 was not produced"),
        ("// expected-remark-re {{s.en}}", "remark", "at line 1 was not produced"),
        ("// expected-remark-re {{s{{(}}n}}", "remark", "malformed regular expression"),
        ("// expected-error-re {{b{{.}}d}} expected-note-re {{{{i}}n}}", "compile", None),
        ("// expected-error {{bad function}}", "compile", "in here [unexpected note]"),
    ],
)
def test_verify_diagnostics(
    comment: str, mode: str, problem: str | None, source: Path, capsys: pytest.CaptureFixture[str]
):
    source.write_text(TEXT.replace("{\n", f"{{ {comment}\n", 1))
    code = main([str(source), "-p", f"probe{{mode={mode}}}", "--verify-diagnostics"])
    error = capsys.readouterr().err
    assert code == (problem is not None)
    assert (error == "") if problem is None else problem in error


def test_verify_diagnostics_by_direction(source: Path):
    above = TEXT.replace("{\n", "{\n// expected-remark @above {{seen}}\n", 1)
    below = "// expected-remark @below {{seen}}\n" + TEXT
    two = "// expected-error @below {{bad}}\n// expected-note @below {{in here}}\n" + TEXT
    minus = TEXT.replace("{\n", "{\n// expected-remark@-1 {{seen}}\n", 1)
    for text, mode in ((above, "remark"), (below, "remark"), (minus, "remark"), (two, "compile")):
        source.write_text(text)
        assert main([str(source), "-p", f"probe{{mode={mode}}}", "--verify-diagnostics"]) == 0


def test_an_error_with_its_operation(source: Path, capsys: pytest.CaptureFixture[str]):
    flag = "--print-op-on-diagnostic"
    assert main([str(source), "-p", "probe{mode=compile}", flag]) == 1
    shown = '"func.func"() <{sym_name = "f", function_type = () -> ()}> ({ …'
    assert capsys.readouterr().err == (
        f"{source}:1:1: error: bad function\n"
        f"{source}:1:1: note: in here\n"
        "note: in pass 'probe'\n"
        f"{source}:1:1: note: see current operation: {shown}\n"
    )
    value = f'{{a = "{1000 * "x"}"}}'
    source.write_text(
        f'"func.func"() <{{sym_name = "f", function_type = () -> ()}}> ({{}}) {value} : () -> i32\n'
    )
    assert main([str(source), flag]) == 1
    error, note = capsys.readouterr().err.splitlines()
    assert "error: " in error
    assert note.startswith(f"{source}:1:1: note: see current operation: ") and len(note) < 600


def test_tracebacks_on_request(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def fail() -> int:
        raise CompileError("a", "b")

    monkeypatch.setenv("CMIR_TRACEBACK", "1")
    assert run_tool("tool", fail) == 1
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.delenv("CMIR_TRACEBACK")
    assert run_tool("tool", fail) == 1
    assert capsys.readouterr().err == "a: error: b\n"


def test_stock_xdsl_opt_knows_our_dialects(tmp_path: Path):
    process = subprocess.run(
        [sys.executable, "-m", "xdsl.tools.xdsl_opt", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100000"},
    )
    assert all(name in process.stdout for name in PASSES)


def test_a_source_line_is_shown_without_controls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "a.mlir"
    file.write_bytes('\t"\x1b[31m\u202e"() nonsense'.encode())
    assert main([str(file)]) == 1
    message, line, carets = capsys.readouterr().err.splitlines()
    assert "\x1b" not in message
    assert line == '\t"\\x1b[31m\\u202e"() nonsense'
    assert set(carets) <= set("\t ^") and len(carets) <= len(line)
