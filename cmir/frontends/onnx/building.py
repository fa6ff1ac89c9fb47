"""Translation of a loaded graph, node by node, into a function of `nn` operations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    ModuleOp,
    NameLoc,
    StringAttr,
    UnknownLoc,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import ParameterOp, ReshapeOp, TransposeOp
from cmir.dialects.nn.carried import carried_attributes
from cmir.dialects.nn.operation import (
    ELEMENT_TYPE_OF,
    Shape,
    element_of,
    shape_of,
    tensor_type,
)
from cmir.frontends.onnx.batches import import_batch
from cmir.frontends.onnx.definition import definition, has_definition
from cmir.frontends.onnx.errors import (
    ImporterError,
    ImporterLimitError,
    OnnxError,
    RefusedInputError,
    one_line,
)
from cmir.frontends.onnx.folding import fold, is_pure
from cmir.frontends.onnx.inference import is_misjudged
from cmir.frontends.onnx.loading import Graph, read_constant
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, read_tensors
from cmir.frontends.onnx.quantized import held_narrow
from cmir.frontends.onnx.registry import Importer, find_importer
from cmir.frontends.onnx.state import ImportedState, bind_state, files_of
from cmir.frontends.onnx.widening import rounded_results, widened_inputs
from cmir.frontends.samples import Division, Samples
from cmir.frontends.state import State
from cmir.support.diagnostics import emit_remark
from cmir.support.naming import suffixed
from cmir.support.parameters import Parameters


@dataclass(frozen=True)
class ImportedModule:
    """A module with one function, `main`, for one sample, and the parameters that it refers to."""

    module: ModuleOp
    parameters: Parameters
    inputs: Mapping[str, Shape]
    """Name and ONNX shape of each input; with a batch of 1 if inferences take one sample of a batch."""
    outputs: Mapping[str, Shape]
    """Name and ONNX shape of each output, likewise."""
    samples: int
    """Number of samples in a batch of the file, if inferences take one of them."""
    files: Set[Path]
    """Files that hold parameters outside the model."""
    narrow: Mapping[str, np.dtype[Any]] = field(default_factory=dict[str, np.dtype[Any]])
    """The types of inputs of 2 or 4 bits, whose elements `i8` holds."""
    state: Sequence[ImportedState] = ()
    """Inputs that are carried from outputs. They are arguments and results of `main`, but neither in `inputs` nor in
    `outputs`."""


def build_module(graph: Graph, samples: Samples, state: State) -> ImportedModule:
    """Translate the graph, loaded with the same `samples`. Raises OnnxError, which lists all obstacles.

    With `auto`, a graph that cannot be divided into samples is translated as a whole, and a remark says why.
    """
    if samples != "auto":
        return _translate(graph, state)
    reason = graph.division.reason
    if reason is None:
        try:
            return _translate(graph, state)
        except OnnxError as error:
            reason = error.messages[0]
            graph = replace(graph, division=Division())
    imported = _translate(graph, state)
    emit_remark(graph.path, f"an inference takes whole inputs, not one sample of a batch: {reason}")
    return imported


def _translate(graph: Graph, state: State) -> ImportedModule:
    batch = len(graph.batch)
    types = [tensor_type(s[batch:], graph.elements[name]) for name, s in graph.inputs.items()]
    block = Block(arg_types=types)
    for name, argument in zip(graph.inputs, block.args, strict=True):
        argument.location = _location(graph.path, f"input '{name}'")
        argument.name_hint = identifier(name)
    arguments = dict(zip(graph.inputs, block.args, strict=True))
    weights = _Weights(block, graph.path)
    translation = _Translation(graph, weights, arguments)
    messages = translation.run()
    outputs = {name: translation.values.get(name) for name in graph.outputs}
    messages += [
        f"output '{name}' is a constant of shape {list(value.shape)}, which has no batch dimension"
        for name, value in outputs.items()
        if isinstance(value, Constant) and value.shape[:batch] != graph.batch
    ]
    made = {*graph.inputs, *graph.constants, *(o for node in graph.nodes for o in node.output)}
    messages += [
        f"invalid model: nothing computes output '{name}'"
        for name in graph.outputs
        if name not in made
    ]
    results: list[SSAValue] = []
    for name, value in outputs.items():
        if isinstance(value, Constant) and value.shape[:batch] == graph.batch:
            constant = replace(value, array=value.array.reshape(value.shape[batch:]))
            try:
                results.append(weights.parameter(constant))
            except ImporterError as error:
                messages.append(f"output '{name}': {error}")
        elif value is not None and not isinstance(value, Constant):
            results.append(value)
    if messages:
        raise OnnxError(graph.path, messages)
    block.add_op(ReturnOp(*results))
    _erase_unused_views(block)
    weights.remove_unused()
    values = dict(zip(outputs, results, strict=True))
    carried = tuple(bind_state(graph, state, arguments, values))
    function = FuncOp("main", (types, [r.type for r in results]), Region(block))
    function.arg_attrs = _carried_attributes(carried, arguments, [*outputs], weights)
    ends = {one.input for one in carried}, {one.output for one in carried}
    return ImportedModule(
        ModuleOp([function]),
        weights.arrays,
        {name: shape for name, shape in graph.inputs.items() if name not in ends[0]},
        {n: (*graph.batch, *shape_of(r)) for n, r in values.items() if n not in ends[1]},
        graph.division.count,
        graph.files | files_of(state),
        {
            name: dtype
            for name, dtype in graph.narrow.items()
            if name in graph.inputs and name not in ends[0]
        },
        carried,
    )


def _carried_attributes(
    carried: Sequence[ImportedState],
    arguments: Mapping[str, SSAValue],
    outputs: Sequence[str],
    weights: _Weights,
) -> ArrayAttr[DictionaryAttr] | None:
    """Return the attributes of the arguments of the function, or None without state."""
    found = {
        one.input: carried_attributes(
            outputs.index(one.output), weights.initial(one, arguments[one.input])
        )
        for one in carried
    }
    empty = DictionaryAttr({})
    return ArrayAttr(found.get(name, empty) for name in arguments) if found else None


class _Translation:
    """The state of the translation of a graph: of a model, or of the definition of one of its nodes."""

    def __init__(
        self,
        graph: Graph,
        weights: _Weights,
        inputs: Mapping[str, Value],
        caller: Node | None = None,
        prefix: str = "",
    ) -> None:
        """caller: the node whose definition the graph is. prefix: the begin of the names of constants."""
        self.graph = graph
        self.weights = weights
        self.block = weights.block
        self.caller = caller
        self.prefix = prefix
        self.used = _used_tensors(graph)
        self.values: dict[str, Value] = {**graph.constants, **inputs}
        """The tensors translated so far, by ONNX name. Tensors that depend on a refused node are missing."""
        self.refused: dict[str, list[str]] = {}
        """Obstacles in the order of the nodes. Operators that are not supported at all have all their nodes."""
        self.folded: set[str] = set()
        """The missing tensors that would be constants."""
        self.corrected: set[str] = set()
        """Tensors whose shape is not the one that ONNX infers, because it infers a wrong one."""

    def run(self) -> list[str]:
        """Translate all nodes and return the obstacles."""
        for proto in self.graph.nodes:
            self._node(proto)
        return [_obstacle(message, nodes) for message, nodes in self.refused.items()]

    def _node(self, proto: onnx.NodeProto) -> None:
        """Translate one node, or record why that is impossible."""
        if not self.used.intersection(proto.output):
            return
        name = proto.name or next(filter(None, proto.output))
        label = f"node '{name}' ({proto.op_type})"
        try:
            results = self._results(self._context(proto, name, label), name)
        except RefusedInputError:
            return
        except (ImporterError, VerifyException) as error:
            self.refused.setdefault(f"{label}: {one_line(str(error))}", [])
            return
        self.values.update((o, r) for o, r in zip(proto.output, results, strict=False) if o)

    def _context(self, proto: onnx.NodeProto, name: str, label: str) -> Node:
        subgraph = partial(self._subgraph, f"{self.prefix}{name}.")
        schema = _schema(proto, self.graph.opsets)
        if self.caller is not None:
            narrow = self.graph.narrow
            return replace(
                self.caller, proto=proto, schema=schema, subgraph=subgraph, narrow=narrow
            )
        location = _location(self.graph.path, label)
        hint = identifier(name)

        def build(op: Operation) -> SSAValue:
            op.location = location
            self.block.add_op(op)
            for result in op.results:
                result.name_hint = hint
            return op.results[0]

        return Node(
            proto,
            schema,
            build,
            self.weights.parameter,
            self.graph.batch,
            subgraph,
            self.graph.narrow,
            self._detach,
            lambda message: emit_remark(self.graph.path, f"{label}: {message}"),
        )

    def _detach(self, block: Block, build: Callable[[], Sequence[Value]]) -> Sequence[Value]:
        """Move the operations that a function builds, apart from parameters, to `block`.

        If the function raises, its operations are removed.
        """
        before = self.block.last_op
        try:
            results = build()
        except (ImporterError, VerifyException):
            self._remove_after(before)
            raise
        first = self.block.first_op if before is None else before.next_op
        moved: list[Operation] = []
        while first is not None:
            moved += [] if isinstance(first, ParameterOp) else [first]
            first = first.next_op
        for op in moved:
            op.detach()
            block.add_op(op)
        return results

    def _subgraph(
        self, prefix: str, proto: onnx.GraphProto, inputs: Mapping[str, Value]
    ) -> Sequence[Value]:
        """Translate a subgraph of a node in place and return its outputs. Raises ImporterError."""
        held = {t.name: read_constant(t.name, t, self.graph.path) for t in proto.initializer}
        outputs = [output.name for output in proto.output]
        body = replace(self.graph, nodes=proto.node, outputs=outputs, constants=held, inferred={})
        values = {**self.values, **held, **inputs}
        translation = _Translation(body, self.weights, values, self.caller, prefix)
        if messages := translation.run():
            raise ImporterError("; ".join(messages))
        if any(name not in translation.values for name in outputs):
            raise RefusedInputError
        return [translation.values[name] for name in outputs]

    def _results(self, node: Node, name: str) -> Sequence[Value]:
        """Return the node's outputs; no outputs if they depend on a refused node."""
        proto = node.proto
        known = all(i in self.values for i in proto.input if i)
        inputs = [self.values.get(i) for i in proto.input]
        constants = [i for i in inputs if i is None or isinstance(i, Constant)]
        if not known and self._would_be_folded(node):
            self.folded.update(proto.output)
            return []
        if known and len(constants) == len(inputs) and is_pure(node):
            folded = fold(node, constants, self.graph.opsets)
            return [replace(c, name=self.prefix + c.name) for c in folded]
        importer = find_importer(proto)
        if importer is None and not has_definition(node.schema):
            operator = f"{proto.domain}.{proto.op_type}".lstrip(".")
            self.refused.setdefault(f"operator {operator} is not supported", []).append(name)
            return []
        if not known:
            if importer is not None and not has_definition(node.schema):
                importer.attributes(node)
            return []
        if importer is None:
            return self._defined(node, inputs, name)
        before = self.block.last_op
        try:
            return self._imported(importer, node, inputs)
        except ImporterLimitError as limit:
            if not has_definition(node.schema):
                raise
            self._remove_after(before)
            try:
                return self._defined(node, inputs, name)
            except ImporterError as error:
                raise ImporterError(f"{limit}; {error}") from error

    def _would_be_folded(self, node: Node) -> bool:
        """Return True if the node, which depends on a refused one, depends only on its shape."""
        inputs = [i for i in node.proto.input if i]
        constant = all(i in self.folded or isinstance(self.values.get(i), Constant) for i in inputs)
        return is_pure(node) and (constant or node.proto.op_type in ("Shape", "Size"))

    def _imported(
        self, importer: Importer, node: Node, inputs: Sequence[Value | None]
    ) -> Sequence[Value]:
        """Return the outputs that the importer makes."""
        if not self.graph.batch and importer.batched:
            results = import_batch(importer, node, inputs)
        else:
            results = importer(node, inputs)
        self._check_results(node, results)
        return results

    def _defined(self, node: Node, inputs: Sequence[Value | None], name: str) -> Sequence[Value]:
        """Return the outputs by ONNX's definition of the operator. Raises ImporterError."""
        before = self.block.last_op
        try:
            return self._expanded(node, inputs, name)
        except ImporterError:
            self._remove_after(before)
            if (wide := widened_inputs(node, inputs)) is None:
                raise
            results = self._expanded(node, wide, name)
            return rounded_results(node, inputs, results)

    def _expanded(self, node: Node, inputs: Sequence[Value | None], name: str) -> Sequence[Value]:
        """Return the outputs of the definition, in the types that it gives them. Raises ImporterError."""
        proto = node.proto
        body = definition(node, inputs, self.graph, name)
        body = replace(body, outputs=[o for o in proto.output if o in self.used])
        known = zip(proto.input, inputs, strict=True)
        activations = {n: x for n, x in known if isinstance(x, Activation)}
        caller = self.caller or node
        translation = _Translation(body, self.weights, activations, caller, f"{name}.")
        if messages := translation.run():
            raise ImporterError(f"it is defined by other operators: {messages[0]}")
        results = [translation.values.get(o, Constant("", np.empty(0))) for o in proto.output]
        self._check_results(node, results)
        return results

    def _remove_after(self, before: Operation | None) -> None:
        """Remove the operations that were added after `before`, apart from parameters, which others may share."""
        op = self.block.last_op
        while op is not before:
            assert op is not None
            previous = op.prev_op
            if not isinstance(op, ParameterOp):
                op.detach()
                op.erase()
            op = previous

    def _check_results(self, node: Node, results: Sequence[Value]) -> None:
        """Check that all used outputs exist and have the shape that ONNX infers, unless it is known to err."""
        for index, output in enumerate(node.proto.output):
            if output not in self.used:
                continue
            if index >= len(results):
                raise ImporterError(f"output {node.output_name(index)} is not supported")
            result = results[index]
            shape = node.shape(result) if isinstance(result, Activation) else result.shape
            expected = self.graph.inferred.get(output, shape)
            if shape == expected:
                continue
            if self.corrected.isdisjoint(node.proto.input) and not is_misjudged(node):
                way = "sample by sample" if self.graph.batch else "here"
                raise ImporterError(
                    f"output {node.output_name(index)} has the shape {list(expected)} according to"
                    f" ONNX's shape inference, but {list(shape)} when it is computed {way}"
                )
            self.corrected.add(output)


