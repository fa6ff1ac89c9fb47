"""Mutations of ONNX models, of the text of IR, and of hardware descriptions. All randomness is the argument `draw`."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import onnx
from google.protobuf.message import Message

NAMES = (
    "",
    "file",
    "\x1b[31mred\x1b[0m",
    "\u202egpj.exe",
    "a\nb\rc\td\0e",
    "../../../tmp/x",
    "%s{0}$(id)`id`",
    "'\";--",
    "n" * 300,
    "n" * 70_000,
    "名前 🧠",
    "_1",
    "-x",
    "constructor",
    "__class__",
)
"""Names that some part of a tool may take for more than a name."""

INTEGERS = (0, 1, -1, 2, 3, 7, -(2**31), 2**31, 2**32 + 1, -(2**63), 2**63 - 1)
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 3.4e38, float("inf"), float("-inf"), float("nan"))


def mutate_bytes(data: bytes, draw: Random) -> bytes:
    """Return the bytes with a few flipped, removed, inserted or repeated."""
    result = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(result) + 1)
        match draw.choice(("flip", "set", "remove", "insert", "repeat", "cut")):
            case "flip" if at < len(result):
                result[at] ^= 1 << draw.randrange(8)
            case "set" if at < len(result):
                result[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF))
            case "remove":
                del result[at : at + draw.randint(1, 8)]
            case "insert":
                result[at:at] = draw.randbytes(draw.randint(1, 8))
            case "repeat":
                result[at:at] = result[at : at + draw.randint(1, 64)]
            case "cut" if draw.random() < 0.1:
                del result[at:]
            case _:
                pass
    return bytes(result)


def mutate_model(model: onnx.ModelProto, draw: Random) -> onnx.ModelProto:
    """Return the model with a few fields of protobuf messages changed, removed or given twice."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for _ in range(draw.choice((1, 1, 2, 3))):
        places = list(_fields(result))
        # Few fields of a model are outside the graph, and most numbers inside are those of tensors.
        weights = [
            0.2 if field.name.endswith(("_data", "_version")) else 1.0 for _, field in places
        ]
        message, field = draw.choices(places, weights)[0]
        _mutate_field(message, field, draw)
    return result


def _fields(message: Message) -> Any:
    """Yield (message, field) for all fields that are set, at any depth."""
    for field, value in message.ListFields():
        yield message, field
        if field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                yield from _fields(inner)


def _mutate_field(message: Message, field: Any, draw: Random) -> None:
    if not field.is_repeated:
        if draw.random() < 0.2:
            message.ClearField(field.name)
        elif field.type != field.TYPE_MESSAGE:
            setattr(message, field.name, _value(field, getattr(message, field.name), draw))
        return
    values = getattr(message, field.name)
    at = draw.randrange(len(values))
    match draw.choice(("change", "remove", "repeat", "swap")):
        case "change" if field.type != field.TYPE_MESSAGE:
            values[at] = _value(field, values[at], draw)
        case "repeat":
            values.append(values[at])
        case "swap" if len(values) > 1:
            items = [*values]
            draw.shuffle(items)
            del values[:]
            values.extend(items)
        case _:
            del values[at]


def _value(field: Any, old: Any, draw: Random) -> Any:
    """Return another value of a field's type; sometimes a near one."""
    if field.type == field.TYPE_STRING:
        return draw.choice((*NAMES, old + "x", old[:-1]))
    if field.type == field.TYPE_BYTES:
        return draw.choice((b"", b"\xff\xfe", old[:-1], old + b"\0", mutate_bytes(old, draw)))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return draw.choice((*FLOATS, old * 2))
    if field.type == field.TYPE_ENUM:
        return draw.choice([value.number for value in field.enum_type.values])
    if field.type in (field.TYPE_INT32, field.TYPE_UINT32):
        return draw.choice((0, 1, 2**31 - 1, (old + 1) % 2**31))
    if field.type == field.TYPE_UINT64:
        return draw.choice((0, 1, 2**64 - 1, (old + 1) % 2**64))
    near = max(-(2**63), min(2**63 - 1, old + draw.choice((-1, 1))))
    return draw.choice((*INTEGERS, near, near, near))


