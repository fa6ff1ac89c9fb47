"""Capacity of a chip for a network: its cores, and the crossbars and SRAM of each core."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import prod

from xdsl.dialects.builtin import MemRefType

from cmir.analysis.copies import copies_of, cores_by_program
from cmir.analysis.size_cover import Sizes
from cmir.analysis.sizing import Sizing
from cmir.cost.firing import Firing
from cmir.cost.tiling import Tiling
from cmir.dialects.cmcore import BufferOp, NetworkOp, ProgramOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import PipelineOp, StageOp, symbol
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError


def check_capacity(network: NetworkOp, hardware: Hardware) -> None:
    """Raise CompileError, with the number missing, if the chip has too few cores or a core too few crossbars.

    The crossbars of programs that share a core add up.
    """
    check_cores(network, len(network.cores), hardware)
    check_crossbars(network, hardware)


def check_crossbars(network: NetworkOp, hardware: Hardware) -> None:
    """Raise CompileError, with the number missing, if a core has too few crossbars for its programs."""
    has = hardware.core.crossbars
    if has is not None:
        needs = _check_crossbars_of_programs(network, has, hardware)
        _check_sums(network, needs, has, ("crossbar",), hardware)


def check_cores(network: NetworkOp | PipelineOp, needs: int, hardware: Hardware) -> None:
    """Raise CompileError, with the number missing, if the chip has fewer cores than the network needs."""
    has = hardware.core.count
    if has is not None and needs > has:
        raise CompileError(
            network,
            f"the network needs {count_of(needs, 'core')}, {needs - has} more than the {has} of '{hardware.name}'; "
            f"{_fewer_copies(network, needs - has)}several chips are a description with "
            "`interconnect.chips`, and larger crossbars take fewer cores",
        )


def _fewer_copies(network: NetworkOp | PipelineOp, missing: int) -> str:
    """Return how many copies less of a single stage would do, the fewest that there are, or an empty text."""
    if isinstance(network, NetworkOp) and any(len(core.instances) > 1 for core in network.cores):
        return ""  # the core of a copy may run other programs, too
    cores = {name: len(each) for name, each in cores_by_program(network).items()}
    copies = copies_of(network)
    fewer = {name: -(-missing * copies[name] // cores[name]) for name in cores}
    enough = [name for name in fewer if fewer[name] < copies[name]]
    if not enough:
        return ""
    name = min(enough, key=lambda name: fewer[name])
    number = fewer[name]
    return f"{count_of(number, 'copy', 'copies')} of @{name} fewer would do; "


def _check_sums(
    network: NetworkOp, needs: Mapping[str, int], has: int, unit: Sequence[str], hardware: Hardware
) -> None:
    """Raise CompileError if programs fit a core each, but not the one that they share.

    needs: by program. has: of a core. unit: its name and, if irregular, plural.
    """
    total = {
        core: sum(needs[o.core_name.program] for o in core.instances) for core in network.cores
    }
    core = max(total, key=lambda core: total[core], default=None)
    if core is None or total[core] <= has:
        return
    names = [f"@{o.core_name} ({needs[o.core_name.program]})" for o in core.instances]
    others = sum(each > has for each in total.values()) - 1
    also = f"; {count_of(others, 'more core does', 'more cores do')} not fit" if others else ""
    raise CompileError(
        core,
        f"{', '.join(names[:-1])} and {names[-1]} on core @{core.sym_name.data} need {count_of(total[core], *unit)} "
        f"together, {total[core] - has} more than the {has} of a core of '{hardware.name}'{also}; on several cores, "
        "they would fit",
    )


def _check_crossbars_of_programs(
    network: NetworkOp, has: int, hardware: Hardware
) -> dict[str, int]:
    """Return the crossbars that each program needs. Raises CompileError if a core has fewer. has: of a core."""
    firings = {name: Firing.of(program) for name, program in network.programs.items()}
    tilings = {
        name: [(m, Tiling.of(m, hardware.crossbar)) for m in firing.matrices]
        for name, firing in firings.items()
    }
    ways = {name: firing.ways for name, firing in firings.items()}
    needs = {
        name: ways[name] * sum(tiling.crossbars for _, tiling in ts) for name, ts in tilings.items()
    }
    too_many = [name for name, crossbars in needs.items() if crossbars > has]
    if not too_many:
        return needs
    name = max(too_many, key=lambda name: needs[name])
    matrix, _ = max(tilings[name], key=lambda item: item[1].crossbars)
    blocks = f"{matrix.blocks} blocks of " if matrix.blocks > 1 else ""
    crossbar, others = hardware.crossbar, len(too_many) - 1
    size = f"{crossbar.rows or 'any'} x {crossbar.columns or 'any'}"
    also = (
        f"; {count_of(others, 'more program does', 'more programs do')} not fit" if others else ""
    )
    missing = needs[name] - has
    often = f" {ways[name]} times" if ways[name] > 1 else ""
    fewer = has // (needs[name] // ways[name])
    help = "a matrix can be split over cores: polyhedral-split-matrices"
    if 0 < fewer < ways[name]:
        help = f"{count_of(fewer, 'way')} would fit"
    raise CompileError(
        network.programs[name],
        f"program @{name} needs {count_of(needs[name], 'crossbar')}, {missing} more than the {has} of a core of "
        f"'{hardware.name}' (its matrix of {blocks}{count_of(matrix.inputs, 'input')} and {matrix.outputs} "
        f"outputs, on crossbars of {size} with"
        f" {count_of(crossbar.cells, 'cell')} a weight{often}){also}; {help}",
    )


def check_sram(network: NetworkOp, hardware: Hardware) -> None:
    """Raise CompileError if the buffers of a core exceed its SRAM, naming the program that exceeds it the most.

    If programs exceed it only together, the error names all that share the core.
    """
    most = hardware.core.sram_bytes
    if most is None:
        return
    cores = Counter(instance.core_name.program for _, instance in network.instances)
    programs = {name: op for name, op in network.programs.items() if cores[name]}
    sizes = {
        name: {symbol(buffer.array): _bytes(buffer, hardware) for buffer in program.buffers}
        for name, program in programs.items()
    }
    needed = {name: sum(of_array.values()) for name, of_array in sizes.items()}
    too_many = [name for name, size in needed.items() if size > most]
    if not too_many:
        _check_sums(network, needed, most, ("byte of SRAM", "bytes of SRAM"), hardware)
        return
    name = max(too_many, key=lambda name: needed[name])
    program = programs[name]
    computed = {symbol(store.array) for op in network.programs.values() for store in op.stores()}
    whole = sum(size for array, size in sizes[name].items() if array not in computed)
    if whole > most:
        help = (
            f"inputs and parameters, which are kept whole, take {whole} of them; "
            f"inputs can be streamed: polyhedral-stream-inputs"
        )
    elif any(b.storage is None and symbol(b.array) in computed for b in program.buffers):
        help = "rings of rows instead of whole arrays would take less: --storage lossless"
    else:
        help = _FEWER_ROWS
    raise _exceeding(program, sizes[name], sum(cores[n] for n in too_many) - 1, help, hardware)


def check_sram_of_rings(sizing: Sizing, sizes: Sizes) -> None:
    """Raise the CompileError of `check_sram` for a pipeline with rings of these sizes, before it is lowered.

    Only if the rings alone of the stage that takes the most exceed the SRAM: inputs may still be streamed.
    """
    most = sizing.hardware.core.sram_bytes
    if most is None or not sizes:
        return
    taken = defaultdict[str, Counter[str]](Counter)
    for key, rows in sizes.items():
        buffer = sizing.buffers[key]
        taken[buffer.reader][buffer.array] += rows * sizing.row_bytes[key]
    rings = {name: of_array.total() for name, of_array in taken.items()}
    for resident in sizing.residents.values():
        taken[resident.reader][resident.array] += resident.bytes
    on_cores = [name for name, stage in sizing.stages.items() if stage.gcu is None]
    too_many = [name for name in on_cores if taken[name].total() > most]
    name = max(too_many, key=lambda name: taken[name].total(), default=None)
    if name is not None and rings.get(name, 0) > most:
        others = sum(sizing.count_cores(each) for each in too_many) - 1
        raise _exceeding(sizing.stages[name], taken[name], others, _FEWER_ROWS, sizing.hardware)


_FEWER_ROWS = "fewer rows would take less, if there can be any: --storage live, --buffer-curve"


def _exceeding(
    where: ProgramOp | StageOp,
    bytes_of: Mapping[str, int],
    others: int,
    help: str,
    hardware: Hardware,
) -> CompileError:
    """Return the error for buffers that exceed the SRAM. bytes_of: by array. others: number of more such cores."""
    most, total = hardware.core.sram_bytes or 0, sum(bytes_of.values())
    largest = max(bytes_of, key=lambda array: bytes_of[array])
    also = f"; {count_of(others, 'more core does', 'more cores do')} not fit" if others else ""
    return CompileError(
        where,
        f"the buffers of @{where.sym_name.data} take {total} bytes, {total - most} more than the {most} bytes of SRAM "
        f"of a core of '{hardware.name}' (the buffer of @{largest} {bytes_of[largest]}){also}; {help}",
    )


def sram_bytes(network: ElaboratedNetwork, hardware: Hardware) -> dict[CoreName, int]:
    """Return the bytes of the buffers of each core; 0 for the global control unit, which has its own memory.

    Programs that share a core have an entry each.
    """
    sizes = {
        name: sum(_bytes(buffer, hardware) for buffer in program.op.buffers)
        for name, program in network.programs.items()
    }
    return {
        name: sizes[name.program] if name in network.positions else 0
        for name in network.single_cores
    }


def _bytes(buffer: BufferOp, hardware: Hardware) -> int:
    """Return the bytes of SRAM that a buffer takes."""
    type = buffer.result.type
    assert isinstance(type, MemRefType)
    return hardware.bytes_of(prod(type.get_shape()), 8 * dtype_of(type).itemsize)
