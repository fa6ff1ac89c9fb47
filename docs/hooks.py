"""What mkdocs does besides rendering: reference pages are made from the code, and examples are executed."""

from __future__ import annotations

import logging
import re
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from cmir.documentation import reference, transcripts

_log = logging.getLogger("mkdocs.plugins.examples")

ROOT = Path(__file__).resolve().parents[1]
FROM_ROOT = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add pages that are generated, and those that stand in the root of the repository."""
    for name, text in reference.pages().items():
        files.append(File.generated(config, f"reference/{name}", content=text))
    for name, source in FROM_ROOT.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = re.sub(r"\]\(docs/", "](", text)
        for page, other in FROM_ROOT.items():
            text = text.replace(f"]({other})", f"]({page})")
        files.append(File.generated(config, name, content=text))
    return files


def on_pre_build(config: MkDocsConfig, **_: Any) -> None:
    """Execute the examples of all pages. Raises PluginError if one is not as its page says."""
    for page in (ROOT / "README.md", *sorted(Path(config.docs_dir).rglob("*.md"))):
        _log.info("Executing the examples of %s", page.name)
        with tempfile.TemporaryDirectory() as folder:
            workplace = transcripts.workplace(ROOT, Path(folder) / "cmir")
            if (problem := transcripts.check_page(page, workplace)) is not None:
                raise PluginError(problem)
