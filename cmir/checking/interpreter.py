"""Interpreter of ONNX graphs with exact integers.

`operators`, `microsoft` and `recurrent` define operators on integers, and between integers and floats. `ordinary`
evaluates all other operators, node by node, and operands for which a function there returns `NotImplemented`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, helper, inliner, numpy_helper

from cmir.checking import (  # they register their functions
    microsoft,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    operators,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    qonnx,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    recurrent,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from cmir.checking.ordinary import OrdinaryNodes
from cmir.checking.registry import find_function, on_integers
from cmir.support.diagnostics import CompileError

Values = dict[str, Any]


def uses_integers(model: onnx.ModelProto) -> bool:
    """Return True if an operator on integers occurs in the model, its subgraphs or its functions."""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    return any(map(_computes_with_integers, nodes))


def _computes_with_integers(node: onnx.NodeProto) -> bool:
    inner = (n for graph in subgraphs(node) for n in graph.node)
    return on_integers(node) or any(map(_computes_with_integers, inner))


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs among the attributes of a node."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


class Interpreter:
    """Interpreter of a model: a function from inputs to outputs, in order."""

    def __init__(self, model: onnx.ModelProto, directory: str = "") -> None:
        """Prepare a model. directory: folder of the files with external tensor data."""
        self._directory = directory
        model = inliner.inline_local_functions(model) if model.functions else model
        self._graph = model.graph
        self._constants = self._initializers(model.graph)
        self._ordinary = OrdinaryNodes(model.ir_version, model.opset_import)

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> list[Any]:
        """Evaluate the model. Raises CompileError, which names the node, if it cannot be evaluated."""
        values = {**self._constants, **feeds}
        return self._run(self._graph, values)

    def _initializers(self, graph: onnx.GraphProto) -> Values:
        return {t.name: numpy_helper.to_array(t, self._directory) for t in graph.initializer}

    def _run(self, graph: onnx.GraphProto, values: Values) -> list[Any]:
        for node in graph.node:
            try:
                results = self._node(node, values)
            except CompileError:
                raise
            except Exception as error:  # NumPy raises various errors for operands that do not fit
                name = ".".join(filter(None, (node.domain, node.op_type)))
                raise CompileError(
                    None, f"no reference: node '{node.name or node.output[0]}' ({name}): {error}"
                ) from error
            values.update(results)
        return [values[output.name] for output in graph.output]

    def _node(self, node: onnx.NodeProto, values: Values) -> Values:
        if (function := find_function(node)) is not None:
            inputs = [values[name] if name else None for name in node.input]
            found = function(*inputs, **_attributes(node))
            if found is not NotImplemented:
                outputs = found if isinstance(found, tuple) else [np.asarray(found)]
                return {name: x for name, x in zip(node.output, outputs, strict=False) if name}
        if any(_computes_with_integers(n) for graph in subgraphs(node) for n in graph.node):
            return dict(zip(node.output, self._control_flow(node, values), strict=True))
        known = {name: values[name] for name in sorted(_reads(node)) if name in values}
        return dict(zip(filter(None, node.output), self._ordinary(node, known), strict=True))

    def _control_flow(self, node: onnx.NodeProto, values: Values) -> list[Any]:
        if node.op_type != "If":
            raise ValueError("there is no exact reference for operators on integers in its body")
        branches = {attribute.name: attribute.g for attribute in node.attribute}
        branch = branches["then_branch" if values[node.input[0]] else "else_branch"]
        return self._run(branch, {**values, **self._initializers(branch)})


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: _decoded(helper.get_attribute_value(a)) for a in node.attribute}


def _decoded(value: Any) -> Any:
    """Return an attribute's value with text for bytes."""
    if isinstance(value, list):
        return [_decoded(element) for element in value]
    return value.decode() if isinstance(value, bytes) else value


def _reads(node: onnx.NodeProto) -> set[str]:
    """Return the names of the tensors that a node and its subgraphs read; these may include the subgraphs' own."""
    names = set(filter(None, node.input))
    for graph in subgraphs(node):
        names |= {output.name for output in graph.output}
        names = names.union(*map(_reads, graph.node))
    return names
