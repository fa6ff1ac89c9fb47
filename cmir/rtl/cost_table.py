"""The cost of control logic as text."""

from __future__ import annotations

from cmir.rtl.control_cost import ControlCost, Size
from cmir.support.counts import count_of


def cost_table(cost: ControlCost) -> str:
    """Return the cost of the chip, a line for each kind of control unit, and what valid bits and counts would take."""
    units = sum(unit.count for unit in cost.units)
    lines = sum(each.count for each in cost.lines)
    buffers = count_of(len(cost.buffers), "buffer")
    head = ["control unit", "units", "walk", "counters", "pace", "flip-flops"]
    rows = [
        [
            *(unit.name, str(unit.count), str(unit.bits.walk), str(sum(unit.bits.counters))),
            *(str(unit.bits.pace), *_sizes(unit.size)),
        ]
        for unit in cost.units
    ]
    head += ["gates", "LUTs"] if cost.synthesized else []
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        [
            f"control logic of {count_of(units, 'unit')}: {size_text(cost.chip)}, of which "
            f"{size_text(cost.in_lines)} in {count_of(lines, 'delay line')}",
            *(
                "  ".join(
                    f"{c:>{w}}" if k else f"{c:<{w}}" for k, (c, w) in enumerate(zip(row, widths))
                )
                for row in (head, *rows)
            ),
            f"token counters that guard {buffers}: {size_text(cost.in_counters)}; "
            f"valid bits and counts of their words: {size_text(cost.in_words)}",
        ]
    )


def _sizes(size: Size) -> list[str]:
    found = [size.state_bits]
    if size.netlist is not None:
        found += [size.netlist.gates, size.netlist.luts]
    return [*map(str, found)]


def size_text(size: Size) -> str:
    """Return the size of circuits: `12 flip-flops, 77 gates, 30 LUTs`."""
    parts = [count_of(size.state_bits, "flip-flop")]
    if size.netlist is not None:
        parts += [count_of(size.netlist.gates, "gate"), count_of(size.netlist.luts, "LUT")]
    return ", ".join(parts)
