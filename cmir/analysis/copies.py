"""Cores of a network that hold the same weights, and the nodes of the model that its programs come from."""

from __future__ import annotations

import islpy as isl

from cmir.dialects.cmcore import CrossbarOp, NetworkOp, ProgramOp
from cmir.dialects.polyhedral import MatrixOp, PipelineOp, StageOp
from cmir.isl.cores import parameter_values
from cmir.support.origins import node_of


def copies_of(network: NetworkOp | PipelineOp) -> dict[str, int]:
    """Return the number of copies of each program, or stage, that cores run.

    Cores of a program have the same weights if they differ only in coordinates that its matrices do not depend on. A
    program without matrices has one copy per core.
    """
    programs = network.stages if isinstance(network, PipelineOp) else network.programs
    return {
        name: len(each) // len({tuple(core[d] for d in _matter(programs[name])) for core in each})
        for name, each in cores_by_program(network).items()
    }


def cores_by_program(network: NetworkOp | PipelineOp) -> dict[str, list[tuple[int, ...]]]:
    """Return the coordinates of the cores that run each program, or stage."""
    cores: dict[str, list[tuple[int, ...]]] = {}
    if isinstance(network, PipelineOp):
        stages = {name: op for name, op in network.stages.items() if op.gcu is None}
        return {
            name: op.turns * [*map(tuple, parameter_values(op.cores()))]
            for name, op in stages.items()
        }
    for _, instance in network.instances:
        name = instance.core_name
        cores.setdefault(name.program, []).append(name.coordinates)
    return cores


def nodes_of(network: NetworkOp | PipelineOp) -> dict[str, str]:
    """Return the node of the model that each program, or stage, comes from, for those where it is known."""
    programs = network.stages if isinstance(network, PipelineOp) else network.programs
    found = {name: node_of(op) for name, op in programs.items()}
    return {name: node for name, node in found.items() if node is not None}


def _matter(program: ProgramOp | StageOp) -> list[int]:
    """Return the core coordinates that determine the weights of a core."""
    names: set[str] = set()
    for op in program.body.block.ops:
        if isinstance(op, CrossbarOp | MatrixOp):
            relation = op.cells.relation
            for d in range(relation.dim(isl.dim_type.param)):
                if relation.involves_dims(isl.dim_type.param, d, 1):
                    names.add(relation.get_dim_name(isl.dim_type.param, d) or "")
    return [d for d in range(program.core_dims) if f"p{d}" in names]
