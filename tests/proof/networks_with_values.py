"""Networks at the nn level in which every kind of value appears, and ways to compile them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from networks import run_passes
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.parameter import ParameterOp
from cmir.support.diagnostics import collect_diagnostics
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

PLAIN = "nn-fold-batch-norm,canonicalize"

MAPPINGS = {
    "full buffers": "",
    "rings": "polyhedral-assign-storage{sizes=lossless}",
    "small rings": "polyhedral-stream-inputs,polyhedral-assign-storage{sizes=live}",
    "replicated": "polyhedral-replicate{cores=12}",
}
"""Passes at the polyhedral level."""


@dataclass
class WithSource:
    """A network and the function that it was compiled from, with values for its parameters."""

    function: FuncOp
    network: NetworkOp
    parameters: Parameters


def compiled(text: str, mapping: str = "") -> WithSource:
    """Compile the text of a function at the nn level. mapping: passes at the polyhedral level."""
    context = make_context()
    module = parse_module(text, context, "network.mlir")
    context.parameters = random_parameters(module)
    with collect_diagnostics():
        run_passes(module, PLAIN, context)
        source = module.clone()
        passes = ["nn-to-polyhedral", *filter(None, [mapping]), "polyhedral-to-cmcore"]
        run_passes(module, ",".join(passes), context)
    function, network = source.body.block.first_op, module.body.block.first_op
    assert isinstance(function, FuncOp) and isinstance(network, NetworkOp)
    return WithSource(function, network, context.parameters)


def random_parameters(module: ModuleOp) -> Parameters:
    """Values for all parameters with names."""
    random = np.random.default_rng(3)
    parameters = Parameters()
    for op in module.walk():
        if isinstance(op, ParameterOp) and isinstance(op.source, StringAttr):
            dtype, shape = dtype_of(op.result), shape_of(op.result)
            if dtype.kind == "f":
                value = random.normal(size=shape)
                value = np.abs(value) + 0.5 if "positive" in op.source.data else value
            else:
                value = random.integers(0 if dtype.kind == "u" else -9, 9, shape)
            parameters[op.source.data] = value.astype(dtype)
    return parameters


NETWORKS = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parent / "values").glob("*.mlir"))
}
"""The texts of functions, by name."""
