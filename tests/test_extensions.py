"""Packages that extend cmir through entry points: the example, and what is said of broken ones."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.builtin import f32
from xdsl.dialects.test import TestPureOp as PureOp
from xdsl.utils.test_value import create_ssa_value

from cmir import extensions
from cmir.frontends.onnx import registry
from cmir.passes.pipelines import PIPELINES, installed_pipelines
from cmir.semantics import body, implementations
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.support.unloaded import forget_unloaded
from cmir.tools import cm_new_extension, cm_opt, cm_run, cm_translate

EXAMPLE = Path(__file__).parents[1] / "examples" / "extension"
CACHES = (
    extensions.installed_universe,
    installed_pipelines,
    registry.load_importers,
    body.load_implementations,
)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has all that this one has, and the example package."""
    place = tmp_path_factory.mktemp("venv")
    venv.create(place, symlinks=True)
    executable = place / "bin" / "python"
    (library,) = place.glob("lib/*/site-packages")
    ours = sysconfig.get_path("purelib")
    (library / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    install = ["--python", str(executable), "install", "--quiet", "--no-deps", "--no-index"]
    run(Path(sys.executable), "pip", *install, "--no-build-isolation", str(EXAMPLE))
    return executable


def run(python: Path, module: str, *arguments: str | Path) -> str:
    """What a module prints that is run as a program. It must succeed."""
    command = [str(python), "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLE.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_its_own_tests(python: Path, tmp_path: Path) -> None:
    code = "import os, sys; from lit.main import main; os.chdir(sys.argv.pop(1)); main()"
    command = [str(python), "-c", code, str(tmp_path), "-v", str(EXAMPLE / "tests")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "Passed: 4" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_its_pass_changes_no_result(python: Path, tmp_path: Path) -> None:
    """Three steps in two stages and in one; the borders of the image are reached by both."""
    edges, merged = tmp_path / "edges.mlir", tmp_path / "merged.mlir"
    run(python, "cmir.tools.cm_translate", "--import-onnx", EXAMPLE / "edges.onnxtxt", "-o", edges)
    run(python, "cmir.tools.cm_opt", edges, "-p", "morphology-merge-dilations", "-o", merged)
    x, outputs = tmp_path / "x.npy", []
    np.save(x, np.random.default_rng(0).standard_normal((3, 1, 16, 16), np.float32))
    for model, cores in ((edges, 2), (merged, 1)):
        y = tmp_path / f"{model.stem}.npy"
        printed = run(python, "cmir.tools.cm_run", model, x, "--check", "--output", y)
        assert f"3 inferences on {count_of(cores, 'core')}" in printed
        outputs.append(np.load(y))
    np.testing.assert_array_equal(*outputs)


@pytest.mark.slow
def test_stock_xdsl_opt_knows_it(python: Path) -> None:
    source = EXAMPLE / "tests" / "dilate.mlir"
    passes = ["-p", "morphology-merge-dilations"]
    assert "{radius = 3}" in run(python, "xdsl.tools.xdsl_opt", source, *passes)


@pytest.mark.slow
def test_its_reference_page(python: Path) -> None:
    page = run(python, "cmir.documentation.reference", "morphology")
    assert page.startswith("# Dialect `morphology`\n")
    assert "The window is a diamond" in page and "| `radius` | `integer` of `i64` |" in page


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is searched for packages; caches are empty before and after."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_importers", dict(registry.registered()))
    monkeypatch.setattr(implementations, "_implementations", dict(implementations.registered()))
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    """Forget the packages that are installed."""
    forget_unloaded()
    for cached in CACHES:
        cached.cache_clear()


def install(site: Path, group: str, value: str, module: str = "", code: str = "") -> None:
    """Put a package 'thing' there, with one entry point and one module."""
    information = site / "thing-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{group}]\nthing = {value}\n")
    if module:
        (site / f"{module}.py").write_text(code)


@pytest.mark.parametrize(
    ("group", "code", "reason"),
    [
        ("xdsl.universe", None, "ModuleNotFoundError: No module named 'thing_{n}'"),
        ("xdsl.universe", "THING = 1", "expected a Universe, got 1"),
        ("cmir.pipelines", "1 / 0", "ZeroDivisionError: division by zero"),
        ("cmir.pipelines", "THING = ['a']", "expected a Pipeline, got 'a'"),
        (
            "cmir.pipelines",
            "from cmir.passes.pipelines import Pipeline\nTHING = [Pipeline('cse', '', '')]",
            "the name 'cse' is taken",
        ),
        (
            "cmir.pipelines",
            "from cmir.passes.pipelines import Pipeline\nTHING = [Pipeline('nn-to-cmcore', '', '')]",
            "the name 'nn-to-cmcore' is taken",
        ),
    ],
    ids=range(6),
)
def test_broken_packages(
    group: str,
    code: str | None,
    reason: str,
    site: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = request.node.callspec.id
    module = f"thing_{number}"  # modules stay imported, so each case has its own
    install(site, group, f"{module}:THING", module if code is not None else "", code or "")
    why = f"entry point 'thing' of '{group}': {reason.format(n=number)}"
    cannot = f"package thing cannot be loaded: {why}\n"
    assert cm_opt.main(["/dev/null", "-p", "canonicalize"]) == 0  # needs nothing of the package
    assert capsys.readouterr().err == ""
    assert cm_opt.main(["/dev/null", "-p", "zzzz"]) == 1
    assert f"error: unknown pass 'zzzz'; {cannot}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cm_opt.main(["--zzzz", "/dev/null"])
    assert f"unrecognized arguments: --zzzz; {cannot}" in capsys.readouterr().err
    for text in ('"zzzz.a"() : () -> ()', '"test.op"() {a = #zzzz.b} : () -> ()'):
        (site / "a.mlir").write_text(text)
        assert cm_opt.main([str(site / "a.mlir")]) == 1
        assert f"is not registered; {cannot}" in capsys.readouterr().err
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as exit:
            cm_opt.main([option])
        assert exit.value.code == 0
    assert capsys.readouterr().err == f"package thing: warning: {why}\n"  # of --help
    for option in ("--list-passes", "--show-dialects"):
        assert cm_opt.main([option]) == 0
        assert capsys.readouterr().err == f"package thing: warning: {why}\n"


LATE = """
from xdsl.universe import Universe
def late():
    import nonsense_package
THING = Universe(
    all_dialects={'late': late, 'later': lambda: 5}, all_passes={'late-pass': late, 'later-pass': lambda: 5}
)
"""


def test_names_that_cannot_be_loaded(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The package is there, and loads what it declares at first use."""
    install(site, "xdsl.universe", "thing_late:THING", "thing_late", LATE)
    point = "entry point 'thing' of 'xdsl.universe'"
    missing = "ModuleNotFoundError: No module named 'nonsense_package'"
    for what, text in (
        (f"dialect 'late': {missing}", '"late.a"() : () -> ()'),
        ("dialect 'later': expected a Dialect, got 5", '"later.a"() : () -> ()'),
    ):
        (site / "a.mlir").write_text(text)
        assert cm_opt.main([str(site / "a.mlir")]) == 1
        assert capsys.readouterr().err == f"package thing: error: {point}: {what}\n"
    assert cm_opt.main(["/dev/null", "--late-pass"]) == 1
    assert (
        capsys.readouterr().err == f"package thing: error: {point}: pass 'late-pass': {missing}\n"
    )
    assert cm_opt.main(["--list-passes"]) == 0
    listed = capsys.readouterr().out
    assert f"(package thing: {point}: pass 'late-pass': {missing})" in listed
    assert (
        f"(package thing: {point}: pass 'later-pass': expected a subclass of ModulePass, got 5)"
        in listed
    )


def test_two_of_the_same_name(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the name that both define cannot be used."""
    code = "from xdsl.universe import Universe\nTHING = Universe(all_passes={'cse': print})"
    install(site, "xdsl.universe", "thing_twice:THING", "thing_twice", code)
    assert cm_opt.main(["/dev/null"]) == 0
    assert cm_opt.main(["/dev/null", "-p", "cse"]) == 1
    assert capsys.readouterr().err == (
        "installed packages: error: several define the pass 'cse': thing and xdsl; uninstall one of them\n"
    )


def test_broken_importers(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "cmir.onnx", "thing_importers", "thing_importers", "import nonsense_package")
    assert cm_translate.main(["--list-operators"]) == 1
    assert capsys.readouterr().err == (
        "package thing: error: entry point 'thing' of 'cmir.onnx':"
        " ModuleNotFoundError: No module named 'nonsense_package'\n"
    )


def test_implementations_are_found(site: Path) -> None:
    """The operation and its implementation may be of different packages: here, xDSL has the operation."""
    code = """
from xdsl.dialects.test import TestPureOp
from cmir.semantics.implementations import implements
implements(TestPureOp)(lambda x: -x)
"""
    install(site, "cmir.semantics", "thing_negates", "thing_negates", code)
    op = PureOp([create_ssa_value(f32)], [f32])
    np.testing.assert_array_equal(body.evaluate_operation(op, np.ones(2, np.float32)), [-1, -1])


def test_broken_implementations(site: Path) -> None:
    code = """
from xdsl.dialects.arith import AddfOp
from cmir.semantics.implementations import implements
implements(AddfOp)(lambda a, b: a - b)
"""
    install(site, "cmir.semantics", "thing_subtracts", "thing_subtracts", code)
    op = PureOp([create_ssa_value(f32)], [f32])
    with pytest.raises(CompileError) as caught:
        body.evaluate_operation(op, np.ones(2, np.float32))
    assert str(caught.value).splitlines()[0] == (
        "package thing: error: entry point 'thing' of 'cmir.semantics':"
        " ValueError: arith.addf has an implementation already"
    )


MAXIMUM = 'builder.insert(ReduceOp("maximumf", x, [0])).results[0]'
FAULTS = {
    "infer": (
        "return (x[0], x[1] - width + 1)",
        "return None",
        "`infer` of {op} must return a shape, got None",
    ),
    "reads": (
        "return [Access(",
        "return None and [Access(",
        "`reads` of {op} must return a list, got None",
    ),
    "kind": (
        ", (width, channels))]",
        ", (width, channels)).relation]",
        "return Access and Cells, got Map for read 0",
    ),
    "lanes": (
        ", (width, channels))]",
        ", (width,))]",
        "from 3 coordinates instead of 1 of the iteration and 1 of",
    ),
    "rank": (
        "-> [c, i + k]",
        "-> [c]",
        "read 0 of {op} has elements of 1 coordinate instead of 2: ",
    ),
    "syntax": ("-> [c, i + k]", "-> [c, i + ]", "syntax error, at {file}:59 in RunningMaxOp.reads"),
    "body": (MAXIMUM, "None", "`build_body` of {op} must return a vector, got None"),
    "matrix": (
        MAXIMUM,
        "1 / 0",
        "ZeroDivisionError: division by zero, at {file}:68 in RunningMaxOp.build_body",
    ),
    "shape": (
        ".max(axis=0)",
        ".max(axis=0)[:1]",
        "with the shape [2, 8], got float32 with the shape [1, 8]",
    ),
    "type": (
        ".max(axis=0)",
        ".max(axis=0).astype(float)",
        "the shape [2, 8], got float64 with the shape [2, 8]",
    ),
    "nothing": (
        "np.stack(windows).max(axis=0)",
        "None",
        "float32 with the shape [2, 8], got NoneType",
    ),
    "numpy": (
        ".max(axis=0)",
        ".max(axis=9)",
        "AxisError: axis 9 is out of bounds for array of dimension 3, at {file}:",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_operators(name: str, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line names the operator and what its method returns, or the line of the package that raised an error."""
    right, wrong, message = FAULTS[name]
    dialect = f"fault{name}"
    assert cm_new_extension.main([dialect, "-o", str(site / "package")]) == 0
    (site / "package" / f"cmir_{dialect}").rename(site / f"cmir_{dialect}")
    install(site, "xdsl.universe", f"cmir_{dialect}.universe:UNIVERSE")
    forget()
    file = site / f"cmir_{dialect}" / "dialect.py"
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong))
    model = site / "package" / "tests" / "operator.mlir"
    assert cm_run.main([str(model), "--random", "0", "--check"]) != 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "remark" not in line]
    expected = message.format(op=f"{dialect}.running_max", file=file)
    assert len(lines) == 1 and expected in lines[0], lines


def test_pipelines_are_found(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "from cmir.passes.pipelines import Pipeline\n"
        "THING = [Pipeline('tidy', 'Tidy up.', 'canonicalize,cse')]"
    )
    install(site, "cmir.pipelines", "thing_tidy:THING", "thing_tidy", code)
    assert [*installed_pipelines()] == [*PIPELINES, "tidy"]
    assert cm_opt.main(["/dev/null", "-p", "tidy"]) == 0
    assert cm_opt.main(["/dev/null", "-p", "tidi"]) == 1
    assert "did you mean 'tidy'?" in capsys.readouterr().err
