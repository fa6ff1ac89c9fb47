"""Numbers of cores of a network that hold the same weights."""

from __future__ import annotations

import islpy as isl

from cmir.dialects.cmcore import CrossbarOp, NetworkOp, ProgramOp
from cmir.dialects.polyhedral import symbol


def copies_of(network: NetworkOp) -> dict[str, int]:
    """Return the number of copies of each program that cores run.

    Cores of a program have the same weights if they differ only in coordinates that its matrices do not depend on. A
    program without matrices has one copy per core.
    """
    cores: dict[str, list[tuple[int, ...]]] = {}
    for core in network.cores:
        cores.setdefault(symbol(core.program), []).append(core.core)
    return {
        name: len(each)
        // len({tuple(core[d] for d in _matter(network.programs[name])) for core in each})
        for name, each in cores.items()
    }


def _matter(program: ProgramOp) -> list[int]:
    """Return the core coordinates that determine the weights of a core."""
    names: set[str] = set()
    for op in program.body.block.ops:
        if isinstance(op, CrossbarOp):
            relation = op.cells.relation
            for d in range(relation.dim(isl.dim_type.param)):
                if relation.involves_dims(isl.dim_type.param, d, 1):
                    names.add(relation.get_dim_name(isl.dim_type.param, d) or "")
    return [d for d in range(program.core_dims) if f"p{d}" in names]
