"""ONNX's definitions of operators by functions of other operators, for operators that have no importer.

A definition is expanded for one node, when the types of its inputs and the values of its constants are known: some
definitions depend on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import helper, inliner, numpy_helper, shape_inference, version_converter
from onnx.defs import OpSchema, get_schema

from cmir.dialects.nn.operation import element_of
from cmir.frontends.onnx.elements import numpy_dtype
from cmir.frontends.onnx.errors import ImporterError, one_line
from cmir.frontends.onnx.inference import infer_types, shape_of_type
from cmir.frontends.onnx.loading import ELEMENTS, HELD, LARGE, Graph
from cmir.frontends.onnx.node import Activation, Constant, Node, Value

_CALLED = "cmir.definition"
"""The domain of functions that are inlined."""


def has_definition(schema: OpSchema | None) -> bool:
    """Return True if ONNX defines the operator by a function, in this version of its schema or in the newest."""
    return schema is not None and _defined(schema) is not None


def definition(node: Node, inputs: Sequence[Value | None], graph: Graph, name: str) -> Graph:
    """Return the definition of the operator for this node, as a graph of other operators.

    node: a node whose operator has a definition. inputs: its inputs; a missing one is None. graph: the node's graph.
    name: the name of the definition's nodes.

    The result has the inputs and outputs of the node. Raises ImporterError.
    """
    given = {n: x for n, x in zip(node.proto.input, inputs, strict=True) if x is not None}
    try:
        model = _inlined(_model(node, given, graph))
        types = infer_types(model)
    except Exception as error:  # ONNX's C++ functions throw various errors
        message = f"ONNX's definition of it cannot be used: {one_line(str(error))}"
        raise ImporterError(message) from error
    for inner in model.graph.node:
        inner.name = name
    shapes = {name: shape_of_type(type_) for name, type_ in types.items()}
    activations = {n: x for n, x in given.items() if isinstance(x, Activation)}
    return Graph(
        graph.path,
        {opset.domain: opset.version for opset in model.opset_import},
        model.graph.node,
        {name: node.shape(x) for name, x in activations.items()},
        {name: element_of(x) for name, x in activations.items()},
        [name for name in node.proto.output if name],
        {name: x for name, x in given.items() if isinstance(x, Constant)},
        {name: shape for name, shape in shapes.items() if shape is not None},
        graph.division,
        narrow={n: numpy_dtype(t.elem_type) for n, t in types.items() if t.elem_type in HELD},
    )


def _defined(schema: OpSchema) -> OpSchema | None:
    """Return this version of the schema if it has a definition, else the newest if that has one."""
    newest = get_schema(schema.name, domain=schema.domain)
    return next((s for s in (schema, newest) if _versions(s)), None)


def _versions(schema: Any) -> list[int]:
    """Return the opsets for which the schema has definitions. ONNX's types lack these attributes."""
    return sorted(schema.all_function_opset_versions)


def _model(node: Node, given: Mapping[str, Value], graph: Graph) -> onnx.ModelProto:
    """Return a model of this node alone. Small constants are initializers, others are inputs."""
    held = {n: x for n, x in given.items() if isinstance(x, Constant) and x.array.size < LARGE}
    infos = [
        helper.make_value_info(name, _type(node, x))
        for name, x in given.items()
        if name not in held
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.proto.output if name]
    initializers = [numpy_helper.from_array(x.array, name) for name, x in held.items()]
    inner = helper.make_graph([node.proto], "definition", infos, outputs, initializers)
    opsets = [helper.make_opsetid(domain, version) for domain, version in graph.opsets.items()]
    return helper.make_model(inner, opset_imports=opsets)


def _type(node: Node, x: Value) -> onnx.TypeProto:
    if isinstance(x, Constant):
        return helper.make_tensor_type_proto(
            helper.np_dtype_to_tensor_dtype(x.array.dtype), x.shape
        )
    kinds = {element: kind for kind, element in ELEMENTS.items()}
    return helper.make_tensor_type_proto(kinds[element_of(x)], node.shape(x))


def _inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model of one node with the definition of its operator instead of the node."""
    (node,) = model.graph.node
    opset = next(o.version for o in model.opset_import if o.domain == node.domain)
    schema = get_schema(node.op_type, opset, node.domain)
    defined = _defined(schema)
    assert defined is not None
    if defined.since_version > schema.since_version:
        opset = defined.since_version
        model = version_converter.convert_version(model, opset)
    # The converter may have put attributes into constants, which come first.
    node = model.graph.node[-1]
    function = _function(defined, opset, node, _types(model, node))
    # The function's operators are those of its own opset.
    del model.opset_import[:]
    model.opset_import.extend(function.opset_import)
    function.domain = node.domain = _CALLED
    model.opset_import.append(helper.make_opsetid(_CALLED, 1))
    model.functions.append(function)
    model = inliner.inline_local_functions(model)
    del model.opset_import[-1]
    return model


def _types(model: onnx.ModelProto, node: onnx.NodeProto) -> list[onnx.TypeProto]:
    """Return the types of the node's inputs; an empty one for a missing input."""
    graph = shape_inference.infer_shapes(model).graph
    types = {info.name: info.type for info in (*graph.input, *graph.value_info)}
    for tensor in graph.initializer:
        types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    return [types.get(name, onnx.TypeProto()) for name in node.input]


def _function(
    schema: OpSchema, opset: int, node: onnx.NodeProto, types: Sequence[onnx.TypeProto]
) -> onnx.FunctionProto:
    """Return the newest definition up to this opset, else the oldest. The node gets the defaults of its attributes."""
    given = {attribute.name for attribute in node.attribute}
    for name, attribute in schema.attributes.items():
        if name not in given and attribute.default_value.type:
            node.attribute.append(attribute.default_value)
    versions = _versions(schema)
    version = max((v for v in versions if v <= opset), default=versions[0])
    api: Any = schema  # ONNX's types lack what follows
    if version in api.function_opset_versions:
        text = api.get_function_with_opset_version(version)
    else:
        text = api.get_context_dependent_function_with_opset_version(
            version, node.SerializeToString(), [t.SerializeToString() for t in types]
        )
    if not text:
        raise RuntimeError(f"it has none for opset {version} and these inputs")
    function = onnx.FunctionProto()
    function.ParseFromString(text)
    return function
