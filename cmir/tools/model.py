"""What cm-run and others run: a model file of any kind, lowered to core programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp

from cmir.analysis.capacity import check_cores
from cmir.context import CmirContext, make_context, source_of_module
from cmir.extensions import installed_universe
from cmir.hardware.chip import chip_of
from cmir.hardware.description import Hardware
from cmir.passes.pipelines import VERIFY_VALUES
from cmir.support.diagnostics import CompileError
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module
from cmir.tools.common import verify
from cmir.tools.pass_pipeline import parse_passes

if TYPE_CHECKING:
    from cmir.dialects.cmcore import NetworkOp
    from cmir.dialects.polyhedral import PipelineOp

ONNX_SUFFIXES = (".onnx", ".onnxtxt")


@dataclass
class Model:
    """A model as it was read.

    inputs, outputs: the names that users know them by, in order; None for IR, where arrays have names.
    """

    path: Path
    module: ModuleOp
    context: CmirContext
    inputs: Sequence[str] | None
    outputs: Sequence[str] | None

    @property
    def parameters(self) -> Parameters:
        if self.context.parameters is None:
            self.context.parameters = Parameters()
        return self.context.parameters

    @property
    def is_onnx(self) -> bool:
        return self.path.suffix in ONNX_SUFFIXES


def read_model(
    path: Path,
    weights: Path | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    batch: bool = True,
) -> Model:
    """Read an ONNX file, or IR at any level with its parameters.

    shapes, batch: see `import_onnx`.
    weights: the parameters of IR; without it, a file beside the IR with the ending .safetensors, if there is one.
    Raises CompileError or OSError.
    """
    context = make_context()
    if path.suffix in ONNX_SUFFIXES:
        from cmir.frontends import onnx

        if weights is not None:
            raise CompileError(path, "an ONNX model brings its own weights; --weights is for IR")
        imported = onnx.import_onnx(path, shapes, batch)
        context.parameters = imported.parameters
        return Model(path, imported.module, context, [*imported.inputs], [*imported.outputs])
    module = parse_module(path.read_text(encoding="utf-8"), context, str(path))
    verify(module)
    beside = path.with_suffix(".safetensors")
    if weights is None and beside.is_file():
        weights = beside
    context.parameters = Parameters.open(weights) if weights is not None else None
    return Model(path, module, context, None, None)


STORAGES = ("full", "live", "lossless")
"""How many rows buffers have: see polyhedral-assign-storage. Full leaves the storage as it is in the IR."""

REPLICATIONS = ("columns", "rows", "bands", "runs")
"""How stages are divided: see polyhedral-replicate."""


def lower(
    model: Model,
    progress: Callable[[str], None] | None = None,
    storage: str | None = None,
    hardware: str = "ideal",
    replicate: str | None = None,
    placement_seconds: float = 1.0,
    proofs: bool = True,
) -> NetworkOp:
    """Run what remains of the pipeline to cmcore on `model.module`, and give its network.

    Dependences and loops that the IR already has are kept. progress: called with the name of each pass.
    hardware: the preset or file of the machine that the network is for; matrices are split over its cores, and cores
    placed on it, as far as it has limits. storage: one of STORAGES; None for what the machine's SRAM makes advisable.
    Where lossless buffers lose throughput because of the hops between the cores as they are placed, they grow.
    replicate: how to divide stages among the cores that are left, None for not at all.
    proofs: include those that compiling includes; without, the network is not proved right.
    """
    from cmir.dialects.cmcore import NetworkOp
    from cmir.dialects.polyhedral import PipelineOp

    machine = Hardware.load(hardware)
    mapped: ModuleOp | None = None
    if passes := _mapping(machine, hardware, storage, replicate):
        purpose = "--storage" if storage else f"a machine such as '{machine.name}'"
        pipelines = lower_to_polyhedral(model, "--replicate" if replicate else purpose, progress)
        for item in passes:
            _run(model, item, progress)
            for pipeline in pipelines:  # before more work for nothing
                cores = sum(stage.count_cores() for stage in pipeline.stages.values())
                check_cores(pipeline, cores, machine)
        if machine.network.hop_cycles and passes[-1].startswith(f"{_ASSIGN}{{sizes=lossless"):
            mapped = model.module.clone()
    pipelines = [op for op in model.module.body.block.ops if isinstance(op, PipelineOp)]
    unplaced = bool(pipelines) or any(op.name == "func.func" for op in model.module.body.block.ops)
    _run(model, _remaining(model, pipelines), progress, proofs)
    if unplaced and chip_of(machine) is not None:
        seconds = f"time-limit={placement_seconds:g}"
        _run(model, f'cmcore-place-cores{{hardware="{hardware}" {seconds}}}', progress)
    if mapped is not None:
        _fit_storage_to_places(model, mapped, machine, progress, proofs)
    networks = [op for op in model.module.body.block.ops if isinstance(op, NetworkOp)]
    if len(networks) != 1:
        raise CompileError(
            model.path, f"expected one network to run, got {len(networks)}: {_found(model.module)}"
        )
    return networks[0]


def _fit_storage_to_places(
    model: Model,
    mapped: ModuleOp,
    machine: Hardware,
    progress: Callable[[str], None] | None,
    proofs: bool,
) -> None:
    """Lower a network anew with larger buffers, its cores where they are, if hops cost it throughput.

    mapped: its module as it was when buffers had been assigned.
    """
    from cmir.dialects.cmcore import CoreOp, NetworkOp
    from cmir.dialects.polyhedral import PipelineOp, symbol
    from cmir.elaboration.program import core_name
    from cmir.passes.polyhedral_assign_storage import assign_storage_at

    def cores() -> dict[str, CoreOp]:
        return {
            core_name(symbol(core.program), core.core): core
            for network in model.module.body.block.ops
            if isinstance(network, NetworkOp)
            for core in network.cores
        }

    positions = {name: core.position for name, core in cores().items()}
    places = {name: tuple(place.get_values()) for name, place in positions.items()}
    pipelines = [op for op in mapped.body.block.ops if isinstance(op, PipelineOp)]
    if len(pipelines) != 1 or not assign_storage_at(pipelines[0], machine, places):
        return
    block = model.module.body.block
    for op in list(block.ops):
        op.detach()
        op.erase()
    for op in list(mapped.body.block.ops):
        op.detach()
        block.add_op(op)
    _run(model, _remaining(model, pipelines), progress, proofs)
    for name, core in cores().items():
        core.properties["position"] = positions[name]


_ASSIGN = "polyhedral-assign-storage"


def _mapping(machine: Hardware, name: str, storage: str | None, replicate: str | None) -> list[str]:
    """The passes that map a pipeline to the cores of a machine, as far as it needs them."""
    limited = machine.core.sram_bytes is not None
    storage = storage or ("lossless" if limited else "full")
    passes: list[str] = []
    if limited or machine.system.input_elements_per_cycle is not None:
        passes.append("polyhedral-stream-inputs")
    if machine.system.output_elements_per_cycle is not None:
        passes.append("polyhedral-stream-outputs")
    if machine.core.crossbars is not None:
        passes.append(f'polyhedral-split-matrices{{hardware="{name}"}}')
    if limited:
        passes.append(f'polyhedral-split-buffers{{hardware="{name}"}}')
    if replicate is not None:
        passes.append(f'polyhedral-replicate{{hardware="{name}" by={replicate}}}')
    if storage != "full":
        passes.append(f'{_ASSIGN}{{sizes={storage} hardware="{name}"}}')
    return passes


def lower_to_polyhedral(
    model: Model, purpose: str, progress: Callable[[str], None] | None = None
) -> list[PipelineOp]:
    """The networks of `model.module` as pipelines without dependences, whose storage can still be chosen.

    purpose: what that is for, for the message of the CompileError if it is too late.
    """
    from cmir.dialects.polyhedral import PipelineOp

    if any(op.name == "func.func" for op in model.module.body.block.ops):
        _run(model, "nn-to-polyhedral", progress)
    pipelines = [op for op in model.module.body.block.ops if isinstance(op, PipelineOp)]
    if not pipelines or any(pipeline.dependences for pipeline in pipelines):
        level = "its dependences are derived" if pipelines else "it is at the cmcore level"
        raise CompileError(
            model.path,
            f"{purpose} needs an ONNX model, or IR at the nn or polyhedral level without dependences; "
            f"{level} already",
        )
    return pipelines


def lower_to_dependences(model: Model) -> PipelineOp:
    """The network of `model.module` as a pipeline with its dependences, which are derived if need be."""
    from cmir.dialects.polyhedral import PipelineOp

    def pipelines() -> list[PipelineOp]:
        return [op for op in model.module.body.block.ops if isinstance(op, PipelineOp)]

    if not any(pipeline.dependences for pipeline in pipelines()):
        lower_to_polyhedral(model, "a drawing of a dependence")
        _run(model, "polyhedral-derive-dependences", None)
    match pipelines():
        case [pipeline]:
            return pipeline
        case several:
            raise CompileError(model.path, f"expected one network, got {len(several)}")


def _run(
    model: Model, passes: str, progress: Callable[[str], None] | None, proofs: bool = True
) -> None:
    """Run passes, and verify the IR they give: `cm-opt` does so after each of them, which takes its time."""
    for item in parse_passes(passes, "pipeline", installed_universe().all_passes):
        if item.name in _PROOFS and not proofs:
            continue
        if progress is not None:
            progress(item.name)
        item.apply(model.context, model.module)
    verify(model.module, f"after '{passes}'")


_PROOFS = ("cmcore-verify-control", "cmcore-verify-values")


def _remaining(model: Model, pipelines: Sequence[PipelineOp]) -> str:
    """The passes that are still to be run, from what is in the module."""
    if any(op.name == "func.func" for op in model.module.body.block.ops):
        return "nn-to-cmcore"
    if not pipelines:
        return ""
    passes = "convert-polyhedral-to-cmcore,cmcore-verify-control"
    if not any(pipeline.dependences for pipeline in pipelines):
        passes = "polyhedral-to-cmcore"
    elif any(stage.loops is None for p in pipelines for stage in p.stages.values()):
        passes = f"polyhedral-generate-loops,{passes}"
    known = source_of_module(model.context, model.module) is not None
    return f"{passes},{VERIFY_VALUES}" if known else passes


def _found(module: ModuleOp) -> str:
    names = [op.name for op in module.body.block.ops]
    return ", ".join(names) if names else "the module is empty"
