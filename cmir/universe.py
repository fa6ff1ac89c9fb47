"""Dialects and passes of cmir for xDSL's registry; each module is imported at its first use."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe

DIALECTS = ("nn", "polyhedral", "cmcore")
"""Names of dialects; dialect `d` is defined in the module cmir.dialects.d."""

PASSES = (
    "nn-fold-batch-norm",
    "nn-outline-stages",
    "convert-nn-to-polyhedral",
    "polyhedral-set-hardware",
    "polyhedral-schedule",
    "polyhedral-stream-tables",
    "polyhedral-stream-inputs",
    "polyhedral-stream-outputs",
    "polyhedral-merge-stages",
    "polyhedral-split-matrices",
    "polyhedral-split-buffers",
    "polyhedral-replicate",
    "polyhedral-add-ways",
    "polyhedral-plan-copies",
    "polyhedral-assign-storage",
    "polyhedral-derive-dependences",
    "polyhedral-generate-loops",
    "convert-polyhedral-to-cmcore",
    "cmcore-set-hardware",
    "cmcore-verify-control",
    "cmcore-verify-values",
    "cmcore-share-cores",
    "cmcore-place-cores",
    "convert-cmcore-to-hw",
)
"""Names of passes; pass `a-b` is the class ABPass in the module cmir.passes.a_b."""


def _dialect(name: str) -> Callable[[], Dialect]:
    def load() -> Dialect:
        module = import_module(f"cmir.dialects.{name}")
        return next(
            value
            for value in vars(module).values()
            if isinstance(value, Dialect) and value.name == name
        )

    return load


def _pass(name: str) -> Callable[[], type[ModulePass]]:
    def load() -> type[ModulePass]:
        module = import_module(f"cmir.passes.{name.replace('-', '_')}")
        return getattr(module, "".join(map(str.capitalize, name.split("-"))) + "Pass")

    return load


CMIR_UNIVERSE = Universe(
    all_dialects={name: _dialect(name) for name in DIALECTS},
    all_passes={name: _pass(name) for name in PASSES},
)
