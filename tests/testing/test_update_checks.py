"""The update of relations in FileCheck tests: only these change, and only in files that pass afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cmir.testing.lit_format import run_in_process
from cmir.testing.update_checks import main

OUTPUT = """\
stage @a domain #polyhedral.set<"{ a[i] : 0 <= i <= 7 }"> {
  %x = read @x #polyhedral.map<"{ [a[i] -> lane[k]] -> x[i + k] }"> : f32
  %y = read @x #polyhedral.map<"{ [a[i] -> lane[k]] -> x[[i]] }"> : f32
  write %x, @y #polyhedral.map<"{ a[i] -> y[i] }"> pad #polyhedral.map<"{ a[i] -> z[i] }">
stage @b domain #polyhedral.set<"{ b[] }">
"""


def update(directives: str, path: Path, *options: str, output: str = OUTPUT) -> tuple[int, str]:
    """The exit code, and the text of the test afterwards."""
    file = path / "test.mlir"
    file.write_text(directives)
    arguments = ["filecheck", str(file), *options]
    code, _, _ = run_in_process(main, arguments, output.encode())
    return code, file.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            '// CHECK: stage @a domain #polyhedral.set<"{ a[j] : 0 <= j < 8 }">',
            '// CHECK: stage @a domain #polyhedral.set<"{ a[i] : 0 <= i <= 7 }">',
            id="one relation",
        ),
        pytest.param(
            'f32 // CHECK:  write  %x, @y #polyhedral.map<"old"> pad #polyhedral.map<"{ a[i] -> z[i] }">  ',
            'f32 // CHECK:  write  %x, @y #polyhedral.map<"{ a[i] -> y[i] }"> pad '
            '#polyhedral.map<"{ a[i] -> z[i] }">  ',
            id="one of two relations, and spaces as they were",
        ),
        pytest.param(
            "// CHECK: stage @a\n"
            '// CHECK-SAME: domain #polyhedral.set<"old">\n'
            '// CHECK-NEXT: [[X:%[a-z]+]] = read @x #polyhedral.map<"old">\n'
            '// CHECK: write [[X]], {{@.}} #polyhedral.map<"old">\n',
            "// CHECK: stage @a\n"
            '// CHECK-SAME: domain #polyhedral.set<"{ a[i] : 0 <= i <= 7 }">\n'
            '// CHECK-NEXT: [[X:%[a-z]+]] = read @x #polyhedral.map<"{ [a[i] -> lane[k]] -> x[i + k] }">\n'
            '// CHECK: write [[X]], {{@.}} #polyhedral.map<"{ a[i] -> y[i] }">\n',
            id="directives, variables and regular expressions",
        ),
        pytest.param(
            '// CHECK-DAG: stage @b domain #polyhedral.set<"old">\n'
            '// CHECK-DAG: stage @a domain #polyhedral.set<"old">\n',
            '// CHECK-DAG: stage @b domain #polyhedral.set<"{ b[] }">\n'
            '// CHECK-DAG: stage @a domain #polyhedral.set<"{ a[i] : 0 <= i <= 7 }">\n',
            id="in any order",
        ),
        pytest.param(
            '// CHECK{LITERAL}: %y = read @x #polyhedral.map<"{ [[old]] }"> : f32',
            '// CHECK{LITERAL}: %y = read @x #polyhedral.map<"{ [a[i] -> lane[k]] -> x[[i]] }"> : f32',
            id="literally",
        ),
        pytest.param(
            '// CHECK: write %x, @y #polyhedral.map<"{{.*}}"> pad #polyhedral.map<"old">',
            '// CHECK: write %x, @y #polyhedral.map<"{{.*}}"> pad #polyhedral.map<"{ a[i] -> z[i] }">',
            id="a regular expression stays",
        ),
    ],
)
def test_updated(before: str, after: str, tmp_path: Path) -> None:
    assert update(before, tmp_path) == (0, after)
    assert update(after, tmp_path) == (0, after)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('// CHECK: stage @c domain #polyhedral.set<"old">', id="another name"),
        pytest.param("// CHECK: stage @c", id="no relation"),
        pytest.param(
            '// CHECK: stage @a\n// CHECK-NEXT: stage @b domain #polyhedral.set<"old">',
            id="another line",
        ),
        pytest.param(
            '// CHECK: stage @a\n// CHECK-SAME: write %x, @y #polyhedral.map<"old">',
            id="not the same line",
        ),
        pytest.param(
            '// CHECK: stage @a domain #polyhedral.set<"old">\n// CHECK: stage @c',
            id="it fails later",
        ),
        pytest.param(
            '// CHECK: %y = read @x #polyhedral.map<"old">',
            id="a text that FileCheck would not take literally",
        ),
        pytest.param(
            '// CHECK-NOT: #polyhedral.set<"{ b[] }">\n// CHECK-NOT: stage', id="excluded"
        ),
    ],
)
def test_left_as_it_is(text: str, tmp_path: Path) -> None:
    assert update(text, tmp_path) == (1, text)


def test_only_lines_of_the_prefix(tmp_path: Path) -> None:
    line = 'stage @b domain #polyhedral.set<"old">\n'
    new = 'stage @b domain #polyhedral.set<"{ b[] }">\n'
    text = f"// CHECK: {line}// OTHER: {line}"
    expected = f"// CHECK: {line}// OTHER: {new}"
    assert update(text, tmp_path, "--check-prefix=OTHER") == (0, expected)


def test_lit(tmp_path: Path) -> None:
    """With the parameter, the suite passes and its file is updated; without, neither."""
    (tmp_path / "lit.cfg.py").write_text(
        "from cmir.testing.lit_config import configure\n"
        'configure(config, lit_config, "inner", __file__)\n'
    )
    right = (Path(__file__).parents[1] / "filecheck" / "textbook.mlir").read_text(encoding="utf-8")
    wrong = right.replace("<= 7 }", "< 8 }")
    assert wrong != right
    test = tmp_path / "textbook.mlir"
    command = [sys.executable, "-c", "from lit.main import main; main()", "-j1", str(tmp_path)]
    for parameters, passes in (([], False), (["--param", "update=1"], True), ([], True)):
        if not passes:
            test.write_text(wrong, encoding="utf-8")
        done = subprocess.run([*command, *parameters], capture_output=True, cwd=tmp_path)
        assert (done.returncode == 0) is passes
        assert test.read_text(encoding="utf-8") == (right if passes else wrong)
