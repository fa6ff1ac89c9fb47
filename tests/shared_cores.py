"""Networks whose programs share cores: the cores of compiled networks, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cmir.dialects.cmcore import CoreOp, InstanceAttr, NetworkOp

Shares = Mapping[str, Mapping[str, int]]
"""The programs of a core, by name, with their shares."""


def share_cores(network: NetworkOp, cores: Sequence[Shares], slots: int | None) -> None:
    """Put programs on one core each, at the place of the first one; all others keep their cores.

    cores: names of programs as cores run them, such as `conv1[2]`, with numbers of slots by resource. slots: of tables.
    """
    alone = {str(core.instances[0].core_name): core for core in network.cores}
    for number, programs in enumerate(cores):
        old = [alone[name] for name in programs]
        instances: list[InstanceAttr] = []
        for core, shares in zip(old, programs.values(), strict=True):
            (instance,) = core.instances
            name = instance.core_name
            instances.append(InstanceAttr.of(name.program, name.coordinates, shares, instance.turn))
        stated = slots if any(programs.values()) else None
        new = CoreOp(f"shared{number}", instances, old[0].place, stated)
        network.body.block.insert_op_before(new, old[0])
        for core in old:
            core.detach()
            core.erase()
    network.verify()
