"""Whether a network fits on a machine: its cores, and the crossbars of each."""

from __future__ import annotations

from cmir.accelerator.firing import Firing
from cmir.accelerator.hardware import Hardware
from cmir.accelerator.tiling import Tiling
from cmir.diagnostics import CompileError
from cmir.dialects.cmcore import NetworkOp


def check_capacity(network: NetworkOp, hardware: Hardware) -> None:
    """Raise CompileError if the machine has too few cores, or crossbars in a core: how many are missing."""
    has, needs = hardware.core.count, len(network.cores)
    if has is not None and needs > has:
        raise CompileError(
            network,
            f"the network needs {needs} cores, {needs - has} more than the {has} of "
            f"'{hardware.name}'; several chips are a description with `network.chips`, and fewer "
            f"copies of a stage or larger crossbars take fewer cores",
        )
    _check_crossbars(network, hardware)


def _check_crossbars(network: NetworkOp, hardware: Hardware) -> None:
    has = hardware.core.crossbars
    if has is None:
        return
    tilings = {
        name: [(m, Tiling.of(m, hardware.crossbar)) for m in Firing.of(program).matrices]
        for name, program in network.programs.items()
    }
    needs = {name: sum(tiling.crossbars for _, tiling in ts) for name, ts in tilings.items()}
    too_many = [name for name, crossbars in needs.items() if crossbars > has]
    if not too_many:
        return
    name = max(too_many, key=lambda name: needs[name])
    matrix, _ = max(tilings[name], key=lambda item: item[1].crossbars)
    blocks = f"{matrix.blocks} blocks of " if matrix.blocks > 1 else ""
    crossbar, others = hardware.crossbar, len(too_many) - 1
    size = f"{crossbar.rows or 'any'} x {crossbar.columns or 'any'}"
    also = f"; {others} more program{'s do' if others > 1 else ' does'} not fit" if others else ""
    missing = needs[name] - has
    raise CompileError(
        network.programs[name],
        f"program @{name} needs {needs[name]} crossbars, {missing} more than the {has} of a core of "
        f"'{hardware.name}' (its matrix of {blocks}{matrix.inputs} inputs and {matrix.outputs} "
        f"outputs, on crossbars of {size} with {crossbar.slices} "
        f"cell{'s' if crossbar.slices > 1 else ''} a weight){also}; a matrix can be split over "
        f"cores: polyhedral-split-matrices",
    )
