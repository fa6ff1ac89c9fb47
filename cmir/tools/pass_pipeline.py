"""The textual form of pass pipelines, as in mlir-opt, with errors located in the text."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import ArgSpec, ParameterListType, ParameterType
from xdsl.utils.exceptions import ParseError
from xdsl.utils.hints import isa, type_repr
from xdsl.utils.lexer import Input, Span

from cmir.passes.pipelines import installed_pipelines

PassFactory = Callable[[], type[ModulePass]]

_ANCHOR = "builtin.module"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*")
_VALUE = re.compile(
    r"""(?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<word>[^\s,{}'"=]+)""", re.DOTALL
)
_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_QUOTED = str.maketrans(
    {"\\": "\\\\", '"': '\\"', **{text: f"\\{name}" for name, text in _ESCAPES.items()}}
)


def parse_passes(text: str, source: str, known: Mapping[str, PassFactory]) -> list[ModulePass]:
    """Parse a list of passes such as `pass-a,pass-b{tile=2,3 flag},named-pipeline`.

    The list may be wrapped in `builtin.module(…)`. source: name of the text in errors. Raises ParseError for malformed
    text, an unknown pass or option, or a value of the wrong type.

    """
    return list(_PipelineParser(text, source, known).parse(anchored=None))


def parse_pass_pipeline(
    text: str, source: str, known: Mapping[str, PassFactory]
) -> list[ModulePass]:
    """Parse a list of passes that must be wrapped in `builtin.module(…)`, as in mlir-opt."""
    return list(_PipelineParser(text, source, known).parse(anchored=True))


def pipeline_text(passes: Iterable[ModulePass]) -> str:
    """Return text that `parse_pass_pipeline` parses to the same passes."""
    return f"{_ANCHOR}({','.join(map(_pass_text, passes))})"


def _pass_text(item: ModulePass) -> str:
    spec = item.spec()
    options: list[str] = []
    for key, values in spec.parameters.items():
        text = ",".join(map(_value_text, values))
        options.append(key.replace("_", "-") + (f"={text}" if values else ""))
    return f"{spec.name}{{{' '.join(options)}}}" if options else spec.name


def _value_text(value: ParameterType) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or (_BARE.fullmatch(value) and _scalar(value) == value):
        return str(value)
    return f'"{value.translate(_QUOTED)}"'


class _PipelineParser:
    def __init__(self, text: str, source: str, known: Mapping[str, PassFactory]) -> None:
        self.text = text
        self.input = Input(text, source)
        self.known = known
        self.position = 0

    def parse(self, anchored: bool | None) -> Iterator[ModulePass]:
        self._skip_space()
        start = self.position
        anchor = self._match(_NAME) or ""
        if self._accept("("):
            if anchor != _ANCHOR:
                self._bad_anchor(anchor, start)
            passes = list(self._elements(closing=")"))
            self._expect(")")
        elif anchored:
            self._error(
                f"expected the pipeline to be wrapped in '{_ANCHOR}(…)'", start, len(self.text)
            )
        else:
            self.position = start
            passes = list(self._elements(closing=""))
        self._skip_space()
        if self.position < len(self.text):
            self._error("expected ',' or the end of the pipeline", self.position)
        yield from passes

    def _elements(self, closing: str) -> Iterator[ModulePass]:
        self._skip_space()
        if self.text[self.position : self.position + 1] == closing:
            return  # an empty list
        while True:
            yield from self._element()
            if not self._accept(","):
                return

    def _element(self) -> Iterable[ModulePass]:
        self._skip_space()
        start = self.position
        name = self._match(_NAME)
        if name is None:
            self._error("expected the name of a pass", start)
        end = self.position
        if self._peek("("):
            self._bad_anchor(name, start)
        if name == "mlir-opt" and self._accept("["):
            return [self._mlir_opt(start)]
        options = self._options() if self._accept("{") else {}
        if name in self.known:
            return [self._construct(name, options, Span(start, end, self.input))]
        if (pipeline := installed_pipelines().get(name)) is not None:
            if options:
                self._error(f"pipeline '{name}' has no options", start, end)
            return parse_passes(pipeline.passes, f"pipeline '{name}'", self.known)
        known = [*self.known, *installed_pipelines()]
        self._error(f"unknown pass '{name}'{_hint(name, known)}", start, end)

    def _mlir_opt(self, start: int) -> ModulePass:
        """Parse xDSL's form for passes of an external mlir-opt: `mlir-opt[pipeline]`."""
        begin = self.position
        if (end := self.text.find("]", begin)) < 0:
            self._error("expected ']'", len(self.text))
        self.position = end + 1
        arguments = (
            "--mlir-print-op-generic",
            "--allow-unregistered-dialect",
            "-p",
            f"{_ANCHOR}({self.text[begin:end]})",
        )
        return self.known["mlir-opt"]().from_spec(ArgSpec("mlir-opt", {"arguments": arguments}))

    def _options(self) -> dict[str, tuple[Span, list[str]]]:
        """Parse `key=value key=value,value key`, up to the closing brace."""
        options: dict[str, tuple[Span, list[str]]] = {}
        while not self._accept("}"):
            start = self.position
            key = self._match(_KEY)
            if key is None:
                self._error("expected the name of an option, or '}'", start)
            span = Span(start, self.position, self.input)
            values: list[str] = []
            if self._accept("="):
                values.append(self._value())
                while self._accept(","):
                    values.append(self._value())
            field = key.replace("-", "_")
            if field in options:
                self._error(f"option '{key}' is given twice", span.start, span.end)
            options[field] = span, values
        return options

    def _value(self) -> str:
        self._skip_space()
        match = _VALUE.match(self.text, self.position)
        if match is None:
            self._error("expected a value", self.position)
        self.position = match.end()
        if match["quoted"]:
            return self._unescaped(match["quoted"][1:-1], match.start() + 1)
        return match["word"]

    def _unescaped(self, text: str, start: int) -> str:
        """Replace the escapes of a quoted text. start: its position in the pipeline."""

        def character(match: re.Match[str]) -> str:
            at, escaped = start + match.start(), match[1]
            if escaped.isalnum() and escaped not in _ESCAPES:
                message = f"unknown escape '\\{escaped}'; in quotes, a backslash is written '\\\\'"
                self._error(message, at, at + 2)
            return _ESCAPES.get(escaped, escaped)

        return re.sub(r"\\(.)", character, text, flags=re.DOTALL)

    def _construct(
        self, name: str, options: dict[str, tuple[Span, list[str]]], at: Span
    ) -> ModulePass:
        try:
            pass_type = self.known[name]()
        except ModuleNotFoundError as error:
            module = error.name or str(error)
            if module.startswith("cmir"):
                raise
            package = module.partition(".")[0]
            self._error(
                f"pass '{name}' needs the package '{package}', which is not installed",
                at.start,
                at.end,
            )
        known = {field.name: field for field in fields(pass_type) if field.init}
        types = get_type_hints(pass_type)
        values: dict[str, Any] = {}
        for field, (span, texts) in options.items():
            key = field.replace("_", "-")
            if field not in known:
                has = ", ".join(f"'{other.replace('_', '-')}'" for other in known)
                has = f"its options are {has}" if has else "it has none"
                self._error(f"pass '{name}' has no option '{key}'; {has}", span.start, span.end)
            try:
                values[field] = _convert(texts, types[field])
            except ValueError:
                given = ",".join(texts) or "nothing"
                wanted = type_repr(types[field])
                self._error(
                    f"option '{key}' is of type {wanted}, got {given}", span.start, span.end
                )
        for field in known.values():
            if field.name not in values and is_required(field):
                key = field.name.replace("_", "-")
                self._error(f"pass '{name}' needs the option '{key}'", at.start, at.end)
            if field.name not in values and field.default is field.default_factory is MISSING:
                values[field.name] = None
        return pass_type(**values)

    def _bad_anchor(self, name: str, start: int) -> None:
        end = start + len(name)
        if name in self.known or name in installed_pipelines():
            self._error(f"'{name}' is a pass; its options are written in braces", end, end + 1)
        self._error(
            f"passes run on whole modules and cannot be anchored on '{name}';"
            f" write them directly in '{_ANCHOR}(…)'",
            start,
            end,
        )

    def _skip_space(self) -> None:
        match = _SPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        self._skip_space()
        match = pattern.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        return match[0]

    def _peek(self, character: str) -> bool:
        self._skip_space()
        return self.text.startswith(character, self.position)

    def _accept(self, character: str) -> bool:
        if self._peek(character):
            self.position += 1
            self._skip_space()
            return True
        return False

    def _expect(self, character: str) -> None:
        if not self._accept(character):
            self._error(f"expected ',' or '{character}'", self.position)

    def _error(self, message: str, start: int, end: int | None = None):
        raise ParseError(Span(start, start + 1 if end is None else end, self.input), message)


def is_required(field: Field[Any]) -> bool:
    """Return True if a pass cannot be constructed without this option."""
    optional = get_origin(field.type) in (Union, UnionType) and NoneType in get_args(field.type)
    optional = optional or (isinstance(field.type, str) and "None" in field.type)
    return field.default is field.default_factory is MISSING and not optional


def _hint(name: str, known: Iterable[str]) -> str:
    similar = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{similar[0]}'?" if similar else ""


def _convert(texts: list[str], wanted: Any) -> Any:
    """Return the value of an option: the first interpretation of its text that has the wanted type."""
    readings: tuple[ParameterListType, ...] = (
        tuple(map(_scalar, texts)),
        tuple(float(text) if _is_integer(text) else _scalar(text) for text in texts),
        tuple(texts),
    )
    boolean = wanted is bool or bool in get_args(wanted)
    if not texts and boolean:
        return True
    if not texts and isa(None, wanted):
        return None
    for reading in readings:
        if not boolean and any(isinstance(value, bool) for value in reading):
            continue  # in Python, a bool is an int
        if len(reading) == 1 and isa(reading[0], wanted):
            return reading[0]
        if reading and isa(reading, wanted):
            return reading
    raise ValueError


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"[-+]?[0-9]+", text) is not None


def _scalar(text: str) -> str | int | float | bool:
    if text in ("true", "false"):
        return text == "true"
    if _is_integer(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text