def rename(model: onnx.ModelProto, draw: Random) -> onnx.ModelProto:
    """Return the model with one of its names, at all places, replaced by a hostile one."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    names = {name for node in graph.node for name in (*node.input, *node.output, node.name) if name}
    old, new = draw.choice(sorted(names)), draw.choice(NAMES)
    for node in graph.node:
        for sequence in (node.input, node.output):
            sequence[:] = [new if name == old else name for name in sequence]
        node.name = new if node.name == old else node.name
    for item in (*graph.initializer, *graph.input, *graph.output):
        item.name = new if item.name == old else item.name
    return result


TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|[%@#^!]?[A-Za-z_][\w.$]*|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\s+|.', re.S
)
WORDS = (
    "0", "1", "-1", "2", "3", "9223372036854775807", "9223372036854775808", "1e400", "0x7FC00000", "nan",
    "f32", "f16", "f64", "i1", "i8", "i32", "i64", "index", "()", "[]", "{}", "<>", "?", "tensor<f32>",
    "tensor<0xf32>", "tensor<?xf32>", "vector<1xf32>", "none", "unit", "true", "dense<>", "@main", "%x", "^bb0:",
    "private", "attributes", "func.func", "func.return", "scf.for", "iter_args", "builtin.module",
    '"{ [i] : 0 <= i <= 3 }"', '"{ [i] -> [j] }"', '"{ : }"', '""', '"\\1B[31m"', "polyhedral.stage", "\0", "\ufffe",
)  # fmt: skip


CHANGES = {
    "number": 4,
    "inside": 4,
    "change": 2,
    "remove": 1,
    "repeat": 1,
    "swap": 1,
    "line": 2,
    "lines": 1,
}
"""Changes of a text, each with its frequency: those that often leave it well formed are more frequent."""


def mutate_text(  # noqa: C901  (one match over the changes)
    text: str, others: tuple[str, ...], draw: Random
) -> str:
    """Return the text with a few tokens changed, removed, repeated or swapped, or lines of `others` put in."""
    tokens = TOKEN.findall(text)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        places = [at for at, token in enumerate(tokens) if not token.isspace()]
        if not places:
            break
        at = draw.choice(places)
        (change,) = draw.choices([*CHANGES], [*CHANGES.values()])
        match change:
            case "change":
                tokens[at] = draw.choice((*WORDS, tokens[draw.choice(places)]))
            case "number":
                numbers = [k for k in places if re.fullmatch(r"-?\d+", tokens[k])]
                if numbers:
                    at = draw.choice(numbers)
                    tokens[at] = str(int(tokens[at]) + draw.choice((-2, -1, 1, 2)))
            case "inside":
                strings = [k for k in places if len(tokens[k]) > 8 and tokens[k].startswith('"')]
                if strings:
                    at = draw.choice(strings)
                    tokens[at] = f'"{mutate_text(tokens[at][1:-1], others, draw)}"'
            case "remove":
                del tokens[at]
            case "repeat":
                tokens[at:at] = [tokens[at], " "]
            case "swap":
                other = draw.choice(places)
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case "line":
                tokens = TOKEN.findall(_without_a_line("".join(tokens), draw))
            case "lines":
                tokens = TOKEN.findall(_with_a_line("".join(tokens), draw.choice(others), draw))
            case _:
                pass
    return "".join(tokens)


def _without_a_line(text: str, draw: Random) -> str:
    lines = text.splitlines(keepends=True)
    del lines[draw.randrange(len(lines))]
    return "".join(lines)


def _with_a_line(text: str, other: str, draw: Random) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(
        draw.randrange(len(lines) + 1), draw.choice(other.splitlines(keepends=True) or ["\n"])
    )
    return "".join(lines)


def mutate_description(text: str, draw: Random) -> str:
    """Return a hardware description with some of its numbers, and maybe some of its words, replaced."""
    numbers = (
        "0",
        "1",
        "-1",
        "1000000000000",
        "9223372036854775807",
        "1e308",
        "nan",
        "[]",
        "true",
        '"x"',
        "3",
    )

    def replace(match: re.Match[str]) -> str:
        return draw.choice(numbers) if draw.random() < 0.05 else match[0]

    result = re.sub(r"\b\d[\d_.e+]*\b", replace, text)
    return mutate_text(result, (text,), draw) if draw.random() < 0.3 else result
