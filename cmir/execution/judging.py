"""Comparison of results with a reference, and where they differ, with the network in double precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

from cmir.checking import compare, deviation, difference_of_output, fitted
from cmir.execution.references import Arrays, OnnxReference, Reference
from cmir.execution.shadow import Shadow
from cmir.execution.streams import Sample
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, emit_remark

_AT_FIRST = 8
"""Inferences that are evaluated in double precision first. If one of them is wrong, the others are only counted."""

_LONGEST = 300
"""The most characters of a reason that onnxruntime gives."""


@dataclass(frozen=True)
class Tolerances:
    """Differences that are allowed. rtol, atol, narrowest: as `difference` takes them."""

    rtol: float | None
    atol: float | None
    narrowest: str | None

    def difference(self, result: Sample, expected: Arrays, name: str) -> str | None:
        """Describe how the output with this name differs from the expected one, or return None if they agree."""
        wanted = dict(zip(result, expected, strict=True))[name]
        return difference_of_output(result[name], wanted, self.rtol, self.atol, self.narrowest)


@dataclass(frozen=True)
class _Inference:
    """An inference whose outputs differ from the reference: results, reference, and the differences by name."""

    number: int
    results: Sample
    expected: Arrays
    differences: dict[str, str]


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a comparison with a reference has found.

    reference: name of the reference. inferences, differing: number of all inferences, and of those that differ from the
    reference. wrong: a line for each output that also differs from the network in double precision.
    """

    reference: str
    inferences: int
    differing: int
    wrong: Sequence[str]

    def __bool__(self) -> bool:
        return not self.wrong

    def __repr__(self) -> str:
        return f"<{'right' if self else 'wrong'}: {self}>"

    def __str__(self) -> str:
        if self.wrong:
            return "\n".join(self.wrong)
        if self.differing:
            same = f"{self.inferences - self.differing} of {self.inferences} inferences"
            return f"equal to {self.reference} in {same}, and to the float64 result in the rest"
        every = "all " if self.inferences > 1 else ""
        return f"equal to {self.reference} in {every}{count_of(self.inferences, 'inference')}"


def check(
    reference: Reference,
    inputs: Sequence[Arrays],
    outputs: Sequence[Sample],
    tolerances: Tolerances,
    first: Sequence[int] | None = None,
    shadow: Shadow | None = None,
) -> Verdict:
    """Compare the outputs of inferences with a reference.

    An output that differs from the reference is right if it agrees with the reference's network in double precision. It
    also is if it agrees with the shadow that decides as the run does at ties, and the shadow by itself with the
    reference's network: then the network computes what it should, and the run computes the network. first: see
    `Reference.evaluate`. Raises CompileError if there is no reference.
    """
    shapes = [array.shape for array in outputs[0].values()]
    reference, expected = expected_outputs(reference, inputs, shapes, first)
    _remark_on_onnxruntime(reference, inputs, outputs, expected, first)
    differing: list[_Inference] = []
    for number, (results, wanted) in enumerate(zip(outputs, expected, strict=True)):
        texts = {name: tolerances.difference(results, wanted, name) for name in results}
        if found := {name: text for name, text in texts.items() if text is not None}:
            differing.append(_Inference(number, results, wanted, found))
    court = _Court(reference, inputs, first, tolerances, shadow)
    wrong, right = court.judge(differing[:_AT_FIRST])
    rest = differing[_AT_FIRST:]
    if wrong and rest:
        more = f"{len(rest)} more inferences differ from {reference.name}"
        wrong.append(f"{more}; they were not evaluated in float64")
    elif rest:
        wrong, more_right = court.judge(rest)
        right += more_right
    if right:
        more = f" (and {len(right) - 1} more)" if len(right) > 1 else ""
        what = f"results differ from {reference.name} and agree with the network in float64"
        emit_remark(reference.path, f"{what}: {right[0]}{more}")
    return Verdict(reference.name, len(outputs), len(differing), wrong)


def expected_outputs(
    reference: Reference,
    inputs: Sequence[Arrays],
    shapes: Sequence[Sequence[int]],
    first: Sequence[int] | None = None,
) -> tuple[Reference, list[Arrays]]:
    """Return the expected outputs of inferences, and the reference that they are from.

    Where the given reference has no result, or one whose shape contradicts the model, a remark says so, and its
    substitute takes its place. shapes: those of the network's outputs. first: see `Reference.evaluate`. Raises
    CompileError if there is no reference.
    """
    other = None
    try:
        expected = reference.evaluate(inputs, first)
        reason = _fault(reference, shapes, expected)
        if reason is None or (other := reference.substitute()) is None:
            return reference, expected
    except CompileError as error:
        if error.location is not None:
            raise
        reason = _reason(error)
        if (other := reference.substitute()) is None:
            hint = "--check-with numpy compares with an evaluation of what is imported"
            raise CompileError(reference.path, f"no reference: {reason}; {hint}") from None
    what = "the reference is NumPy's evaluation of what was imported"
    emit_remark(reference.path, f"{reason}; {what}")
    return expected_outputs(other, inputs, shapes, first)


