"""Random networks of all operators, drawn by hypothesis node by node.

Each node is run by its reference as it is drawn, on the data that the network will see. So its result's shape is
known without a rule for each operator, and nodes that have no reference, or whose results are not determined by
their inputs in single precision, are left out instead of spoiling the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.capi import (
    onnxruntime_pybind11_state as errors,  # pyright: ignore[reportAttributeAccessIssue]
)

from cmir.checking import evaluator_of
from cmir.support.diagnostics import CompileError

T = TypeVar("T")

SAMPLES = 2
"""The inferences that a network is drawn with."""

NOISES = 3
"""How often each of them is computed again with rounding errors that are made larger."""

SIZE = 1500
"""The most elements of a tensor."""

OPSETS = (9, 10, 12, 13, 17, 18, 20, 21, 24, 26, 27)
"""Opsets between which operators changed."""

FLOAT, INT8, UINT8, INT32 = (
    TensorProto.FLOAT,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.INT32,
)
BOOL, INT64 = TensorProto.BOOL, TensorProto.INT64
NUMBERS = (FLOAT, INT8, UINT8, INT32, INT64)
GIVEN = (*NUMBERS, BOOL)
"""The types of inputs."""
KINDS = GIVEN
"""The types of tensors."""

EXACT = {
    *(
        "Abs",
        "Cast",
        "CastLike",
        "Ceil",
        "CenterCropPad",
        "Clip",
        "Concat",
        "ConvInteger",
        "DepthToSpace",
        "DequantizeLinear",
        "Dropout",
    ),
    *("Expand", "MatMulInteger", "GatherElements", "GatherND", "Scatter", "ScatterElements"),
    *("ScatterND", "TopK", "Hardmax"),
    *("Flatten", "Floor", "Gather", "GlobalMaxPool", "Identity", "Max", "MaxPool", "Min", "Neg"),
    *("Pad", "ReduceMax", "ReduceMin", "Relu", "Reshape", "Round", "Slice", "SpaceToDepth"),
    *("Split", "Squeeze", "Transpose", "Unsqueeze", "Where"),
}
"""Operators that do not round: they give the same numbers to the last bit, if their operands are the same."""

REFUSALS = (
    errors.Fail,
    errors.InvalidArgument,
    errors.InvalidGraph,
    errors.NotImplemented,
    errors.RuntimeException,
)
"""What onnxruntime says to data that it does not run a node on."""


class Impossible(Exception):
    """There is no such node: no operand for it, or it is not to be run."""


@dataclass(frozen=True)
class Value:
    """A tensor of the network.

    data: with the batch dimension, for each inference and then each noise.
    exact: whether each implementation gives the same numbers, to the last bit.
    """

    name: str
    kind: int
    data: Sequence[np.ndarray]
    exact: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """With the batch dimension."""
        return self.data[0].shape

    @property
    def rank(self) -> int:
        return len(self.shape)

    def bounds(self, sample: int) -> tuple[np.ndarray, np.ndarray]:
        """The least and the greatest that each element of an inference may be, and still be right."""
        array = self.data[sample]
        if self.exact:
            return array, array
        return array - tolerance(array), array + tolerance(array)


Argument: TypeAlias = Value | np.ndarray | None
"""An input of a node: a tensor of the network, a constant, or left out."""

Settings: TypeAlias = dict[str, Any]
"""Attributes and constant inputs of a node, by ONNX's names."""


