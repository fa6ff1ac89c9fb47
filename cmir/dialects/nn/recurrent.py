"""Recurrent operators: each step reads the states that the step before has computed.

The products of the inputs with their weights do not depend on the states. They are a separate operator, `nn.gemm` over
all steps, and the operators here add the products of the states.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any, ClassVar, TypeVar, cast

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    StringAttr,
    UnitAttr,
    VectorType,
    f32,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import formula
from cmir.dialects.nn.functions import ACTIVATIONS
from cmir.dialects.nn.functions import clip as clamp
from cmir.dialects.nn.interface import Access, Cells, IterationOp, Own
from cmir.dialects.nn.operation import (
    FLOAT,
    FLOATS,
    NAMES,
    NUMBERS,
    SEGMENTS,
    TENSOR,
    Shape,
    flag,
    shape_of,
)
from cmir.dialects.nn.relations import Box, element_map
from cmir.dialects.vectors import MxvOp
from cmir.support.counts import count_of
from cmir.support.numerics import matrix_product

Item = TypeVar("Item")


class _Arithmetic(ABC):
    """The arithmetic of a step: of one iteration's vectors, or of the arrays of a whole step."""

    @abstractmethod
    def product(self, weight: Any, state: Any, gates: int) -> Any:
        """Return weight · state for each gate: gates×units, or units if there is one gate."""

    @abstractmethod
    def apply(self, function: Any, *values: Any) -> Sequence[Any]:
        """Return the results of a formula of these values."""


class _Building(_Arithmetic):
    """Operations of a body."""

    def __init__(self, builder: Builder):
        self.builder = builder

    def product(self, weight: Any, state: Any, gates: int) -> Any:
        units = weight.type.get_shape()[0] // gates
        shape = (gates, units) if gates > 1 else (units,)
        type = VectorType(weight.type.element_type, shape)
        return self.builder.insert(MxvOp(weight, state, type)).result

    def apply(self, function: Any, *values: Any) -> Sequence[Any]:
        return formula.build_formulas(self.builder, function, values)


class _Evaluating(_Arithmetic):
    """NumPy. States have an axis of the batch, if there is one; gates come first."""

    def product(self, weight: Any, state: Any, gates: int) -> Any:
        if gates > 1:
            weight = weight.reshape(gates, -1, weight.shape[1])
        return matrix_product(state, weight.swapaxes(-1, -2))

    def apply(self, function: Any, *values: Any) -> Sequence[Any]:
        return formula.compute_all(function, *values)


