"""Translation of a loaded graph, node by node, into a function of `nn` operations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    ModuleOp,
    NameLoc,
    StringAttr,
    UnknownLoc,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import ParameterOp
from cmir.dialects.nn.operation import ELEMENT_TYPE_OF, Shape, shape_of, tensor_type
from cmir.frontends.onnx.batches import one_batch
from cmir.frontends.onnx.errors import ImporterError, OnnxError, one_line
from cmir.frontends.onnx.folding import fold, is_pure
from cmir.frontends.onnx.loading import Graph
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.registry import find_importer
from cmir.support.naming import suffixed
from cmir.support.parameters import Parameters


@dataclass(frozen=True)
class ImportedModule:
    """A module with one function, `main`, for one sample, and the parameters that it refers to."""

    module: ModuleOp
    parameters: Parameters
    inputs: Mapping[str, Shape]
    """Name and ONNX shape, including any batch dimension, of each argument of `main`."""
    outputs: Mapping[str, Shape]
    """Name and ONNX shape, including any batch dimension, of each result of `main`."""
    files: Set[Path]
    """Files that hold parameters outside the model."""


def build_module(graph: Graph) -> ImportedModule:
    """Translate the graph. Raises OnnxError, which lists all obstacles."""
    translation = _Translation(graph)
    for proto in graph.nodes:
        translation.node(proto)
    return translation.finish()


class _Translation:
    """The state of one translation."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.used = _used_tensors(graph)
        batch = len(graph.batch)
        types = [tensor_type(s[batch:], graph.elements[name]) for name, s in graph.inputs.items()]
        self.block = Block(arg_types=types)
        self.values: dict[str, Value] = dict(graph.constants)
        """The tensors translated so far, by ONNX name. Tensors that depend on a refused node are missing."""
        self.weights = _Weights(self.block, graph.path)
        self.refused: list[str] = []
        self.unknown: dict[str, list[str]] = {}
        """Operators without an importer, with their nodes."""
        for name, argument in zip(graph.inputs, self.block.args, strict=True):
            argument.location = _location(graph.path, f"input '{name}'")
            argument.name_hint = identifier(name)
            self.values[name] = argument

    def node(self, proto: onnx.NodeProto) -> None:
        """Translate one node, or record why that is impossible."""
        if not self.used.intersection(proto.output):
            return
        name = proto.name or next(filter(None, proto.output))
        label = f"node '{name}' ({proto.op_type})"
        try:
            results = self._results(self._context(proto, name, label), name)
        except (ImporterError, VerifyException) as error:
            self.refused.append(f"{label}: {one_line(str(error))}")
            return
        self.values.update((o, r) for o, r in zip(proto.output, results, strict=False) if o)

    def finish(self) -> ImportedModule:
        graph = self.graph
        outputs = {name: self.values.get(name) for name in graph.outputs}
        messages = [*_unknown_operators(self.unknown), *self.refused]
        messages += [
            f"output '{name}' does not depend on the inputs"
            for name, value in outputs.items()
            if isinstance(value, Constant)
        ]
        made = {*graph.inputs, *graph.constants, *(o for node in graph.nodes for o in node.output)}
        messages += [
            f"invalid model: nothing computes output '{name}'"
            for name in graph.outputs
            if name not in made
        ]
        if messages:
            raise OnnxError(graph.path, messages)
        results = [value for value in outputs.values() if isinstance(value, Activation)]
        self.block.add_op(ReturnOp(*results))
        types = ([a.type for a in self.block.args], [r.type for r in results])
        return ImportedModule(
            ModuleOp([FuncOp("main", types, Region(self.block))]),
            self.weights.arrays,
            graph.inputs,
            {n: (*graph.batch, *shape_of(r)) for n, r in zip(outputs, results, strict=True)},
            graph.files,
        )

    def _context(self, proto: onnx.NodeProto, name: str, label: str) -> Node:
        location = _location(self.graph.path, label)
        hint = identifier(name)

        def build(op: Operation) -> SSAValue:
            op.location = location
            self.block.add_op(op)
            (result,) = op.results
            result.name_hint = hint
            return result

        schema = _schema(proto, self.graph.opsets)
        return Node(proto, schema, build, self.weights.parameter, self.graph.batch)

    def _results(self, node: Node, name: str) -> Sequence[Value]:
        """Return the node's outputs; no outputs if they depend on a refused node."""
        proto = node.proto
        known = all(i in self.values for i in proto.input if i)
        inputs = [self.values.get(i) for i in proto.input]
        constants = [i for i in inputs if i is None or isinstance(i, Constant)]
        if known and len(constants) == len(inputs) and is_pure(node):
            return fold(node, constants, self.graph.opsets)
        importer = find_importer(proto)
        if importer is None:
            self.unknown.setdefault(f"{proto.domain}.{proto.op_type}".lstrip("."), []).append(name)
            return []
        if not known:
            importer.attributes(node)
            return []
        if not self.graph.batch and importer.batched:
            results = one_batch(importer, node, inputs)
        else:
            results = importer(node, inputs)
        self._check_results(node, results)
        return results

    def _check_results(self, node: Node, results: Sequence[Value]) -> None:
        """Check that all used outputs exist and have the shape that ONNX infers."""
        for index, output in enumerate(node.proto.output):
            if output not in self.used:
                continue
            if index >= len(results):
                raise ImporterError(f"output {node.output_name(index)} is not supported")
            result = results[index]
            shape = node.shape(result) if isinstance(result, Activation) else result.shape
            expected = self.graph.inferred.get(output, shape)
            if shape != expected:
                raise ImporterError(
                    f"output {node.output_name(index)} has the shape {list(expected)},"
                    f" which cannot be computed sample by sample (that gives {list(shape)})"
                )


class _Weights:
    """The parameters of the network, and the operations that refer to them."""

    def __init__(self, block: Block, path: Path) -> None:
        self.block = block
        self.path = path
        self.arrays = Parameters()
        self.values: dict[str, SSAValue] = {}

    def parameter(self, constant: Constant) -> SSAValue:
        array = np.asarray(constant.array, order="C")
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
            used.update(proto.input)
    return used - {""}


def _location(path: Path, what: str) -> NameLoc:
    return NameLoc(StringAttr(f"{path}: {what}"), UnknownLoc())


def _schema(proto: onnx.NodeProto, opsets: Mapping[str, int]) -> onnx.defs.OpSchema | None:
    try:
        return onnx.defs.get_schema(proto.op_type, opsets[proto.domain], proto.domain)
    except onnx.defs.SchemaError:
        return None


def _unknown_operators(unknown: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for operator, nodes in unknown.items():
        others = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
        yield f"operator {operator} is not supported (node '{nodes[0]}'{others})"


def identifier(name: str) -> str:
    """Return `name` as a name for an SSA value. A final `_1` becomes `1`, because xDSL would drop it."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    name = re.sub(r"_+(?=\d+$)", "", name)
    return name if re.match("[A-Za-z_]", name) else f"v{name}"
