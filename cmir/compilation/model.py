"""Loading of model files, and lowering to core programs, for cm-run and other tools."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from cmir.analysis.capacity import check_cores
from cmir.analysis.workload import check_workload, workload_of
from cmir.compilation.choices import Copies, CopyBudget, Storage, division
from cmir.compilation.verification import verify
from cmir.context import CmirContext, make_context, source_of_module
from cmir.extensions import installed_universe
from cmir.frontends.samples import Samples
from cmir.frontends.state import State
from cmir.hardware.chip import chip_of
from cmir.hardware.description import Hardware
from cmir.passes.pipelines import MOST_OPERATIONS
from cmir.pipelines.text import parse_passes
from cmir.support.diagnostics import CompileError
from cmir.support.file_kinds import IR, refuse_other_kinds
from cmir.support.garbage import rare_collection
from cmir.support.parameter_files import open_parameters
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

if TYPE_CHECKING:
    import numpy as np

    from cmir.dialects.cmcore import CoreOp, NetworkOp
    from cmir.dialects.core_name import CoreName
    from cmir.dialects.nn.operation import Shape
    from cmir.dialects.polyhedral import PipelineOp
    from cmir.elaboration.network import ElaboratedNetwork
    from cmir.frontends.onnx.state import ImportedState

_PLACEMENT_WORK = 1.0
"""Limit of the work to place cores, see cmcore-place-cores."""

ONNX_SUFFIXES = (".onnx", ".onnxtxt")


@dataclass
class Model:
    """A model that has been read.

    inputs, outputs: names and shapes in an ONNX model, in order; None for IR, where arrays have them. files: the files
    that hold the model. samples: number of samples in a batch of an ONNX model, if an inference takes one of them.
    state: inputs of an ONNX model that are carried from outputs, and are not among `inputs` and `outputs`. folder: a
    temporary folder that parameters are read from, which goes with the model. narrow: the types of inputs of 2 or 4
    bits, whose elements `i8` holds.
    """

    path: Path
    module: ModuleOp
    context: CmirContext
    inputs: Mapping[str, Shape] | None
    outputs: Mapping[str, Shape] | None
    files: Collection[Path] = ()
    samples: int = 1
    state: Sequence[ImportedState] = ()
    folder: object = None
    narrow: Mapping[str, np.dtype[Any]] = field(default_factory=dict[str, "np.dtype[Any]"])

    @property
    def parameters(self) -> Parameters:
        if self.context.parameters is None:
            self.context.parameters = Parameters()
        return self.context.parameters

    @cached_property
    def hardware(self) -> Hardware | None:
        """The machine that a pipeline or network of the module carries, or None."""
        from cmir.dialects.cmcore import NetworkOp
        from cmir.dialects.polyhedral import PipelineOp
        from cmir.hardware.attribute import hardware_of

        ops = self.module.body.block.ops
        carriers = [op for op in ops if isinstance(op, PipelineOp | NetworkOp)]
        return next(filter(None, map(hardware_of, carriers)), None)

    @property
    def is_onnx(self) -> bool:
        return self.path.suffix in ONNX_SUFFIXES


def read_model(
    path: Path,
    weights: Path | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    samples: Samples = "auto",
    state: State | None = None,
) -> Model:
    """Read an ONNX file, or IR at any level with its parameters.

    shapes, samples, state: see `import_onnx`; IR takes none of them.
    weights: the file of the parameters of IR, by default see `open_parameters`. Raises CompileError or OSError.
    """
    context = make_context()
    if path.suffix in ONNX_SUFFIXES:
        from cmir.frontends import onnx

        if weights is not None:
            raise CompileError(path, "an ONNX model brings its own weights; --weights is for IR")
        imported = onnx.import_onnx(path, shapes, samples=samples, state=state)
        context.parameters = imported.parameters
        check_workload(imported.module)
        files = {path, *imported.files}
        shown = imported.inputs, imported.outputs, files, imported.samples, imported.state
        return Model(path, imported.module, context, *shown, narrow=imported.narrow)
    if shapes or samples != "auto" or state not in (None, State()):
        raise CompileError(path, "--shape, --samples and --state are for ONNX models, not for IR")
    refuse_other_kinds(path, "IR or an ONNX model (.onnx, .onnxtxt)", IR)
    module = parse_module(path.read_text(encoding="utf-8"), context, str(path))
    verify(module)
    check_workload(module)
    context.parameters = open_parameters(module, path, weights)
    sources = () if context.parameters is None else context.parameters.sources
    return Model(path, module, context, None, None, [path, *sources])


@rare_collection()
def lower(
    model: Model,
    progress: Callable[[str], None] | None = None,
    storage: Storage | None = None,
    hardware: Hardware | None = None,
    replicate: Copies | None = None,
    placement_seconds: float | None = None,
    prove: Callable[[NetworkOp], ElaboratedNetwork] | None = None,
) -> ElaboratedNetwork:
    """Run the remaining passes to cmcore on `model.module`, and return the elaborated network.

    Existing dependences and loops are kept. progress: called with the name of each pass. hardware: the machine to
    compile for; by default the one that the IR carries, or `ideal`. If the machine has limits, matrices are split over
    its cores, and cores are placed. storage: None for the mode that suits the machine's SRAM. Buffers that are to keep
    the interval grow if the hops between placed cores, or their programs' shares of them, would cost throughput.
    replicate: how to divide stages among the remaining cores, None for no replication; with a budget, programs share
    cores where that helps. For an objective other than the interval, the network is compiled for several plans first
    (`cmir/compilation/objective.py`). placement_seconds: time limit of the placement; None for a fixed amount of work.
    prove: elaborates the network, and may reject it; by default, runs the proofs of the pipeline.
    """
    from cmir.elaboration.network import ElaboratedNetwork

    machine = hardware or model.hardware or Hardware.load("ideal")
    if isinstance(replicate, CopyBudget) and replicate.objective != "interval":
        from cmir.compilation.objective import best_budget

        def compiled(plan: CopyBudget) -> ElaboratedNetwork:
            trial = replace(model, module=model.module.clone(), context=model.context.clone())
            return _lower(
                trial, progress, storage, hardware, plan, placement_seconds, ElaboratedNetwork
            )

        replicate = best_budget(replicate, machine, compiled)
    return _lower(model, progress, storage, hardware, replicate, placement_seconds, prove)


def _lower(
    model: Model,
    progress: Callable[[str], None] | None,
    storage: Storage | None,
    hardware: Hardware | None,
    replicate: Copies | None,
    placement_seconds: float | None,
    prove: Callable[[NetworkOp], ElaboratedNetwork] | None,
) -> ElaboratedNetwork:
    """Do what `lower` does, for one plan of copies."""
    from cmir.dialects.cmcore import NetworkOp
    from cmir.elaboration.network import ElaboratedNetwork
    from cmir.passes.base import top_level

    asked = hardware not in (None, model.hardware) or replicate is not None
    asked = asked or storage not in (None, "full")
    machine = hardware or model.hardware or Hardware.load("ideal")
    shared = isinstance(replicate, CopyBudget)
    mapped: ModuleOp | None = None
    if (passes := mapping_passes(machine, storage, replicate)) and (asked or _can_be_mapped(model)):
        purpose = "--storage" if storage else f"a machine such as '{machine.name}'"
        if replicate is not None:
            purpose = "--budget" if shared else "--replicate"
        _map(model, passes, machine, purpose, progress, shared)
        from cmir.passes.polyhedral_assign_storage import PolyhedralAssignStoragePass

        assigned = (item for item in passes if isinstance(item, PolyhedralAssignStoragePass))
        keeps_interval = any(item.sizes != "live" for item in assigned)
        if keeps_interval and (machine.interconnect.hop_cycles or shared):
            mapped = model.module.clone()
    unfinished = bool(_pipelines(model)) or _has_functions(model)
    _run(model, _remaining(model), progress)
    if unfinished and isinstance(replicate, CopyBudget):
        _share(model, machine, replicate, progress)
    if unfinished and chip_of(machine) is not None:
        _place(model, machine, placement_seconds, progress)
    elaborated = None
    if mapped is not None:
        elaborated = _fit_storage_to_cores(model, mapped, machine, progress)
    networks = top_level(model.module, NetworkOp)
    if len(networks) != 1:
        raise CompileError(
            model.path, f"expected one network to run, got {len(networks)}: {_found(model.module)}"
        )
    workload_of(networks[0]).check()
    if prove is not None:
        return prove(networks[0])
    if unfinished:
        _prove_control(model, progress)
    elaborated = elaborated or ElaboratedNetwork(networks[0])
    if unfinished:
        _prove_values(model, elaborated, progress)
    else:
        elaborated.evaluate()  # IR that is not proved here may have what cannot be executed
    return elaborated


def lower_to_mapped(
    model: Model,
    machine: Hardware,
    replicate: Copies | None,
    purpose: str,
    progress: Callable[[str], None] | None = None,
) -> PipelineOp:
    """Return the network of `model.module` as it is mapped to the cores of a machine, before its buffers are sized.

    purpose: see `lower_to_polyhedral`. Raises CompileError if there is not exactly one network, or too few cores.
    """
    passes = mapping_passes(machine, "full", replicate)
    shared = isinstance(replicate, CopyBudget)
    pipelines = _map(model, passes, machine, purpose, progress, shared)
    _verify(model, passes)
    match pipelines:
        case [pipeline]:
            return pipeline
        case several:
            raise CompileError(model.path, f"expected one network, got {len(several)}")


def places_of_mapped(
    model: Model,
    machine: Hardware,
    placement_seconds: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[CoreName, tuple[int, ...]] | None:
    """Return the places that cores of a mapped network get on a machine, None if it has no chip to place them on.

    The module of the model is unchanged. Places do not depend on the sizes of buffers, which need not fit here.
    """
    if chip_of(machine) is None:
        return None
    trial = replace(model, module=model.module.clone(), context=model.context.clone())
    _run(trial, _remaining(trial), progress)
    _place(trial, machine.replace(core__sram_bytes=None), placement_seconds, progress)
    return {
        name: tuple(core.position.get_values()) for name, core in _cores_of(trial.module).items()
    }


def _map(
    model: Model,
    passes: Sequence[ModulePass],
    machine: Hardware,
    purpose: str,
    progress: Callable[[str], None] | None,
    shared: bool,
) -> list[PipelineOp]:
    """Lower a model to pipelines, run mapping passes, and return the pipelines, which are still to be verified.

    shared: whether programs may share cores. If not, fails early if cores are missing.
    """
    pipelines = lower_to_polyhedral(model, purpose, progress)
    for item in passes:
        _apply(model, [item], progress)
        for pipeline in [] if shared else pipelines:
            cores = sum(stage.count_cores() for stage in pipeline.stages.values())
            check_cores(pipeline, cores, machine)
    return pipelines


def _place(
    model: Model,
    machine: Hardware,
    seconds: float | None,
    progress: Callable[[str], None] | None,
) -> None:
    from cmir.passes.cmcore_place_cores import CmcorePlaceCoresPass

    places = CmcorePlaceCoresPass(machine, work_limit=_PLACEMENT_WORK, time_limit=seconds)
    _apply(model, [places], progress)


def _share(
    model: Model,
    machine: Hardware,
    budget: CopyBudget,
    progress: Callable[[str], None] | None,
) -> None:
    """Let programs share cores if there are more of them than the budget has cores."""
    from cmir.passes.cmcore_share_cores import CmcoreShareCoresPass

    if machine.core.count is not None or budget.cores is not None:
        _apply(model, [CmcoreShareCoresPass(machine, budget.cores)], progress)


def _cores_of(module: ModuleOp) -> dict[CoreName, CoreOp]:
    """Return the cores of the networks of a module by the names of what they run."""
    from cmir.dialects.cmcore import NetworkOp
    from cmir.passes.base import top_level

    return {
        instance.core_name: core
        for network in top_level(module, NetworkOp)
        for core, instance in network.instances
    }


def _fit_storage_to_cores(
    model: Model,
    mapped: ModuleOp,
    machine: Hardware,
    progress: Callable[[str], None] | None,
) -> ElaboratedNetwork | None:
    """Lower a network again with larger buffers, for the same cores, if hops or shares of cores cost throughput.

    mapped: its module after the assignment of buffers. Returns the elaborated network if it was needed, and stands.
    """
    from cmir.dialects.cmcore import NetworkOp
    from cmir.dialects.polyhedral import PipelineOp
    from cmir.passes.base import top_level
    from cmir.passes.polyhedral_assign_storage import assign_storage_at
    from cmir.timing.network import TimedNetwork

    pipelines, networks = top_level(mapped, PipelineOp), top_level(model.module, NetworkOp)
    if len(pipelines) != 1:
        return None
    cores = [core.clone() for network in networks for core in network.cores]
    shared = any(core.divides for core in cores)
    if not shared and not machine.interconnect.hop_cycles:
        return None
    timed = TimedNetwork.of(networks[0], machine) if shared else None
    places = {name: core.place for name, core in _cores_of(model.module).items()}
    if not assign_storage_at(pipelines[0], machine, places, timed and timed.costs):
        return timed and timed.network
    block = model.module.body.block
    for op in list(block.ops):
        op.detach()
        op.erase()
    for op in list(mapped.body.block.ops):
        op.detach()
        block.add_op(op)
    _run(model, _remaining(model), progress)
    (network,) = top_level(model.module, NetworkOp)
    for core in network.cores:
        Rewriter.erase_op(core)
    network.body.block.add_ops(cores)
    return None


def mapping_passes(
    machine: Hardware, storage: Storage | None, replicate: Copies | None
) -> list[ModulePass]:
    """Return the passes needed to map a pipeline to the cores of a machine.

    Raises CompileError for a budget that the machine does not have.
    """
    # Each pass takes time to import, and most machines need few of them.
    limited = machine.core.sram_bytes is not None
    planned = isinstance(replicate, CopyBudget)
    storage = storage or ("scheduled" if planned else "lossless" if limited else "full")
    passes: list[ModulePass] = []
    if limited:
        from cmir.passes.polyhedral_stream_tables import PolyhedralStreamTablesPass

        passes.append(PolyhedralStreamTablesPass(machine))
    if limited or machine.system.input_elements_per_cycle is not None:
        from cmir.passes.polyhedral_stream_inputs import PolyhedralStreamInputsPass

        passes.append(PolyhedralStreamInputsPass())
    if machine.system.output_elements_per_cycle is not None:
        from cmir.passes.polyhedral_stream_outputs import PolyhedralStreamOutputsPass

        passes.append(PolyhedralStreamOutputsPass())
    if machine.core.crossbars is not None:
        from cmir.passes.polyhedral_split_matrices import PolyhedralSplitMatricesPass

        passes.append(PolyhedralSplitMatricesPass(machine))
    if limited:
        from cmir.passes.polyhedral_split_buffers import PolyhedralSplitBuffersPass

        passes.append(PolyhedralSplitBuffersPass(machine))
    if planned:
        from cmir.passes.polyhedral_plan_copies import PolyhedralPlanCopiesPass

        plan = PolyhedralPlanCopiesPass(
            machine,
            replicate.crossbars,
            replicate.cores,
            replicate.interval,
            replicate.share,
            "latency" if replicate.objective == "latency" else "interval",
        )
        plan.check_budget(None, machine)
        passes.append(plan)
    by, ways = division(replicate)
    if by is not None:
        from cmir.passes.polyhedral_replicate import PolyhedralReplicatePass

        passes.append(PolyhedralReplicatePass(machine, by=by, ways=ways))
    if ways:
        from cmir.passes.polyhedral_add_ways import PolyhedralAddWaysPass

        passes.append(PolyhedralAddWaysPass(machine))
    if storage != "full":
        from cmir.passes.polyhedral_assign_storage import PolyhedralAssignStoragePass

        passes.append(PolyhedralAssignStoragePass(machine, sizes=storage))
    return passes


def lower_to_polyhedral(
    model: Model, purpose: str, progress: Callable[[str], None] | None = None
) -> list[PipelineOp]:
    """Return the networks of `model.module` as pipelines without dependences, whose storage can still be chosen.

    purpose: for the message of the CompileError if the IR is already past that level.
    """
    if _has_functions(model):
        _run(model, _named("nn-to-polyhedral"), progress)
    pipelines = _pipelines(model)
    if not pipelines or any(pipeline.dependences for pipeline in pipelines):
        level = "its dependences are derived" if pipelines else "it is at the cmcore level"
        raise CompileError(
            model.path,
            f"{purpose} needs an ONNX model, or IR at the nn or polyhedral level without dependences; "
            f"{level} already",
        )
    return pipelines


def lower_to_dependences(model: Model) -> PipelineOp:
    """Return the network of `model.module` as a pipeline with dependences. Derive these if they are missing."""
    from cmir.passes.polyhedral_derive_dependences import PolyhedralDeriveDependencesPass

    if not any(pipeline.dependences for pipeline in _pipelines(model)):
        lower_to_polyhedral(model, "a drawing of a dependence")
        _run(model, [PolyhedralDeriveDependencesPass()], None)
    match _pipelines(model):
        case [pipeline]:
            return pipeline
        case several:
            raise CompileError(model.path, f"expected one network, got {len(several)}")


def _apply(
    model: Model, passes: Sequence[ModulePass], progress: Callable[[str], None] | None
) -> None:
    for item in passes:
        if progress is not None:
            progress(item.name)
        item.apply(model.context, model.module)


def _run(
    model: Model, passes: Sequence[ModulePass], progress: Callable[[str], None] | None
) -> None:
    """Run passes, and verify the IR once at the end, which is faster than after each pass as in `cm-opt`."""
    _apply(model, passes, progress)
    _verify(model, passes)


def _verify(model: Model, passes: Sequence[ModulePass]) -> None:
    verify(model.module, f"after '{','.join(item.name for item in passes)}'")


def _named(pipeline: str) -> list[ModulePass]:
    """Return the passes of a named pipeline without its proofs, which run on the placed network."""
    passes = parse_passes(pipeline, "pipeline", installed_universe().all_passes)
    return [item for item in passes if item.name not in _PROOFS]


_PROOFS = ("cmcore-verify-control", "cmcore-verify-values")


def _remaining(model: Model) -> list[ModulePass]:
    """Return the remaining passes, given the level of the module."""
    from cmir.passes.convert_polyhedral_to_cmcore import ConvertPolyhedralToCmcorePass
    from cmir.passes.polyhedral_generate_loops import PolyhedralGenerateLoopsPass

    if _has_functions(model):
        return _named("nn-to-cmcore")
    pipelines = _pipelines(model)
    if not pipelines:
        return []
    if not any(pipeline.dependences for pipeline in pipelines):
        return _named("polyhedral-to-cmcore")
    if any(stage.loops is None for p in pipelines for stage in p.stages.values()):
        return [PolyhedralGenerateLoopsPass(), ConvertPolyhedralToCmcorePass()]
    return [ConvertPolyhedralToCmcorePass()]


def _prove_control(model: Model, progress: Callable[[str], None] | None) -> None:
    from cmir.passes.cmcore_verify_control import CmcoreVerifyControlPass

    _apply(model, [CmcoreVerifyControlPass()], progress)


def _prove_values(
    model: Model, elaborated: ElaboratedNetwork, progress: Callable[[str], None] | None
) -> None:
    """Prove the values of a network that was compiled from operators, unless it is too large."""
    from cmir.passes.cmcore_verify_values import CmcoreVerifyValuesPass
    from cmir.proof.values.source import find_source

    if source_of_module(model.context, model.module) is None:
        return
    values = CmcoreVerifyValuesPass(most_operations=MOST_OPERATIONS)
    if progress is not None:
        progress(values.name)
    source = find_source(model.context, model.module, elaborated.op)
    assert source is not None
    if not values.skips(elaborated.op):
        values.check(elaborated, source)


def _pipelines(model: Model) -> list[PipelineOp]:
    from cmir.dialects.polyhedral import PipelineOp
    from cmir.passes.base import top_level

    return top_level(model.module, PipelineOp)


def _has_functions(model: Model) -> bool:
    return any(op.name == "func.func" for op in model.module.body.block.ops)


def _can_be_mapped(model: Model) -> bool:
    """Return True if the module holds pipelines without dependences."""
    pipelines = _pipelines(model)
    return bool(pipelines) and not any(pipeline.dependences for pipeline in pipelines)


def _found(module: ModuleOp) -> str:
    names = [op.name for op in module.body.block.ops]
    return ", ".join(names) if names else "the module is empty"