class RecurrentOp(IterationOp):
    """Base of operators that compute a sequence of states, each from the one before and from an element of a sequence.

    x: T×(gates·U) or T×B×(gates·U), for T steps, a batch of B and U units: the products of the inputs with their
    weights, gate after gate. weight: (gates·U)×U. Initial states: U or B×U, 0 if they are absent. Results: T×U or
    T×B×U.

    One iteration computes one step of one sequence. It reads its states from the results of the iteration before. With
    `reverse`, the first iteration computes the last element of the sequence. Activations are named as in `activations`,
    with the numbers `alphas` and `betas`, one for each. With `clip`, gates are clamped to [-clip, clip] before their
    activation.
    """

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    activations = prop_def(NAMES)
    alphas = opt_prop_def(NUMBERS)
    betas = opt_prop_def(NUMBERS)
    clip = opt_prop_def(FLOAT)
    reverse = opt_prop_def(UnitAttr)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    GATES: ClassVar[int]
    """Number of gates, including the candidate of the new state."""
    ACTIVATIONS: ClassVar[Sequence[str]]
    """The default activations."""
    MATRICES: ClassVar[Sequence[str]] = ("weight",)
    """The operands on crossbars."""
    STATES: ClassVar[Sequence[str]] = ("initial_h",)
    """The operands with the initial states, in the order of the results."""

    def __init__(
        self,
        operands: Sequence[SSAValue | Operation | None],
        *,
        reverse: bool = False,
        activations: Sequence[str] | None = None,
        alphas: Sequence[float] | None = None,
        betas: Sequence[float] | None = None,
        clip: float | None = None,
        **flags: bool,
    ):
        names = None if activations is None else ArrayAttr(map(StringAttr, activations))
        options: Mapping[str, Attribute | None] = {
            "activations": names,
            "alphas": None if alphas is None else DenseArrayBase.from_list(f32, list(alphas)),
            "betas": None if betas is None else DenseArrayBase.from_list(f32, list(betas)),
            "clip": None if clip is None else FloatAttr(clip, f32),
            "reverse": flag(reverse),
            **{name: flag(value) for name, value in flags.items()},
        }
        super().__init__(operands, options)

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {"activations": ArrayAttr(map(StringAttr, cls.ACTIVATIONS))}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        _verify_activations(options, len(cls.ACTIVATIONS))
        given = cls._by_name(shapes, options)
        x = given["x"]
        if len(x) not in (2, 3):
            raise VerifyException(
                f"the input must have 2 or 3 dimensions, steps, batch and gates, got {list(x)}"
            )
        units, rest = divmod(x[-1], cls.GATES)
        if rest or not x[0]:
            raise VerifyException(
                f"the input must have one step or more of {cls.GATES} gates, got {list(x)}"
            )
        for name, expected in cls.shapes_of_operands(units, x[1:-1], given).items():
            if given.get(name, expected) != expected:
                raise VerifyException(
                    f"`{name}` must have the shape {list(expected)}, got {list(given[name])}"
                )
        return (*x[:-1], units)

    @classmethod
    def shapes_of_operands(
        cls, units: int, batch: Shape, given: Mapping[str, Shape]
    ) -> Mapping[str, Shape]:
        """Return the shapes that operands must have, by name."""
        states = dict.fromkeys(cls.STATES, (*batch, units))
        return {"weight": (cls.GATES * units, units), **states}

    @classmethod
    def _by_name(
        cls, operands: Sequence[Item], options: Mapping[str, Attribute]
    ) -> Mapping[str, Item]:
        """Return the operands that are present, by name."""
        sizes = cast(DenseArrayBase[Any], options[SEGMENTS]).get_values()
        definition = cls.get_irdl_definition().operands
        present = [name for (name, _), size in zip(definition, sizes, strict=True) if size]
        return dict(zip(present, operands, strict=True))

    @abstractmethod
    def step(
        self, run: _Arithmetic, given: Mapping[str, Any], states: Sequence[Any]
    ) -> Sequence[Any]:
        """Compute the states of a step.

        given: the operands by name; x with gates as its first axis, if there are several.
        states: those of the step before, the first of which is h.
        """

    def gate(self, index: int, x: Any) -> Any:
        """Apply the activation with this index to a gate, which is clamped before."""
        limit = inf if self.clip is None else self.clip.value.data
        return self.activate(index, clamp(x, -limit, limit))

    def activate(self, index: int, x: Any) -> Any:
        """Apply the activation with this index."""
        activation = ACTIVATIONS[self.activations.data[index].data]
        alpha, beta = (
            default or 0.0 if given is None else given.get_values()[index]
            for given, default in ((self.alphas, activation.alpha), (self.betas, activation.beta))
        )
        return activation.function(x, alpha, beta)

    @property
    def units(self) -> int:
        """The size of a state."""
        return self.result_shape[-1]

    def iterations(self) -> Box:
        return dict(zip("tb", self.result_shape[:-1], strict=False))

    def reads(self) -> Sequence[Access | Cells]:
        present = self._by_name(self.operands, self.properties)
        found = [self.read_of(name, shape_of(value)) for name, value in present.items()]
        return [
            *found,
            *(self._state(i) for i, name in enumerate(self.STATES) if name not in present),
        ]

    def read_of(self, name: str, shape: Shape) -> Access | Cells:
        """Return the read of an operand of this shape."""
        if name in self.STATES:
            return self._state(self.STATES.index(name))
        if name in self.MATRICES:
            rows, columns = shape
            return Cells(element_map({"row": rows, "col": columns}, ["row", "col"], shape), shape)
        if name == "x":
            gates = {"g": self.GATES} if self.GATES > 1 else {}
            position = f"{self.units}*g + u" if gates else "u"
            return self._access({**gates, "u": self.units}, [*self._place(), position], shape)
        lanes = dict(zip("gu"[-len(shape) :], shape, strict=True))
        return self._access(lanes, [*lanes], shape)

    def _access(self, lanes: Box, location: Sequence[str], shape: Shape) -> Access:
        return Access.build(self.iterations(), lanes, location, shape)

    def _place(self, back: int = 0) -> Sequence[str]:
        """Return the place in a sequence of a step, or of the step that is `back` steps before it."""
        last, (_, *batch) = self.result_shape[0] - 1, self.iterations()
        return [f"t - {back}" if self.reverse is None else f"{last + back} - t", *batch]

    def _state(self, index: int) -> Access:
        """Return the read of a state: the initial one in the first step, the own result in the others."""
        lanes, (steps, *shape) = {"u": self.units}, self.result_shape
        before = self._access(lanes, [*self._place(1), "u"], self.result_shape)
        own = Own(index, before.relation) if steps > 1 else None
        if self.STATES[index] not in self._by_name(self.operands, self.properties):
            return replace(before, relation=isl.Map.empty(before.relation.get_space()), own=own)
        (first, *batch) = self.iterations()
        iterations = {**self.iterations(), first: 1}
        return replace(Access.build(iterations, lanes, [*batch, "u"], shape), own=own)

    def write(self) -> Access:
        return self._access({"u": self.units}, [*self._place(), "u"], self.result_shape)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return self.build_results(builder, values)[0]

    def build_results(self, builder: Builder, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        given = dict(self._by_name(values[: len(self.operands)], self.properties))
        absent = iter(values[len(given) :])
        states = [given.pop(name) if name in given else next(absent) for name in self.STATES]
        return self.step(_Building(builder), given, states)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return self.evaluate_all(*operands)[0]

    def evaluate_all(
        self, *operands: np.ndarray, before: Sequence[np.ndarray] | None = None
    ) -> Sequence[np.ndarray]:
        """Return all results. before: results that steps read instead of those of the step before."""
        given = dict(self._by_name(operands, self.properties))
        x = given.pop("x")
        steps = range(len(x)) if self.reverse is None else reversed(range(len(x)))
        zeros = np.zeros_like(x, x.dtype, shape=self.result_shape[1:])
        states: Sequence[np.ndarray] = [given.pop(name, zeros) for name in self.STATES]
        computed: list[Sequence[np.ndarray]] = []
        for step in steps:
            gates = x[step]
            if self.GATES > 1:
                gates = np.moveaxis(gates.reshape(*gates.shape[:-1], self.GATES, -1), -2, 0)
            states = self.step(_Evaluating(), {**given, "x": gates}, states)
            computed.append(states)
            states = states if before is None else [sequence[step] for sequence in before]
        if self.reverse is not None:
            computed.reverse()
        return [np.stack(sequence) for sequence in zip(*computed, strict=True)]


@irdl_op_definition
class RnnOp(RecurrentOp):
    """Simple recurrent network: h' = f(x + R·h) for each step.

    ```mlir
    %h = nn.rnn %x, %weight {activations = ["relu"]}
        : (tensor<20x32xf32>, tensor<32x32xf32>) -> tensor<20x32xf32>
    ```

    ONNX: RNN.
    """

    name = "nn.rnn"

    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    initial_h = opt_operand_def(TENSOR)

    GATES: ClassVar[int] = 1
    ACTIVATIONS: ClassVar[Sequence[str]] = ("tanh",)

    def __init__(
        self,
        x: SSAValue | Operation,
        weight: SSAValue | Operation,
        initial_h: SSAValue | Operation | None = None,
        **options: Any,
    ):
        super().__init__([x, weight, initial_h], **options)

    def step(
        self, run: _Arithmetic, given: Mapping[str, Any], states: Sequence[Any]
    ) -> Sequence[Any]:
        (h,) = states
        product = run.product(given["weight"], h, 1)
        return run.apply(lambda x, m: [self.gate(0, x + m)], given["x"], product)


@irdl_op_definition
class GruOp(RecurrentOp):
    """Gated recurrent unit. Gates are z (update), r (reset) and the candidate n, in this order.

    h' = (1 - z) ⊙ n + z ⊙ h, with z = f(x_z + R_z·h), r = f(x_r + R_r·h) and n = g(x_n + r ⊙ (R_n·h + bias)). With
    `candidate`, the matrix R_n, n is g(x_n + R_n·(r ⊙ h)), and `weight` has the two gates z and r.

    ```mlir
    %h = nn.gru %x, %weight bias %bias
        : (tensor<20x96xf32>, tensor<96x32xf32>, tensor<32xf32>) -> tensor<20x32xf32>
    ```

    ONNX: GRU; `candidate` for `linear_before_reset` = 0.
    """

    name = "nn.gru"

    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    initial_h = opt_operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    candidate = opt_operand_def(TENSOR)

    GATES: ClassVar[int] = 3
    ACTIVATIONS: ClassVar[Sequence[str]] = ("sigmoid", "tanh")
    MATRICES: ClassVar[Sequence[str]] = ("weight", "candidate")

    def __init__(
        self,
        x: SSAValue | Operation,
        weight: SSAValue | Operation,
        initial_h: SSAValue | Operation | None = None,
        bias: SSAValue | Operation | None = None,
        candidate: SSAValue | Operation | None = None,
        **options: Any,
    ):
        super().__init__([x, weight, initial_h, bias, candidate], **options)

    @classmethod
    def shapes_of_operands(
        cls, units: int, batch: Shape, given: Mapping[str, Shape]
    ) -> Mapping[str, Shape]:
        shapes = {**super().shapes_of_operands(units, batch, given), "bias": (units,)}
        if "candidate" not in given:
            return shapes
        if "bias" in given:
            raise VerifyException("with `candidate`, the input includes the `bias`")
        return {**shapes, "weight": (2 * units, units), "candidate": (units, units)}

    def step(
        self, run: _Arithmetic, given: Mapping[str, Any], states: Sequence[Any]
    ) -> Sequence[Any]:
        (h,), x = states, given["x"]
        if "candidate" not in given:
            product = run.product(given["weight"], h, 3)
            return run.apply(self._after_product, x, product, h, *self._bias(given))
        product = run.product(given["weight"], h, 2)
        (reset,) = run.apply(lambda x, m, h: [self.gate(0, x[1] + m[1]) * h], x, product, h)
        added = run.product(given["candidate"], reset, 1)
        return run.apply(self._before_product, x, product, added, h)

    @staticmethod
    def _bias(given: Mapping[str, Any]) -> Sequence[Any]:
        return [given["bias"]] if "bias" in given else []

    def _after_product(self, x: Any, m: Any, h: Any, *bias: Any) -> Sequence[Any]:
        reset = self.gate(0, x[1] + m[1])
        added = m[2] + bias[0] if bias else m[2]
        return self._mixed(x, m, x[2] + reset * added, h)

    def _before_product(self, x: Any, m: Any, added: Any, h: Any) -> Sequence[Any]:
        return self._mixed(x, m, x[2] + added, h)

    def _mixed(self, x: Any, m: Any, candidate: Any, h: Any) -> Sequence[Any]:
        update = self.gate(0, x[0] + m[0])
        return [(1 - update) * self.gate(1, candidate) + update * h]


@irdl_op_definition
class LstmOp(RecurrentOp):
    """Long short-term memory. Gates are i (input), o (output), f (forget) and the candidate g, in this order.

    Each gate is an activation of x + R·h: the first one for i, o and f, the second for g. The results are h and c:
    c' = f ⊙ c + i ⊙ g and h' = o ⊙ tanh(c'), or another third activation. peepholes: 3×U; its rows, times c for i and f
    and times c' for o, are added to the gates i, o and f. With `input_forget`, f is 1 - i.

    ```mlir
    %h, %c = nn.lstm %x, %weight initial_h %h0 initial_c %c0 {reverse}
        : (tensor<20x128xf32>, tensor<128x32xf32>, tensor<32xf32>, tensor<32xf32>)
        -> (tensor<20x32xf32>, tensor<20x32xf32>)
    ```

    ONNX: LSTM.
    """

    name = "nn.lstm"

    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    initial_h = opt_operand_def(TENSOR)
    initial_c = opt_operand_def(TENSOR)
    peepholes = opt_operand_def(TENSOR)
    result = result_def(TENSOR)
    cell = result_def(TENSOR)
    input_forget = opt_prop_def(UnitAttr)

    GATES: ClassVar[int] = 4
    ACTIVATIONS: ClassVar[Sequence[str]] = ("sigmoid", "tanh", "tanh")
    STATES: ClassVar[Sequence[str]] = ("initial_h", "initial_c")

    def __init__(
        self,
        x: SSAValue | Operation,
        weight: SSAValue | Operation,
        initial_h: SSAValue | Operation | None = None,
        initial_c: SSAValue | Operation | None = None,
        peepholes: SSAValue | Operation | None = None,
        **options: Any,
    ):
        super().__init__([x, weight, initial_h, initial_c, peepholes], **options)

    @classmethod
    def shapes_of_operands(
        cls, units: int, batch: Shape, given: Mapping[str, Shape]
    ) -> Mapping[str, Shape]:
        return {**super().shapes_of_operands(units, batch, given), "peepholes": (3, units)}

    def step(
        self, run: _Arithmetic, given: Mapping[str, Any], states: Sequence[Any]
    ) -> Sequence[Any]:
        h, c = states
        product = run.product(given["weight"], h, 4)
        peepholes = [given["peepholes"]] if "peepholes" in given else []
        return run.apply(self._formula, given["x"], product, c, *peepholes)

    def _formula(self, x: Any, m: Any, c: Any, *peepholes: Any) -> Sequence[Any]:
        gates = x + m
        entry, output, forget = gates[0], gates[1], gates[2]
        if peepholes:
            (p,) = peepholes
            entry, forget = entry + p[0] * c, forget + p[2] * c
        entry = self.gate(0, entry)
        forget = self.gate(0, forget) if self.input_forget is None else 1 - entry
        cell = forget * c + entry * self.gate(1, gates[3])
        if peepholes:
            output = output + peepholes[0][1] * cell
        return [self.gate(0, output) * self.activate(2, cell), cell]


def _verify_activations(options: Mapping[str, Attribute], count: int) -> None:
    """Raise VerifyException if activations are unknown, or if lists do not have one entry for each."""
    names = [str(name.data) for name in cast(ArrayAttr[StringAttr], options["activations"])]
    if unknown := [name for name in names if name not in ACTIVATIONS]:
        raise VerifyException(
            f"`activations` must be among {', '.join(ACTIVATIONS)}, got {unknown[0]}"
        )
    lists = {"activations": len(names)}
    for option in ("alphas", "betas"):
        if option in options:
            lists[option] = len(cast(DenseArrayBase[Any], options[option]).get_values())
    for option, length in lists.items():
        if length != count:
            raise VerifyException(
                f"`{option}` must have {count_of(count, 'entry', 'entries')}, got {length}"
            )
    clip = options.get("clip")
    if isinstance(clip, FloatAttr) and not clip.value.data > 0:
        raise VerifyException(f"`clip` must be > 0, got {clip.value.data}")