def _reason(error: CompileError) -> str:
    """Return the reason why there is no reference, on one line and not too long."""
    text = " ".join(error.message.removeprefix("no reference: ").split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _fault(
    reference: Reference, shapes: Sequence[Sequence[int]], expected: Sequence[Arrays]
) -> str | None:
    """Return how the shapes of expected outputs contradict the reference's own network, or None.

    Only shapes that are not those of the network that ran are looked at.
    """
    for arrays in expected:
        if len(arrays) != len(shapes):
            message = (
                f"it has {count_of(len(arrays), 'output')}, and the network that ran {len(shapes)}"
            )
            raise CompileError(reference.path, message)
        for index, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
            if fitted(array, shape) is None:
                return reference.fault(index, array.shape)
    return None


@dataclass(frozen=True)
class _Court:
    """Judges outputs that differ from a reference by evaluations in double precision. Fields: see `check`."""

    reference: Reference
    inputs: Sequence[Arrays]
    first: Sequence[int] | None
    tolerances: Tolerances
    shadow: Shadow | None

    def judge(self, inferences: Sequence[_Inference]) -> tuple[list[str], list[str]]:
        """Return a line for each output that is wrong, and for each that is right."""
        exact = self._in_double(inferences)
        agreeing = {
            (inference.number, name)
            for inference in inferences
            if inference.number in exact
            for name in inference.differences
            if self.tolerances.difference(inference.results, exact[inference.number], name) is None
        }
        doubtful = [
            inference
            for inference in inferences
            if inference.number in exact
            and any((inference.number, name) not in agreeing for name in inference.differences)
        ]
        explained, ties = self._explained(doubtful, exact)
        wrong: list[str] = []
        right: list[str] = []
        for inference in inferences:
            for name, text in inference.differences.items():
                output = inference.number, name
                line = f"output '{name}' of inference {inference.number}: {text}"
                if output in explained:
                    line += f"; {_numbers(ties)} on a tie up to the errors of floats"
                elif inference.number in exact:
                    wide = exact[inference.number]
                    line += _nearer(self.reference.name, inference, wide, name)
                (right if output in agreeing | explained else wrong).append(line)
        return wrong, right

    def _in_double(self, inferences: Sequence[_Inference]) -> dict[int, Arrays]:
        """Return the reference's outputs in double precision, by the number of the inference, if there are any."""
        if not inferences:
            return {}
        stream, first, places = self._stream(inferences)
        narrowest = self.tolerances.narrowest
        try:
            found = self.reference.evaluate_in_double(stream, narrowest, first)
        except CompileError as error:
            self._remark("there is no evaluation in float64", error)
            return {}
        return {i.number: found[place] for i, place in zip(inferences, places, strict=True)}

    def _explained(
        self, doubtful: Sequence[_Inference], exact: Mapping[int, Arrays]
    ) -> tuple[set[tuple[int, str]], int]:
        """Return the outputs that ties explain, by inference and name, and the number of ties."""
        if self.shadow is None or not doubtful:
            return set(), 0
        stream, first, places = self._stream(doubtful, self.shadow.lanes)
        try:
            followed, ties = self.shadow.follow(stream, first)
            alone = self.shadow.evaluate(stream, first)
        except CompileError as error:
            self._remark("there is no execution in float64", error)
            return set(), 0
        difference = self.tolerances.difference
        return {
            (inference.number, name)
            for inference, place in zip(doubtful, places, strict=True)
            for name in inference.differences
            if difference(inference.results, [*followed[place].values()], name) is None
            and difference(alone[place], exact[inference.number], name) is None
        }, ties

    def _stream(
        self, inferences: Sequence[_Inference], lanes: int = 1
    ) -> tuple[Sequence[Arrays], Sequence[int] | None, Sequence[int]]:
        """Return a stream to evaluate for inferences, as `Reference.evaluate` takes it, and the place of each in it.

        State needs the inferences before them, too; a run in lanes, those that it had in lock-step with them.
        """
        numbers = [inference.number for inference in inferences]
        if not self.reference.has_state:
            groups = sorted({number // lanes for number in numbers})
            whole = [n for g in groups for n in range(g * lanes, (g + 1) * lanes)]
            stream = [self.inputs[n] for n in whole if n < len(self.inputs)]
            place = {number: index for index, number in enumerate(whole)}
            return stream, None, [place[number] for number in numbers]
        last = numbers[-1] + 1
        return self.inputs[:last], None if self.first is None else self.first[:last], numbers

    def _remark(self, what: str, error: CompileError) -> None:
        emit_remark(self.reference.path, f"{what}: {_reason(error)}")


def _numbers(count: int) -> str:
    return count_of(count, "number lies", "numbers lie")


def _nearer(reference: str, inference: _Inference, exact: Arrays, name: str) -> str:
    """Say which side is nearer to the value of an output in double precision."""
    index = list(inference.results).index(name)
    result = inference.results[name]
    sides = [fitted(array, result.shape) for array in (inference.expected[index], exact[index])]
    if any(side is None for side in sides):
        return ""
    expected, wide = (side for side in sides if side is not None)
    ours, theirs = deviation(result, wide), deviation(expected, wide)
    if ours == theirs:
        return f"; in float64, both sides are off by {ours:.2g}"
    nearer = "cmir" if ours < theirs else reference
    return (
        f"; in float64, {nearer} is nearer: cmir is off by {ours:.2g}, {reference} by {theirs:.2g}"
    )


def _remark_on_onnxruntime(
    reference: Reference,
    inputs: Sequence[Arrays],
    outputs: Sequence[Sample],
    expected: Sequence[Arrays],
    first: Sequence[int] | None,
) -> None:
    """Emit a remark if onnxruntime is installed and differs from a reference with exact integers."""
    if not isinstance(reference, OnnxReference) or reference.name == "onnxruntime":
        return
    if find_spec("onnxruntime") is None:
        return
    try:
        theirs = replace(reference, onnxruntime=True, substitutes=False).evaluate(inputs, first)
    except CompileError:  # onnxruntime does not support every model that has a reference
        return
    results = [dict(zip(names, arrays, strict=True)) for names, arrays in zip(outputs, theirs)]
    if problems := compare(results, expected):
        emit_remark(
            reference.path,
            f"onnxruntime differs from exact integer arithmetic on this processor: {problems[0]}",
        )
