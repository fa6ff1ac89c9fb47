"""Passes for a machine, built in Python: an object, the text that names one, and what the IR carries mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
import pytest
from networks import Builder
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp
from cmir.extensions import installed_universe
from cmir.frontends.onnx import import_onnx
from cmir.hardware.attribute import ATTRIBUTE, hardware_of
from cmir.hardware.description import Hardware
from cmir.hardware.sections import CoreSection, Crossbar, Interconnect
from cmir.passes.cmcore_place_cores import CmcorePlaceCoresPass
from cmir.passes.cmcore_set_hardware import CmcoreSetHardwarePass
from cmir.passes.hardware import HardwarePass
from cmir.passes.polyhedral_assign_storage import PolyhedralAssignStoragePass
from cmir.passes.polyhedral_replicate import PolyhedralReplicatePass
from cmir.passes.polyhedral_set_hardware import PolyhedralSetHardwarePass
from cmir.passes.polyhedral_split_buffers import PolyhedralSplitBuffersPass
from cmir.passes.polyhedral_split_matrices import PolyhedralSplitMatricesPass
from cmir.pipelines.text import parse_pass_pipeline, parse_passes, pipeline_text
from cmir.support.diagnostics import CompileError, collect_diagnostics

SMALL = Hardware(
    'a "small" one,\n{\\}',
    crossbar=Crossbar(rows=18, columns=2),
    core=CoreSection(count=12, crossbars=1, sram_bytes=200),
    interconnect=Interconnect(topology="mesh", shape=(3, 4)),
)
MAPPING = (
    PolyhedralSplitMatricesPass,
    PolyhedralSplitBuffersPass,
    PolyhedralReplicatePass,
    PolyhedralAssignStoragePass,
)
ALL = (*MAPPING, CmcorePlaceCoresPass, CmcoreSetHardwarePass, PolyhedralSetHardwarePass)
KNOWN = installed_universe().all_passes


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> ModuleOp:
    """Two convolutions at the polyhedral level; the matrix of the second takes several cores."""
    net = Builder(1, 4, 4)
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    onnx.save(net.model(net.conv(net.conv("x", 2, pads=1), 4, pads=1)), path)
    module = import_onnx(path).module
    return run(module, parse_passes("nn-to-polyhedral,polyhedral-stream-inputs", "test", KNOWN))


def run(module: ModuleOp, passes: Sequence[ModulePass]) -> ModuleOp:
    """Run passes on a copy."""
    copy, context = module.clone(), make_context()
    with collect_diagnostics():
        for item in passes:
            item.apply(context, copy)
            copy.verify()
    return copy


def carried(module: ModuleOp) -> Hardware | None:
    (op,) = module.body.block.ops
    assert isinstance(op, PipelineOp | NetworkOp)
    return hardware_of(op)


def compiled(pipeline: ModuleOp, hardware: str | Hardware | None = None) -> ModuleOp:
    """Map a pipeline to the machine that passes are given, or else to the one that it carries."""
    lowering = parse_passes("polyhedral-to-cmcore", "test", KNOWN)
    mapping = [kind(hardware) for kind in MAPPING]
    place = CmcorePlaceCoresPass(hardware, strategy="greedy")
    return run(pipeline, [*mapping, *lowering, place])


def test_object_text_and_attribute_mean_the_same(pipeline: ModuleOp, tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(SMALL.toml(), encoding="utf-8")
    by_object = compiled(pipeline, SMALL)
    (network,) = by_object.body.block.ops
    assert isinstance(network, NetworkOp)
    assert {core.position.get_values() for core in network.cores} <= {
        (row, column) for row in range(3) for column in range(4)
    }
    assert len(network.cores) == 12
    assert str(compiled(pipeline, str(file))) == str(by_object)
    by_attribute = compiled(run(pipeline, [PolyhedralSetHardwarePass(SMALL)]))
    assert carried(by_attribute) == SMALL
    assert str(run(by_object, [CmcoreSetHardwarePass(SMALL)])) == str(by_attribute)


def test_options_come_before_what_is_carried(pipeline: ModuleOp) -> None:
    split = PolyhedralSplitMatricesPass(SMALL)
    both = run(pipeline, [PolyhedralSetHardwarePass("ideal"), split])
    assert carried(both) == Hardware.load("ideal")
    del next(iter(both.body.block.ops)).attributes[ATTRIBUTE]
    assert str(both) == str(run(pipeline, [split])) != str(pipeline)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("hardware", [SMALL, SMALL.toml(), "hermes"])
def test_text_of_a_pass(kind: type[HardwarePass], hardware: str | Hardware) -> None:
    """It describes the same machine, whoever reads it."""
    expected = hardware if isinstance(hardware, Hardware) else Hardware.load(hardware)
    item = kind(hardware)
    (parsed,) = parse_pass_pipeline(pipeline_text([item]), "test", KNOWN)
    read = kind.from_pass_spec(item.pipeline_pass_spec(include_default=True))
    for again in (parsed, read):
        assert isinstance(again, kind) and isinstance(again.hardware, str)
        assert Hardware.load(again.hardware) == expected
    assert item.hardware is hardware


@pytest.mark.parametrize("kind", ALL)
def test_wrong_text_is_refused_at_once(kind: type[HardwarePass]) -> None:
    with pytest.raises(CompileError, match="hardware 'none' is neither a preset"):
        kind("none")
    with pytest.raises(
        CompileError,
        match=r"^<description>:2:1: error: `core\.count` must be an integer >= 1, got 0",
    ):
        kind("[core]\ncount = 0")
