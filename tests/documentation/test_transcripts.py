"""Examples of pages are executed, and every way of being wrong is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmir.documentation.transcripts import (
    Block,
    TranscriptStep,
    check_page,
    matches,
    steps,
    workplace,
)

PAGE = """
```console
$ echo one
one
$ echo two
```

```text
two
```

Text.

```text
not an output
```

```pycon
>>> x = 1
```

```python
not executed
```
"""


def test_steps() -> None:
    assert steps(PAGE) == [
        TranscriptStep("echo one", 3, ["one"]),
        TranscriptStep("echo two", 5, ["two"]),
        Block("pycon", ">>> x = 1\n", 19, "text"),
    ]


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [
        ("a b c", "a b c", True),
        ("a b c", "a b", False),
        ("a b c", "… c", True),
        ("a b c", "a … c", True),
        ("a c", "a … c", True),
        ("a b c", "… b …", True),
        ("a b c", "… d …", False),
        ("a b c", "a b c …", True),
        ("", "", True),
        ("a", "", False),
        ("ab", "a", False),
        ("a.c", "a.c", True),
        ("abc", "a.c", False),
    ],
)
def test_matches(printed: str, expected: str, same: bool) -> None:
    assert matches(printed.split(), expected.split()) is same


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (PAGE, None),
        (
            "```console\n$ echo one\ntwo\n```\n",
            "page.md:2: error: 'echo one' prints something else",
        ),
        ("```console\n$ exit 3\n```\n", "page.md:2: error: 'exit 3' fails with code 3"),
        ("```pycon\n>>> 1 + 1\n3\n```\n", "Expected:\n    3\nGot:\n    2"),
        ("```pycon\n>>> x = 2\n```\n\n```pycon\n>>> x + 1\n3\n```\n", None),
        ("```pycon\n>>> _ = open('f', 'w').write('a')\n```\n\n```console\n$ cat f\na\n```\n", None),
        ("```console\n$ cm-opt --version | cut -d' ' -f1\ncm-opt\n```\n", None),
    ],
)
def test_check_page(page: str, problem: str | None, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page)
    found = check_page(path, tmp_path)
    assert found is None if problem is None else found is not None and problem in found


def test_workplace_is_not_the_repository(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    (repository / "examples").mkdir(parents=True)
    (repository / "examples" / "a").write_text("a")
    (repository / ".venv").mkdir()
    place = workplace(repository, tmp_path / "place")
    assert (place / "examples" / "a").read_text() == "a"
    (place / "new").write_text("b")
    assert sorted(entry.name for entry in repository.iterdir()) == [".venv", "examples"]