@dataclass
class Net:
    """A network in the making.

    batch: whether the first dimension is a batch of one sample.
    """

    draw: st.DrawFn
    opset: int
    batch: bool
    random: np.random.Generator
    inputs: list[Value] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    @property
    def outer(self) -> int:
        """The number of dimensions that are a batch."""
        return int(self.batch)

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def number(self, low: float, high: float) -> float:
        """With few digits, as settings of operators have."""
        return self.integer(round(low * 20), round(high * 20)) / 20

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def choose(self, options: Sequence[T]) -> T:
        if not options:
            raise Impossible
        return self.draw(st.sampled_from(options))

    def sizes(self, count: int, low: int, high: int) -> list[int]:
        return [self.integer(low, high) for _ in range(count)]

    def pick(
        self,
        *kinds: int,
        low: int = 1,
        high: int = 9,
        where: Callable[[Value], bool] = lambda value: True,
    ) -> Value:
        """One of the tensors: mostly the latest one of these types (float32 by default) and ranks.

        low, high: the least and greatest number of dimensions, with the batch.
        """
        fitting = [
            value
            for value in self.values
            if value.kind in (kinds or (FLOAT,)) and low <= value.rank <= high and where(value)
        ]
        if fitting and self.integer(0, 2):
            return fitting[-1]
        return self.choose(fitting)

    def image(self, *kinds: int) -> Value:
        """A tensor with a batch, channels, and at least one spatial dimension."""
        return self.pick(*kinds, low=3, high=5)

    def weights(self, *shape: int) -> np.ndarray:
        """Random numbers, for sums of which the last dimensions are added up."""
        scale = np.sqrt(max(1, np.prod(shape[1:], dtype=int)))
        return np.asarray(self.random.standard_normal(shape) / scale, np.float32)

    def positive(self, *shape: int) -> np.ndarray:
        return np.asarray(self.random.uniform(0.5, 1.5, shape), np.float32)

    def integers(self, kind: int, *shape: int) -> np.ndarray:
        return _integers(self.random, kind, shape)

    def broadcast(self, shape: Sequence[int]) -> tuple[int, ...]:
        """A shape that broadcasts to this one, without its first dimension or with 1 for it."""
        first = self.integer(0, len(shape)) if self.chance() else 0
        kept = [size if self.integer(0, 2) else 1 for size in shape[first:]]
        if self.batch and kept and first == 0:
            kept[0] = 1
        return tuple(kept)

    def has(self, op: str, setting: str | None = None) -> bool:
        """Whether the operator exists in the network's opset, with that attribute or input."""
        if (schema := schema_of(op, self.opset)) is None:
            return False
        names = [*schema.attributes, *(formal.name for formal in schema.inputs)]
        return setting is None or setting in names

    def node(
        self, op: str, *inputs: Argument, outputs: int = 1, **settings: Any
    ) -> tuple[Value, ...]:
        """Append a node and give its outputs.

        op: the operator, with its domain in front of it if that is not ONNX's own.
        settings: attributes, or inputs with constant values, as the opset has them; None for one that is left out. Of
        operators of other domains, all settings are attributes.
        Raises Impossible if the node is not to be run.
        """
        domain, _, op = op.rpartition(".")
        schema = None if domain else schema_of(op, self.opset)
        if schema is None and not domain:
            raise Impossible
        arguments, attributes = list(inputs), dict[str, Any]()
        formals = [] if schema is None else [formal.name for formal in schema.inputs]
        for name, setting in settings.items():
            if setting is None:
                continue
            if schema is None or name in schema.attributes:
                attributes[name] = setting
            elif name in formals:
                place = formals.index(name)
                arguments += [None] * (place + 1 - len(arguments))
                arguments[place] = _constant(setting)
            else:
                raise Impossible
        names, added = [], []
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                name = f"c{len(self.constants) + len(added)}"
                added.append(numpy_helper.from_array(argument, name))
                names.append(name)
            else:
                names.append(argument.name if argument is not None else "")
        results = [f"v{len(self.nodes)}"]
        results += [f"v{len(self.nodes)}_{index}" for index in range(1, outputs)]
        node = helper.make_node(op, names, results, domain=domain, **attributes)
        given = {value.name: value for value in arguments if isinstance(value, Value)}
        values = self._run(node, list(given.values()), added)
        self.nodes.append(node)
        self.constants += added
        if op != "Shape":  # which is a constant
            self.values += [value for value in values if value.kind in KINDS]
        return values

    def _run(
        self, node: onnx.NodeProto, inputs: Sequence[Value], constants: list[onnx.TensorProto]
    ) -> tuple[Value, ...]:
        infos = [helper.make_tensor_value_info(v.name, v.kind, v.shape) for v in inputs]
        results = [onnx.ValueInfoProto(name=name) for name in node.output]
        graph = helper.make_graph([node], "node", infos, results, constants)
        model = _model(graph, self.opset)
        try:
            evaluate = evaluator_of(model)
            runs = [evaluate(*(v.data[i] for v in inputs)) for i in range(SAMPLES * (1 + NOISES))]
        except (*REFUSALS, CompileError) as error:
            raise Impossible from error
        exact = node.op_type in EXACT and all(v.exact for v in inputs)
        return tuple(
            self._value(name, [run[index] for run in runs], exact)
            for index, name in enumerate(node.output)
        )

    def _value(self, name: str, data: list[np.ndarray], exact: bool) -> Value:
        if not 0 < data[0].size <= SIZE or data[0].ndim > 6:
            raise Impossible
        if data[0].dtype != np.float32:
            exact = True
            # Integers must not depend on rounding at all.
            if any((noisy != data[i % SAMPLES]).any() for i, noisy in enumerate(data)):
                raise Impossible
        else:
            if not all(np.isfinite(array).all() and np.abs(array).max() < 1e6 for array in data):
                raise Impossible
            for i, noisy in enumerate(data):
                if (np.abs(noisy - data[i % SAMPLES]) > 0.25 * tolerance(data[i % SAMPLES])).any():
                    raise Impossible
            if not exact:
                data = data[:SAMPLES] + [self._noisy(array) for array in data[SAMPLES:]]
        return Value(name, helper.np_dtype_to_tensor_dtype(data[0].dtype), data, exact)

    def _noisy(self, array: np.ndarray) -> np.ndarray:
        """With errors of some units in the last place; zeros stay zeros, as those of Relu or padding do."""
        noise = self.random.uniform(-1, 1, array.shape)
        size = 1e-6 * np.abs(array) + 1e-7 * np.abs(array).max()
        return np.where(array == 0, 0, array + noise * size).astype(np.float32)

    def input(self, kind: int, shape: Sequence[int]) -> None:
        if kind == FLOAT:
            data = [self.random.standard_normal(shape, np.float32) for _ in range(SAMPLES)]
        else:
            data = [self.integers(kind, *shape) for _ in range(SAMPLES)]
        value = Value(f"x{len(self.inputs)}", kind, data * (1 + NOISES), exact=True)
        self.inputs.append(value)
        self.values.append(value)


