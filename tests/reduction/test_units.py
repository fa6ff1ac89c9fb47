"""Modules without some of their operators, stages or programs are valid, and have the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation

from cmir.compilation.verification import verify
from cmir.context import make_context
from cmir.extensions import installed_universe
from cmir.pipelines.text import parse_passes
from cmir.reduction.bodies import body_ops, without
from cmir.reduction.extents import smaller
from cmir.reduction.search import reduce
from cmir.reduction.units import keep_units, units
from cmir.support.diagnostics import CompileError
from cmir.support.parsing import parse_module
from cmir.support.printing import ir_text

ROOT = Path(__file__).parents[2]
NETWORK = """
func.func @main(%x: tensor<1x8x8xf32>) -> (tensor<1x8x8xf32>, tensor<1x6x6xf32>) {
  %k = nn.parameter dense<1.0> : tensor<1x1x3x3xf32>
  %a = nn.conv %x, %k {pads = [1, 1, 1, 1]}
      : (tensor<1x8x8xf32>, tensor<1x1x3x3xf32>) -> tensor<1x8x8xf32>
  %b = nn.conv %a, %k {pads = [1, 1, 1, 1]}
      : (tensor<1x8x8xf32>, tensor<1x1x3x3xf32>) -> tensor<1x8x8xf32>
  %c = nn.add %a, %b : (tensor<1x8x8xf32>, tensor<1x8x8xf32>) -> tensor<1x8x8xf32>
  %d = nn.max_pool %c {kernel = [3, 3]} : (tensor<1x8x8xf32>) -> tensor<1x6x6xf32>
  func.return %c, %d : tensor<1x8x8xf32>, tensor<1x6x6xf32>
}
"""
LEVELS = {
    "operators": "",
    "stages": "nn-outline-stages",
    "polyhedral": "nn-to-polyhedral",
    "dependences": "nn-to-polyhedral,polyhedral-assign-storage{sizes=live},polyhedral-derive-dependences",
    "cmcore": "nn-to-polyhedral,polyhedral-stream-inputs,polyhedral-to-cmcore",
    "shared": "nn-to-polyhedral,polyhedral-to-cmcore,cmcore-share-cores{cores=2 hardware=puma}",
}


def compiled(pipeline: str) -> ModuleOp:
    ctx = make_context()
    module = parse_module(NETWORK, ctx)
    for item in parse_passes(pipeline, "-p", installed_universe().all_passes):
        item.apply(ctx, module)
    return module


MODULES = {level: compiled(pipeline) for level, pipeline in LEVELS.items()}


def top(module: ModuleOp) -> Operation:
    (op,) = module.body.block.ops
    return op


def name(unit: Operation) -> object:
    """The name of a stage or program, or the kind of an operator."""
    return unit.properties["sym_name"] if "sym_name" in unit.properties else StringAttr(unit.name)


def is_valid(module: ModuleOp) -> bool:
    try:
        verify(module)
    except CompileError:
        return False
    return True


@pytest.mark.parametrize("level", LEVELS)
@given(st.data())
@settings(max_examples=10, deadline=None)
def test_any_subset(level: str, data: st.DataObject) -> None:
    module = MODULES[level]
    before, everything = ir_text(module), units(top(module))
    kept = data.draw(st.sets(st.sampled_from(range(len(everything))), min_size=1))
    result = keep_units(module, 0, kept)
    verify(result)
    found = [name(unit) for unit in units(top(result))]
    assert found == [name(unit) for index, unit in enumerate(everything) if index in kept]
    assert ir_text(module) == before


@pytest.mark.parametrize("level", ["stages", "polyhedral"])
def test_extents(level: str) -> None:
    """Some candidates are valid, all are other modules, and the original stays as it is."""
    module = MODULES[level]
    before = ir_text(module)
    candidates = list(smaller(module))
    assert any(map(is_valid, candidates))
    assert all(ir_text(candidate) != before for candidate in candidates)
    assert ir_text(module) == before


@pytest.mark.parametrize("level", ["stages", "polyhedral", "cmcore"])
def test_operations_of_bodies(level: str) -> None:
    module = MODULES[level]
    before = ir_text(module)
    count = len(body_ops(module))
    smaller_ones = [c for index in range(count) for c in without(module, index)]
    assert any(map(is_valid, smaller_ones))
    assert ir_text(module) == before


@pytest.mark.parametrize(
    ("level", "operation"),
    [("operators", "nn.max_pool"), ("polyhedral", "arith.addf"), ("cmcore", "cmcore.mxv")],
)
def test_search(level: str, operation: str) -> None:
    """What is left of the network is one unit with the operation."""

    def fails(module: ModuleOp) -> bool:
        return is_valid(module) and any(op.name == operation for op in module.walk())

    result = reduce(MODULES[level], fails)
    assert fails(result)
    (left,) = result.body.block.ops
    assert len(units(left)) == 1
