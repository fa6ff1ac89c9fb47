"""Errors of the ONNX importer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cmir.support.diagnostics import CompileError, Where, format_diagnostic


class OnnxError(CompileError):
    """Error with all obstacles to the import of a file, a line each."""

    def __init__(self, where: Where, messages: Sequence[str]) -> None:
        super().__init__(where, messages[0])
        self.messages = tuple(messages)

    def reword(self, change: Callable[[str], str]) -> None:
        super().reword(change)
        self.messages = tuple(map(change, self.messages))

    def __str__(self) -> str:
        return "\n".join(format_diagnostic(self.location, "error", m) for m in self.messages)


class ImporterError(Exception):
    """Error of an importer: the reason why its node has no equivalent. The caller adds the node."""


class RefusedInputError(ImporterError):
    """Error of a node that depends on a refused node, and of which nothing else needs to be said."""


class ImporterLimitError(ImporterError):
    """Error for a valid node that the importer does not cover; ONNX's definition of the operator may."""


def one_line(text: str) -> str:
    """Return a message of another library without line breaks."""
    return " ".join(text.split())
