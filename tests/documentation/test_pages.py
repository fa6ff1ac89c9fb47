"""All pages: their examples are executed, and what they mention exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cmir.documentation.reference import TOOLS, help_of, pages
from cmir.documentation.transcripts import blocks, check_page, workplace
from cmir.extensions import installed_universe
from cmir.passes.pipelines import PIPELINES

ROOT = Path(__file__).parents[2]
FROM_ROOT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES = [*FROM_ROOT, *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page: Path, tmp_path: Path) -> None:
    assert check_page(page, workplace(ROOT, tmp_path / "cmir")) is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_of_commands_exist(page: Path) -> None:
    """Of those that are mentioned in a sentence: `cm-opt --list-passes`."""
    known = {tool: set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", help_of(tool))) for tool in TOOLS}
    known["cm-opt"] |= {f"--{name}" for name in (*installed_universe().all_passes, *PIPELINES)}
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for tool, arguments in re.findall(rf"`({'|'.join(TOOLS)})((?:\s[^`]*)?)`", text):
        used = set(re.findall(r"(?:^|\s)(--?[a-z][\w-]*)", arguments))
        assert used <= known[tool], f"{tool}: {used - known[tool]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"^(?: {4,}|\$ )make ([\w-]+)", text, re.M)
    targets += re.findall(r"`make ([\w-]+)", text)
    assert set(targets) <= set(phony.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_exist(page: Path) -> None:
    """Paths in code, from the root of the repository, and links.

    A link leads to a file: the site has no page for a folder.
    """
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    folders = "cmir|docs|examples|tests|benchmarks"
    for path in re.findall(rf"`((?:{folders})/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text):
        assert (page.parent / link).is_file() or link.startswith("reference/"), link


def test_every_page_is_in_the_navigation() -> None:
    nav = re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    made = {"index.md", "contributing.md", "changelog.md", "security.md"}
    made |= {f"reference/{n}" for n in pages()}
    docs = ROOT / "docs"
    written = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    assert sorted(nav) == sorted(made | written)


def test_the_guide_quotes_the_example() -> None:
    places = [ROOT / "examples" / "extension", ROOT / "cmir" / "templates" / "extension"]
    sources = [path for place in places for path in place.rglob("*.py")]
    sources += [place / "pyproject.toml" for place in places]
    texts = [source.read_text(encoding="utf-8") for source in sources]
    for name in ("extending.md", "testing.md"):
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        quoted = [b.text for b in blocks(page) if b.language in ("python", "toml")]
        assert quoted
        for block in quoted:
            assert any(block in text for text in texts), block
