"""`cmir.compile`: from a network as its author has it to one that runs on a chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from cmir.compilation.choices import Copies, Objective, Replication, Storage
from cmir.compilation.model import Model, lower
from cmir.compilation.proofs import ProofVerdict, verify_network
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.execution.references import input_names
from cmir.frontends.samples import Samples
from cmir.hardware.description import Hardware
from cmir.isl.budget import limited
from cmir.library.arguments import carried_state, check_options, copies_of
from cmir.library.errors import in_python, user_errors
from cmir.library.machines import HardwareLike, hardware_from
from cmir.library.network import Network
from cmir.library.progress import ProgressCallback, Show, shown
from cmir.library.sources import ExampleInputs, WeightsLike, read_source
from cmir.support.diagnostics import collect_diagnostics
from cmir.support.garbage import rare_collection


@rare_collection()
def compile(
    source: Any,
    hardware: HardwareLike | None = None,
    *,
    storage: Storage | None = None,
    replicate: bool | Replication = False,
    budget: Mapping[str, int] | None = None,
    objective: Objective | None = None,
    samples: Samples = "auto",
    shapes: Mapping[str, Sequence[int]] | None = None,
    state: Mapping[str, str] | bool = True,
    weights: WeightsLike | None = None,
    example_inputs: ExampleInputs | None = None,
    placement_seconds: float | None = None,
    progress: ProgressCallback | bool = True,
) -> Network:
    """Compile a network for a machine, with the proofs of its control and of its values.

    source: the path of an ONNX file or of IR, an `onnx.ModelProto`, the text or the xDSL module of IR at any level, a
        `torch.nn.Module` with `example_inputs`, or a `torch.export.ExportedProgram`.
    hardware: a preset's name, a description's path, its tables, or a `cmir.Hardware` (default: the IR's, or `ideal`).
    storage: `full` keeps whole arrays in buffers, `live` the fewest rows that run, `lossless` the fewest that keep the
        interval, `scheduled` a few more. Default: `scheduled` with a `budget`, `lossless` with limited SRAM, or `full`.
    replicate: divides stages among the cores that are left: True or `columns` by runs of columns, `rows`, `bands`,
        `runs`, or in `turns`. `ways` holds their matrices several times in their own cores; `columns-ways` does both.
    budget: chooses the copies and ways of all stages together, instead of `replicate`: for the shortest interval with
        so many `cores` and `crossbars`, `{}` for all, or for an `interval` in cycles with the fewest crossbars.
    objective: what is to be small: the `interval` (default), or in the best of several plans, `latency` or `energy`.
    samples: what an inference takes of an ONNX model's inputs: one sample of the batch (`split`), or everything
        (`whole`); `auto` is the former where nothing mixes the batch with another dimension.
    shapes: shapes of inputs that an ONNX model leaves open, with the batch.
    state: for inputs of an ONNX model that hold its state, the output that each is carried from, and perhaps its
        initial value: `{"h0": "hn:0"}`. Inputs and outputs whose names say so are bound besides, unless False is given.
    weights: parameters of IR: a safetensors file (default: next to the IR), or arrays by name.
    example_inputs: arguments of a PyTorch module, which determine the shapes of its inputs: a sequence or a mapping.
    placement_seconds: a time limit for placing cores, instead of a fixed amount of work.
    progress: True for a bar, False for silence; or a callback, which gets a text and the fraction that is done, None if
        that is unknown: `compiling: nn-outline-stages`, None.

    Raises CompileError, whose text is what tools print, and OSError.
    """
    with user_errors(), collect_diagnostics() as remarks, shown(progress) as show:
        check_options(storage, samples, placement_seconds, shapes)
        carried, by = carried_state(state), copies_of(replicate, budget, objective)
        machine = None if hardware is None else hardware_from(hardware)
        show("importing")
        model = read_source(source, example_inputs, (shapes, samples, carried), weights)
        with limited(model.module):
            network = compile_model(
                model,
                machine or model.hardware or hardware_from("ideal"),
                storage=storage,
                replicate=by,
                placement_seconds=placement_seconds,
                show=show,
            )
            show("timing")
            _ = network.timed
        network.remarks = tuple(in_python(str(remark)) for remark in remarks)
        return network


def compile_model(
    model: Model,
    hardware: Hardware,
    *,
    storage: Storage | None,
    replicate: Copies | None,
    placement_seconds: float | None,
    show: Show,
    proof: Proof | None = None,
) -> Network:
    """Lower a model that has been read, and return the network; see `compile`.

    proof: for complete proofs; without it, values of large networks are not proved.
    """
    relations = _Snapshot(model, show)
    names, source = input_names(model), replace(model, module=model.module.clone())

    def prove(network: NetworkOp) -> ElaboratedNetwork:
        assert proof is not None
        proof.verdict, elaborated = verify_network(model, network, relations.before, proof.sources)
        return elaborated

    elaborated = lower(
        model,
        relations.before,
        storage,
        hardware,
        replicate,
        placement_seconds,
        None if proof is None else prove,
    )
    return Network(model, elaborated, hardware, relations.module, names, source)


@dataclass
class Proof:
    """A request for complete proofs, and their verdict once the network is compiled. sources: see `verify_network`."""

    sources: Sequence[FuncOp] = ()
    verdict: ProofVerdict | None = None


class _Snapshot:
    """The module of a model as it is before its loops are generated: stages, relations and dependences."""

    def __init__(self, model: Model, show: Show):
        self._model, self._show = model, show
        self.module: ModuleOp | None = None

    def before(self, name: str) -> None:
        """Take note of a pass that is about to run."""
        self._show(f"compiling: {name}")
        if name == "polyhedral-generate-loops":
            self.module = self._model.module.clone()
