"""`cmir.compile`: from a network as its author has it to one that runs on a chip."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cmir.analysis.capacity import check_capacity, check_sram
from cmir.compilation.choices import Replication, Storage
from cmir.compilation.model import lower
from cmir.frontends.samples import Samples
from cmir.frontends.state import State
from cmir.isl.budget import limited
from cmir.library.errors import user_errors
from cmir.library.machines import HardwareLike, hardware_from
from cmir.library.network import Network, Snapshot
from cmir.library.progress import ProgressCallback, shown
from cmir.library.sources import read_source
from cmir.support.diagnostics import collect_diagnostics
from cmir.timing.network import TimedNetwork


def compile(
    source: Any,
    hardware: HardwareLike | None = None,
    *,
    storage: Storage | None = None,
    replicate: bool | Replication = False,
    samples: Samples = "auto",
    shapes: Mapping[str, Sequence[int]] | None = None,
    state: Mapping[str, str] | bool = True,
    weights: str | os.PathLike[str] | Mapping[str, np.ndarray] | None = None,
    example_inputs: Sequence[Any] | None = None,
    placement_seconds: float | None = None,
    progress: ProgressCallback | bool = True,
) -> Network:
    """Compile a network for a machine, with the proofs of its control and of its values.

    ```python
    net = cmir.compile("resnet20.onnx", hardware="hermes", storage="lossless")
    run = net.run(images)
    ```

    source: the path of an ONNX file or of IR, an `onnx.ModelProto`, the text or the xDSL module of IR at any level, a
        `torch.nn.Module` with `example_inputs`, or a `torch.export.ExportedProgram`.
    hardware: the name of a preset, the path of a description, its tables, or a `cmir.Hardware`; by default what the IR
        carries, or the textbook machine `ideal`.
    storage: `full` keeps whole arrays in buffers, `live` the fewest rows that run, `lossless` the fewest that keep the
        interval. None chooses `lossless` on machines whose SRAM is limited, otherwise `full`.
    replicate: divides stages among the cores that are left: True or `columns` by runs of columns, `rows`, `bands`,
        `runs`.
    samples: what one inference takes of an ONNX model's inputs: `split` one sample of the batch, `whole` everything,
        `auto` the former where nothing mixes the batch with another dimension.
    shapes: shapes of inputs of an ONNX model, with the batch, for those that it leaves open.
    state: for inputs of an ONNX model that hold its state, the output that each is carried from, and perhaps a colon
        and its initial value: `{"h0": "hn:0"}`. Inputs and outputs whose names say so are bound besides, unless False
        is given.
    weights: parameters of IR: a safetensors file, or arrays by name. By default those next to the IR's file.
    placement_seconds: a time limit for placing cores, instead of a fixed amount of work.
    progress: a callback for texts, True for a line on terminals and in notebooks, False for silence.

    Raises CompileError, whose text is what tools print, and OSError.
    """
    with user_errors(), collect_diagnostics() as remarks, shown(progress) as show:
        machine = None if hardware is None else hardware_from(hardware)
        show("importing")
        carried = State({} if isinstance(state, bool) else state, state is not False)
        imported = shapes, samples, carried
        model, kept = read_source(source, example_inputs, imported, weights)
        relations = Snapshot(model, show)
        by: Replication | None = "columns" if replicate is True else replicate or None
        with limited(model.module):
            machine = machine or model.hardware or hardware_from("ideal")
            elaborated = lower(model, relations.before, storage, machine, by, placement_seconds)
            check_capacity(elaborated.op, machine)
            check_sram(elaborated.op, machine)
            show("timing")
            timed = TimedNetwork(elaborated, machine)
        return Network(model, timed, relations.module, tuple(map(str, remarks)), kept)