@dataclass(frozen=True)
class Network:
    """A drawn network: the model, and its tensors that are inputs and outputs."""

    model: onnx.ModelProto
    batch: bool
    given: Sequence[Value]
    results: Sequence[Value]

    def samples(self, count: int) -> list[dict[str, np.ndarray]]:
        """Inputs for a stream of inferences, without the batch dimension."""
        return [{x.name: self._sample(x, i) for x in self.given} for i in range(count)]

    def outputs(self, count: int) -> list[list[np.ndarray]]:
        """What references make of them, node by node."""
        return [[self._sample(y, i) for y in self.results] for i in range(count)]

    def _sample(self, value: Value, inference: int) -> np.ndarray:
        array = value.data[inference % SAMPLES]
        return array[0] if self.batch else array

    def __repr__(self) -> str:
        return f"batch={self.batch}\n{onnx.printer.to_text(self.model)}"


def tolerance(expected: np.ndarray) -> np.ndarray:
    """What a result may differ by: as in `cm-run --check`, but with terms of sums that are taken to be of size 1.

    A drawn network often ends in few elements, which may all be small differences of numbers that are not.
    """
    return 1e-4 * np.abs(expected) + 1e-5 * max(1.0, float(np.abs(expected).max()))


def network_of(net: Net, outputs: Sequence[Value]) -> Network:
    def info(value: Value) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(value.name, value.kind, value.shape)

    graph = helper.make_graph(
        net.nodes, "main", [info(x) for x in net.inputs], [info(y) for y in outputs], net.constants
    )

    return Network(_model(graph, net.opset), net.batch, net.inputs, outputs)


def _model(graph: onnx.GraphProto, opset: int) -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", opset)]
    opsets += [
        helper.make_opsetid(domain, 1) for domain in sorted({n.domain for n in graph.node} - {""})
    ]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@cache
def schema_of(op: str, opset: int) -> onnx.defs.OpSchema | None:
    """ONNX's description of the operator; None where the opset has none, or has it no more."""
    try:
        schema = onnx.defs.get_schema(op, opset)
    except onnx.defs.SchemaError:
        return None
    return None if schema.deprecated else schema


def _constant(setting: object) -> np.ndarray:
    array = np.asarray(setting)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _integers(random: np.random.Generator, kind: int, shape: Sequence[int]) -> np.ndarray:
    """All values of a type of 8 bits, or of truth; small ones of larger types, so that products of them fit."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    if dtype == np.bool_:
        return np.asarray(random.random(shape) < 0.5)
    limits = np.iinfo(np.int8 if dtype.itemsize > 1 else dtype)
    return np.asarray(random.integers(limits.min, limits.max, shape, dtype, endpoint=True))
