"""What is wrong with an invalid model: the findings of ONNX's checker, with the node as other messages name it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain

import onnx

from cmir.frontends.onnx.errors import one_line
from cmir.support.counts import count_of
from cmir.support.similar import did_you_mean

_CONTEXT = re.compile(
    r"^(?P<text>.*?) *==> Context: Bad node spec for node\. Name: ?(?P<name>.*?) ?OpType: ?(?P<kind>\S*)"
)
"""A finding of the checker, and the node that it is about: in a subgraph, the innermost comes first."""


def explain_finding(error: Exception, model: onnx.ModelProto) -> str:
    """Return a finding of ONNX's checker or shape inference in one line, in the words of other messages."""
    finding = one_line(str(error))
    found = _CONTEXT.match(finding)
    text = finding if found is None else found["text"]
    if (unsorted := _UNSORTED.search(text)) is not None:
        return _of_tensor(unsorted["tensor"], model)
    if (repeated := _REPEATED.search(text)) is not None:
        labels = [label(node) for node in _nodes(model.graph) if repeated[1] in node.output]
        return f"tensor '{repeated[1]}' is computed by several nodes: {', '.join(labels)}"
    if found is None:
        return text.rstrip(".")
    node = _node(found["name"], found["kind"], text, model)
    for pattern, explain in _RULES:
        if (match := pattern.search(text)) is not None:
            text = explain(match, node, model)
            break
    return f"{label(node)}: {text.rstrip('.')}"


def label(node: onnx.NodeProto) -> str:
    """Return what messages call a node. One without a name has that of its first output."""
    name = node.name or next(filter(None, node.output), "")
    return f"node '{name}' ({node.op_type})" if name else f"a node ({node.op_type}) without outputs"


_UNSORTED = re.compile(
    r"topologically sorted, however input '(?P<tensor>.*?)' of node: .* is not output"
)
_REPEATED = re.compile(r"\(SSA\) form, however '(.*?)' has been used")


def _of_tensor(tensor: str, model: onnx.ModelProto) -> str:
    """Return what is wrong with a tensor that no earlier node computes."""
    readers = (node for node in _nodes(model.graph) if tensor in node.input)
    reader = next(readers, None)
    who = "a node" if reader is None else label(reader)
    writer = next((node for node in _nodes(model.graph) if tensor in node.output), None)
    if writer is not None:
        return f"{who} reads '{tensor}', which {label(writer)} computes later: nodes must be sorted"
    return f"{who} reads '{tensor}', which is no input, no initializer, and no output of a node"


_Explain = Callable[[re.Match[str], onnx.NodeProto, onnx.ModelProto], str]


def _unknown_operator(match: re.Match[str], node: onnx.NodeProto, model: onnx.ModelProto) -> str:
    domain = f"domain '{node.domain}'" if node.domain else "ONNX"
    schemas = [s for s in onnx.defs.get_all_schemas_with_history() if s.domain == node.domain]
    versions = [s.since_version for s in schemas if s.name == node.op_type]
    opset = next((o.version for o in model.opset_import if o.domain == node.domain), 0)
    if versions:
        since = f"opset {min(versions)} introduced it, and the model imports opset {opset}"
        return f"the operator is unknown: {since}"
    hint = did_you_mean(node.op_type, {s.name for s in schemas})
    return f"{domain} has no operator '{node.op_type}' in opset {opset}{hint}"


def _unknown_attribute(match: re.Match[str], node: onnx.NodeProto, model: onnx.ModelProto) -> str:
    opset = next((o.version for o in model.opset_import if o.domain == node.domain), 0)
    try:
        known = [*onnx.defs.get_schema(node.op_type, opset, node.domain).attributes]
    except onnx.defs.SchemaError:
        known = []
    has = f"; it has {', '.join(known)}" if known else ""
    return f"unknown attribute '{match[1]}'{did_you_mean(match[1], known) or has}"


def _count(match: re.Match[str], node: onnx.NodeProto, model: onnx.ModelProto) -> str:
    what, given, least, most = match[1], *map(int, match.groups()[1:])
    wanted = f"{least}" if least == most else f"{least} to {most}"
    wanted = f"at least {least}" if most >= _ANY else wanted
    return f"it has {count_of(given, what)}, and must have {wanted}"


_ANY = 2**31 - 1
"""The most inputs of an operator that takes any number."""

_RULES: tuple[tuple[re.Pattern[str], _Explain], ...] = (
    (re.compile(r"No Op registered for"), _unknown_operator),
    (re.compile(r"Unrecognized attribute: (\S+) for operator"), _unknown_attribute),
    (re.compile(r"has (input|output) size (\d+) not in range \[min=(\d+), max=(\d+)\]"), _count),
    (
        re.compile(r"Required attribute '(.*?)' is missing"),
        lambda match, *_: f"attribute '{match[1]}' is missing",
    ),
    (
        re.compile(
            r"Mismatched attribute type in '(?:.* : )?(.*?)'\. Expected: '(.*?)', actual: '(.*?)'"
        ),
        lambda m, *_: f"attribute '{m[1]}' must be of type {m[2].lower()}, got {m[3].lower()}",
    ),
    (
        re.compile(r"Attribute '(.*?)' appeared multiple times"),
        lambda match, *_: f"attribute '{match[1]}' is given several times",
    ),
    (
        re.compile(r"No opset import for domain '(.*?)'"),
        lambda match, *_: f"the model imports no opset of domain '{match[1]}'",
    ),
    (
        re.compile(r"Op registered for \S+ is deprecated in domain_version of (\d+)"),
        lambda match, *_: f"the operator is no longer part of opset {match[1]}",
    ),
)


def _node(name: str, kind: str, text: str, model: onnx.ModelProto) -> onnx.NodeProto:
    """Return the node that a finding is about. One without a name is told by its numbers of inputs and outputs."""
    nodes = [n for n in _nodes(model.graph) if (n.name, n.op_type) == (name, kind)]
    if (match := re.search(r"has (input|output) size (\d+)", text)) is not None:
        nodes = [node for node in nodes if len(getattr(node, match[1])) == int(match[2])] or nodes
    return nodes[0] if nodes else onnx.NodeProto(name=name, op_type=kind)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield all nodes of a graph and of its subgraphs."""
    for node in graph.node:
        yield node
        graphs = chain.from_iterable(
            (attribute.g, *attribute.graphs) for attribute in node.attribute
        )
        for inner in graphs:
            yield from _nodes(inner)
