"""State of an imported network: inputs that are carried from outputs of the inference before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class State:
    """The inputs of a model that hold its state.

    given: for inputs by name, the output that each is carried from, and perhaps a colon and its initial value: a
    number, a .npy file, or a constant of the model by name; 0 by default. recognised: True if, besides, inputs and
    outputs whose names say so are bound, see `pairs_by_name`.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    recognised: bool = True

    @staticmethod
    def parse(texts: Iterable[str]) -> State:
        """Return the state that texts `input=output[:initial]` or `none` describe. Raises ValueError."""
        given: dict[str, str] = {}
        recognised = True
        for text in texts:
            if text == "none":
                recognised = False
                continue
            name, equals, rest = text.partition("=")
            if not (name and equals and rest):
                raise ValueError(f"'{text}' is neither 'none' nor INPUT=OUTPUT[:INITIAL]")
            if name in given:
                raise ValueError(f"input '{name}' is bound twice")
            given[name] = rest
        return State(given, recognised)


def split_initial(text: str, outputs: Sequence[str]) -> tuple[str, str]:
    """Return the name of an output and its initial value from `output[:initial]`. Names may have colons themselves."""
    if text in outputs:
        return text, "0"
    name, colon, initial = text.rpartition(":")
    return (name, initial) if colon else (text, "0")


_PATTERNS = (
    # (input, outputs): {} is the same text on both sides.
    (r"(.*)past_key_values(.*)", ("{}present{}", "{}present_key_values{}")),
    (r"(.*)past(.*)", ("{}present{}",)),
    (r"([hc])_?0", ("{}n", "{}_n")),
    (r"([hcs])", ("{}n", "{}_n", "{}_out")),
    (r"(state)", ("stateN", "{}_n")),
    (r"(r\d+)i", ("{}o",)),
    (r"(.+)", ("{}_next", "next_{}", "new_{}")),
    (r"prev_(.+)", ("next_{}", "new_{}")),
    (r"(.*(?:state|hidden|cell|cache|mem)[^_]*|[hc]\d*)_in", ("{}_out",)),
    (r"in_(.*(?:state|hidden|cell|cache|mem).*)", ("out_{}",)),
)
"""Names that exporters give to the two sides of a state. `_in` and `_out` count only if the name says what it is: audio
that is denoised has them, too."""


def pairs_by_name(inputs: Sequence[str], outputs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield inputs and outputs whose names say that the input is carried from the output.

    An output is carried to one input.
    """
    free = dict.fromkeys(outputs)
    for name in inputs:
        for pattern, forms in _PATTERNS:
            match = re.fullmatch(pattern, name)
            others = [form.format(*match.groups()) for form in forms] if match else []
            other = next((o for o in others if o in free and o != name), None)
            if other is not None:
                del free[other]
                yield name, other
                break
