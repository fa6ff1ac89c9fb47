"""The reference page of the library: names of `import cmir`, from their signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import cmir
from cmir.support.diagnostics import CompileError

FUNCTIONS = ("compile", "sweep", "load", "presets")
CLASSES = ("Network", "Run", "SweepTable", "Hardware", "CompileError")

_VARIABLES = {
    "Network": "net",
    "Run": "run",
    "SweepTable": "table",
    "Hardware": "chip",
    "CompileError": "error",
}
"""Variables that signatures of methods are shown with."""

_ARGUMENT = re.compile(r"^(?P<names>\w+(?:, \w+)*): ", re.MULTILINE)


def python_page() -> str:
    """Return the page. Raises CompileError if a public function, class or method has no docstring."""
    parts = [
        "# Python interface",
        "Generated from the code by `python -m cmir.documentation.reference`.",
        "The names of `import cmir`; [cmir in Python](../library.md) shows them in use.",
    ]
    for name in FUNCTIONS:
        parts += [f"## `cmir.{name}`", *_function(f"cmir.{name}", getattr(cmir, name))]
    for name in CLASSES:
        parts += [f"## `cmir.{name}`", *_class(name, getattr(cmir, name))]
    return "\n\n".join(parts) + "\n"


def _function(name: str, function: Any) -> Iterator[str]:
    yield f"```python\n{_signature(name, function)}\n```"
    yield _text(name, function)


def _class(name: str, documented: type[Any]) -> Iterator[str]:
    yield _text(name, documented)
    for member, value in vars(documented).items():
        if member.startswith("_") or member in getattr(documented, "FOR_TOOLS", ()):
            continue
        if isinstance(value, property | cached_property):
            getter = value.fget if isinstance(value, property) else value.func
            yield f"### `{name}.{member}`"
            yield _text(f"{name}.{member}", value) if value.__doc__ else f"`{_result(getter)}`"
        elif inspect.isfunction(value) or isinstance(value, staticmethod | classmethod):
            function: Any = getattr(documented, member)
            owner = _VARIABLES.get(name, name) if inspect.isfunction(value) else f"cmir.{name}"
            yield f"### `{name}.{member}`"
            yield from _function(f"{owner}.{member}", function)


def _signature(name: str, function: Any) -> str:
    """Return a call with the parameters as they are written in the code, one to a line if there are many."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    texts = list(map(_parameter, parameters))
    if any(p.kind is p.KEYWORD_ONLY for p in parameters) and not any(
        p.kind is p.VAR_POSITIONAL for p in parameters
    ):
        first = next(k for k, p in enumerate(parameters) if p.kind is p.KEYWORD_ONLY)
        texts.insert(first, "*")
    line = f"{name}({', '.join(texts)}){_returns(signature)}"
    if len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {text},\n" for text in texts) + f"){_returns(signature)}"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = f"{stars}{parameter.name}"
    if parameter.annotation is not parameter.empty:
        text += f": {parameter.annotation}"
    return text if parameter.default is parameter.empty else f"{text} = {parameter.default!r}"


def _returns(signature: inspect.Signature) -> str:
    result = signature.return_annotation
    return "" if result is signature.empty else f" -> {str(result).strip(chr(39))}"


def _result(getter: Any) -> str:
    return str(inspect.signature(getter).return_annotation).strip("'")


def _text(name: str, documented: Any) -> str:
    """Return a docstring as Markdown: descriptions of arguments are a list."""
    text = inspect.cleandoc(documented.__doc__ or "")
    if not text or text.startswith(f"{name.rpartition('.')[2]}("):
        raise CompileError(None, f"cmir.{name} has no docstring")
    paragraphs = [
        _list(paragraph) if _ARGUMENT.match(paragraph) else paragraph
        for paragraph in text.split("\n\n")
    ]
    return "\n\n".join(paragraphs)


def _list(paragraph: str) -> str:
    return _ARGUMENT.sub(lambda match: f"- `{match['names']}`: ", paragraph)
