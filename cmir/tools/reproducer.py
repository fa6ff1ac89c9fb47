"""Reproducers: files that hold IR, a pipeline, and the parameters that the IR names.

The format is MLIR's, with an entry of cmir's own behind it:

{-#
  external_resources: {
    mlir_reproducer: {
      pipeline: "builtin.module(cse)",
      verify_each: true
    },
    cmir_reproducer: {
      allow_unregistered_dialect: false,
      parameters: "0x…"
    }
  }
#-}

The parameters are a safetensors file in hexadecimal digits.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmir.pipelines.text import pipeline_text
from cmir.support.diagnostics import CompileError, printable
from cmir.support.parameter_files import strings_of
from cmir.support.parameters import Parameters
from cmir.support.printing import ir_text

_ENTRY = re.compile(r'(?P<key>\w+): (?:"(?P<text>(?:\\.|[^"\\])*)"|(?P<word>true|false))')
_START = re.compile(r"^\{-#\n  external_resources: \{\n    mlir_reproducer: \{", re.MULTILINE)


@dataclass(frozen=True)
class Reproducer:
    """A run of passes: the IR as text, the pipeline, and the parameters, if the run had any."""

    text: str
    pipeline: str
    verifies: bool = True
    allows_unregistered: bool = False
    parameters: Parameters | None = None

    @staticmethod
    def of(
        module: ModuleOp,
        passes: Iterable[ModulePass],
        parameters: Parameters | None,
        verifies: bool = True,
        allows_unregistered: bool = False,
    ) -> Reproducer:
        """Return the reproducer of passes on a module, with the parameters that the module names."""
        text, pipeline = ir_text(module), pipeline_text(passes)
        whole = Reproducer(text, pipeline, verifies, allows_unregistered, parameters)
        return whole.naming_only(module)

    @staticmethod
    def read(text: str, name: str) -> Reproducer:
        """Return the reproducer that a file holds. Raises CompileError if it holds none. name: the name of the file."""
        start = _START.search(text)
        entries = {} if start is None else _entries(text[start.end() :])
        if start is None or "pipeline" not in entries:
            raise CompileError(
                name, "it is no reproducer: there is no pipeline in `mlir_reproducer`"
            )
        parameters = None
        if (digits := entries.get("parameters")) is not None:
            parameters = _parameters(digits, name)
        return Reproducer(
            text[: start.start()],
            entries["pipeline"],
            entries.get("verify_each") != "false",
            entries.get("allow_unregistered_dialect") == "true",
            parameters,
        )

    def with_text(self, text: str) -> Reproducer:
        """Return the reproducer of the same passes on other IR."""
        return dataclasses.replace(self, text=text)

    def with_parameters(self, parameters: Parameters) -> Reproducer:
        """Return the reproducer with other values of parameters."""
        return dataclasses.replace(self, parameters=parameters)

    def naming_only(self, module: ModuleOp) -> Reproducer:
        """Return the reproducer with those parameters alone that a module names."""
        if self.parameters is None:
            return self
        names = strings_of(module)
        named = {name: value for name, value in self.parameters.items() if name in names}
        return self.with_parameters(Parameters(named))

    def file_text(self, comment: str = "") -> str:
        """Return the text of a file that `read` reads. comment: what to say at its beginning."""
        head = "".join(f"// {printable(line)}\n" for line in comment.splitlines())
        own = [f"allow_unregistered_dialect: {str(self.allows_unregistered).lower()}"]
        if self.parameters is not None:
            from safetensors.numpy import save

            own.append(f'parameters: "0x{save(dict(self.parameters)).hex()}"')
        pipeline = self.pipeline.replace("\\", "\\\\").replace('"', '\\"')
        return (
            f"{head}{self.text.rstrip()}\n\n"
            "{-#\n  external_resources: {\n    mlir_reproducer: {\n"
            f'      pipeline: "{pipeline}",\n      verify_each: {str(self.verifies).lower()}\n'
            "    },\n    cmir_reproducer: {\n      " + ",\n      ".join(own) + "\n    }\n  }\n#-}\n"
        )

    def save(self, path: str | None, comment: str) -> Path:
        """Write the reproducer to a file, by default a new one in the folder for temporary files; return its path."""
        if path is None:
            number, path = tempfile.mkstemp(prefix="cm-opt-", suffix=".mlir")
            os.close(number)
        Path(path).write_text(self.file_text(comment), encoding="utf-8")
        return Path(path)


def _entries(text: str) -> dict[str, str]:
    """Return the entries of both resources: texts without escapes, `true` or `false`."""
    found: dict[str, str] = {}
    for match in _ENTRY.finditer(text):
        value = match["word"] or re.sub(r"\\(22|.)", _unescaped, match["text"], flags=re.DOTALL)
        found[match["key"]] = value
    return found


def _unescaped(match: re.Match[str]) -> str:
    return '"' if match[1] == "22" else match[1]


def _parameters(digits: str, name: str) -> Parameters:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return Parameters(load(bytes.fromhex(digits.removeprefix("0x"))))
    except (ValueError, SafetensorError) as error:
        raise CompileError(
            name, f"the parameters of the reproducer are malformed: {error}"
        ) from None