def _erase_unused_views(block: Block) -> None:
    """Erase views that no operation uses: operators between which they stood then follow each other."""
    for op in reversed(list(block.ops)):
        if isinstance(op, ReshapeOp | TransposeOp) and op.results[0].first_use is None:
            block.erase_op(op)


class _Weights:
    """The parameters of the network, and the operations that refer to them."""

    def __init__(self, block: Block, path: Path) -> None:
        self.block = block
        self.path = path
        self.arrays = Parameters()
        self.values: dict[str, SSAValue] = {}

    def parameter(self, constant: Constant) -> SSAValue:
        array = np.asarray(held_narrow(constant.array), order="C")
        if not array.size:
            raise ImporterError(
                f"constant '{constant.name}' has no elements: its shape is {list(array.shape)}"
            )
        if array.dtype not in ELEMENT_TYPE_OF:
            known = ", ".join(map(str, ELEMENT_TYPE_OF))
            raise ImporterError(
                f"constant '{constant.name}' has elements of type {array.dtype}, not one of {known}"
            )
        type = tensor_type(array.shape, ELEMENT_TYPE_OF[array.dtype])
        if array.size == 1:
            dense = DenseIntOrFPElementsAttr.from_list(type, [array.item()])
            return self._append(ParameterOp(dense, type), constant.name)
        name = self._name(constant.name, array)
        if name not in self.values:
            self.values[name] = self._append(ParameterOp(name, type), name)
        return self.values[name]

    def initial(
        self, state: ImportedState, argument: SSAValue
    ) -> StringAttr | DenseIntOrFPElementsAttr:
        """Return the initial value of a carried argument: inline if all its elements are the same."""
        array = np.asarray(state.initial.reshape(shape_of(argument)), order="C")
        first = array.reshape(-1)[:1]
        if array.tobytes() != first.tobytes() * array.size:
            return StringAttr(self._name(f"{state.input}.initial", array))
        type = tensor_type(array.shape, element_of(argument))
        return DenseIntOrFPElementsAttr.from_list(type, first.tolist())

    def remove_unused(self) -> None:
        """Remove the parameters that no operation reads."""
        used: set[str] = set()
        held = [
            op for outer in self.block.ops for op in outer.walk() if isinstance(op, ParameterOp)
        ]
        for op in held:
            if not op.result.uses:
                op.detach()
                op.erase()
            elif isinstance(op.source, StringAttr):
                used.add(op.source.data)
        for name in self.arrays.keys() - used:
            del self.arrays[name]

    def _append(self, op: Operation, name: str) -> SSAValue:
        op.location = _location(self.path, f"initializer '{name}'")
        self.block.add_op(op)
        op.results[0].name_hint = identifier(name)
        return op.results[0]

    def _name(self, name: str, array: np.ndarray) -> str:
        """Return the name under which the array is stored: `name`, unless another array has it."""
        for candidate in suffixed(".")(name):
            held = self.arrays.setdefault(candidate, array)
            if held is array or (held.dtype == array.dtype and np.array_equal(held, array)):
                return candidate
        raise AssertionError("there is always one more name")


def _used_tensors(graph: Graph) -> set[str]:
    """Return the names of all tensors on which the graph's outputs depend."""
    used = set(graph.outputs)
    for proto in reversed(graph.nodes):
        if used.intersection(proto.output):
            used.update(read_tensors(proto))
    return used - {""}


def _location(path: Path, what: str) -> NameLoc:
    return NameLoc(StringAttr(f"{path}: {what}"), UnknownLoc())


def _schema(proto: onnx.NodeProto, opsets: Mapping[str, int]) -> onnx.defs.OpSchema | None:
    try:
        return onnx.defs.get_schema(proto.op_type, opsets[proto.domain], proto.domain)
    except onnx.defs.SchemaError:
        return None


def _obstacle(message: str, nodes: Sequence[str]) -> str:
    if not nodes:
        return message
    others = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
    return f"{message} (node '{nodes[0]}'{others})"


def identifier(name: str) -> str:
    """Return `name` as a name for an SSA value. A final `_1` becomes `1`, because xDSL would drop it."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    name = re.sub(r"_+(?=\d+$)", "", name)
    return name if re.match("[A-Za-z_]", name) else f"v{name}"
