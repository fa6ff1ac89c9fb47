"""The textual form of pass pipelines, as in mlir-opt, with errors located in the text."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from xdsl.passes import ModulePass
from xdsl.traits import IsolatedFromAbove
from xdsl.utils.arg_spec import ArgSpec, ParameterType
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Input, Span

from cmir.extensions import installed_universe
from cmir.passes.pipelines import installed_pipelines
from cmir.pipelines.pass_options import convert, is_required, option_name, scalar, type_in_words
from cmir.pipelines.steps import ANY, MODULE, AnchoredPass, Step
from cmir.support.extras import missing_package
from cmir.support.similar import did_you_mean
from cmir.support.unloaded import unloaded_hint

PassFactory = Callable[[], type[ModulePass]]
Options = dict[str, tuple[Span, list[str]]]
"""Options by the names of fields: where they are, and the texts of their values."""

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
    return [step.item for step in parse_steps(text, source, known)]


def parse_pass_pipeline(
    text: str, source: str, known: Mapping[str, PassFactory]
) -> list[ModulePass]:
    """Parse a list of passes that must be wrapped in `builtin.module(…)`, as in mlir-opt."""
    return [step.item for step in parse_steps(text, source, known, anchored=True)]


def parse_steps(
    text: str, source: str, known: Mapping[str, PassFactory], anchored: bool = False
) -> list[Step]:
    """Parse a list of passes, like `parse_passes`; return them with the pipelines that they come from.

    anchored: True if the list must be wrapped in `builtin.module(…)`.
    """
    return list(_PipelineParser(text, source, known).parse(anchored))


def pipeline_text(passes: Iterable[ModulePass]) -> str:
    """Return text that `parse_pass_pipeline` parses to the same passes."""
    return f"{MODULE}({','.join(map(pass_text, passes))})"


def pass_text(item: ModulePass) -> str:
    """Return a pass with its options, as in a pipeline."""
    if isinstance(item, AnchoredPass):
        return f"{item.anchor}({','.join(pass_text(step.item) for step in item.steps)})"
    spec = item.spec()
    options: list[str] = []
    for key, values in spec.parameters.items():
        text = ",".join(map(_value_text, values))
        options.append(option_name(key) + (f"={text}" if values else ""))
    return f"{spec.name}{{{' '.join(options)}}}" if options else spec.name


def _value_text(value: ParameterType) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or (_BARE.fullmatch(value) and scalar(value) == value):
        return str(value)
    return f'"{value.translate(_QUOTED)}"'


class _PipelineParser:
    def __init__(self, text: str, source: str, known: Mapping[str, PassFactory]) -> None:
        self.text = text
        self.input = Input(text, source)
        self.known = known
        self.position = 0

    def parse(self, anchored: bool) -> Iterator[Step]:
        self._skip_space()
        start = self.position
        anchor = self._match(_NAME) or ""
        if anchor in (MODULE, ANY) and self._accept("("):
            steps = list(self._elements(closing=")"))
            self._expect(")")
        elif anchored:
            self._error(
                f"expected the pipeline to be wrapped in '{MODULE}(…)'", start, len(self.text)
            )
        else:
            self.position = start
            steps = list(self._elements(closing=""))
        self._skip_space()
        if self.position < len(self.text):
            self._error("expected ',' or the end of the pipeline", self.position)
        yield from steps

    def _elements(self, closing: str, nested: bool = False) -> Iterator[Step]:
        self._skip_space()
        if self.text[self.position : self.position + 1] == closing:
            return  # an empty list
        while True:
            yield from self._element(nested)
            if not self._accept(","):
                return

    def _element(self, nested: bool) -> Iterable[Step]:
        """Parse a pass, a named pipeline or an anchor. nested: True behind an anchor that is not a module."""
        self._skip_space()
        start = self.position
        name = self._match(_NAME)
        if name is None:
            self._error("expected the name of a pass", start)
        end = self.position
        if self._peek("("):
            self._check_anchor(name, start, nested)
            self._accept("(")
            steps = tuple(self._elements(")", name != MODULE))
            self._expect(")")
            return [Step(AnchoredPass(name, steps))]
        if name == "mlir-opt" and self._accept("["):
            return [Step(self._mlir_opt(start))]
        options = self._options() if self._accept("{") else {}
        if name in self.known:
            return [Step(self._construct(name, options, Span(start, end, self.input)))]
        if (pipeline := installed_pipelines().get(name)) is not None:
            steps = parse_steps(pipeline.passes, f"pipeline '{name}'", self.known)
            return [
                dataclasses.replace(step, within=(name, *step.within))
                for step in self._with_options(name, steps, options)
            ]
        known = [*self.known, *installed_pipelines()]
        hint = did_you_mean(name, known) + unloaded_hint()
        self._error(f"unknown pass '{name}'{hint}", start, end)

    def _with_options(self, name: str, steps: Sequence[Step], options: Options) -> list[Step]:
        """Return the steps of a named pipeline; each option applies to all passes that have it."""
        taken = {field for step in steps for field in _option_fields(step.item)}
        for field, (span, _) in options.items():
            if field not in taken:
                known = ", ".join(f"'{option_name(other)}'" for other in sorted(taken))
                has = f"those of its passes are {known}" if taken else "its passes have none"
                message = f"pipeline '{name}' has no option '{option_name(field)}'; {has}"
                self._error(message, span.start, span.end)
        return [dataclasses.replace(s, item=self._changed(s.item, options)) for s in steps]

    def _changed(self, item: ModulePass, options: Options) -> ModulePass:
        """Return a pass with the options among these that it has."""
        if isinstance(item, AnchoredPass):
            steps = (
                dataclasses.replace(s, item=self._changed(s.item, options)) for s in item.steps
            )
            return dataclasses.replace(item, steps=tuple(steps))
        types, own = get_type_hints(type(item)), _option_fields(item)
        values = {
            field: self._converted(field, given, types[field])
            for field, given in options.items()
            if field in own
        }
        return dataclasses.replace(item, **values)

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
            f"{MODULE}({self.text[begin:end]})",
        )
        return self.known["mlir-opt"]().from_spec(ArgSpec("mlir-opt", {"arguments": arguments}))

    def _options(self) -> Options:
        """Parse `key=value key=value,value key`, up to the closing brace."""
        options: Options = {}
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

    def _construct(self, name: str, options: Options, at: Span) -> ModulePass:
        try:
            pass_type = self.known[name]()
        except ModuleNotFoundError as error:
            module = error.name or str(error)
            if module.startswith("cmir"):
                raise
            self._error(f"pass '{name}' needs {missing_package(module)}", at.start, at.end)
        known = {field.name: field for field in fields(pass_type) if field.init}
        types = get_type_hints(pass_type)
        values: dict[str, Any] = {}
        for field, given in options.items():
            if field not in known:
                has = ", ".join(f"'{option_name(other)}'" for other in known)
                has = f"its options are {has}" if has else "it has none"
                message = f"pass '{name}' has no option '{option_name(field)}'; {has}"
                self._error(message, given[0].start, given[0].end)
            values[field] = self._converted(field, given, types[field])
        for field in known.values():
            if field.name not in values and is_required(field):
                message = f"pass '{name}' needs the option '{option_name(field.name)}'"
                self._error(message, at.start, at.end)
            if field.name not in values and field.default is field.default_factory is MISSING:
                values[field.name] = None
        return pass_type(**values)

    def _converted(self, field: str, given: tuple[Span, list[str]], wanted: Any) -> Any:
        """Return the value of an option, which has this type."""
        span, texts = given
        try:
            return convert(texts, wanted)
        except ValueError:
            got = ",".join(texts) or "nothing"
            message = f"option '{option_name(field)}' takes {type_in_words(wanted)}, got {got}"
            self._error(message, span.start, span.end)

    def _check_anchor(self, name: str, start: int, nested: bool) -> None:
        """Raise ParseError unless passes can run on the operations of this name, one by one."""
        end = start + len(name)
        if name in self.known or name in installed_pipelines():
            self._error(f"'{name}' is a pass; its options are written in braces", end, end + 1)
        if nested:
            self._error("only modules hold operations that passes can be anchored on", start, end)
        if name == ANY:
            return
        dialect = name.partition(".")[0]
        load = installed_universe().all_dialects.get(dialect)
        operations = {} if load is None else {op.name: op for op in load().operations}
        if (operation := operations.get(name)) is None:
            hint = did_you_mean(name, operations or ["func.func", MODULE, ANY]) + unloaded_hint()
            self._error(f"there is no operation '{name}' to anchor passes on{hint}", start, end)
        if not operation.has_trait(IsolatedFromAbove):
            message = f"passes cannot be anchored on '{name}', which may use values from outside"
            self._error(message, start, end)

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


def _option_fields(item: ModulePass) -> set[str]:
    """Return the names of the fields that are options, of all passes if some are anchored."""
    if isinstance(item, AnchoredPass):
        return {name for step in item.steps for name in _option_fields(step.item)}
    return {field.name for field in fields(item) if field.init}
