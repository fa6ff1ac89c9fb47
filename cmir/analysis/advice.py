"""Changes of a hardware description that would shorten the interval of a network. Each is tried before it is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from cmir.analysis.binding import Binding, busiest_cycles
from cmir.analysis.inference_costs import InferenceCosts, at_rates_of
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork

HELP = 0.9
"""A change helps if the interval becomes at most this share of what it is."""

_MOST = 16
"""A field is tried up to this many times its value."""

_FIELDS = {
    ("core", "crossbar"): (
        "crossbar.adcs",
        "crossbar.active_rows",
        "crossbar.dac_bits",
        "crossbar.input_phases",
        "crossbar.phase_cycles",
    ),
    ("core", "issue"): ("core.product_issue_cycles",),
    ("core", "dpu"): ("core.vector_lanes",),
    ("core", "sram"): ("core.sram_port_bytes", "core.sram_ports"),
    ("core", "link"): ("interconnect.link_bytes_per_cycle",),
    ("core", "starts"): ("core.fixed_interval",),
    ("link", "transfers"): ("interconnect.link_bytes_per_cycle",),
    ("port", "transfers"): ("system.input_elements_per_cycle", "system.output_elements_per_cycle"),
}
"""Fields that determine how fast work is done, by the kind of what does it and the work."""

_TIMES = (
    "crossbar.input_phases",
    "crossbar.phase_cycles",
    "core.fixed_interval",
    "core.product_issue_cycles",
)
"""Fields of which less is faster."""


@dataclass(frozen=True)
class Change:
    """A change that has been tried. what: the change, in words. interval: cycles between inferences with it."""

    what: str
    interval: float

    def __str__(self) -> str:
        return f"{self.what} (interval {self.interval:g})"


def changes_that_help(
    timed: TimedNetwork, costs: InferenceCosts, binding: Binding
) -> Sequence[Change]:
    """Return, for each field that the binding resource depends on, the smallest change of it that helps.

    Each has been tried: the compiled network is timed with the changed description.
    """
    if binding.waits is not None:
        return ()
    if (known := _known.get(timed)) is None:
        fields = _FIELDS[binding.kind, binding.work]
        known = _known[timed] = [c for f in fields if (c := _smallest(timed, costs, f)) is not None]
    return known


_known: WeakKeyDictionary[TimedNetwork, Sequence[Change]] = WeakKeyDictionary()
"""Changes by network: the summary, the page and the JSON of a run name the same."""


def _smallest(timed: TimedNetwork, costs: InferenceCosts, field: str) -> Change | None:
    section, name = field.split(".")
    value = getattr(getattr(timed.hardware, section), name)
    now = max(costs.interval, busiest_cycles(timed, costs))
    if value is None:
        return None

    def with_value(new: int) -> Hardware:
        return timed.hardware.replace(**{f"{section}__{name}": new})

    def promises(new: int) -> bool:
        """Return True if no resource would be busy for longer than helps."""
        return _bound(timed, costs, with_value(new)) <= HELP * now

    try:
        best = _least_change(value, promises, less=field in _TIMES)
        if best is None:
            return None
        trial = TimedNetwork(timed.network, with_value(best))
    except CompileError:  # the description would not be valid
        return None
    reached = max(trial.interval, busiest_cycles(trial, at_rates_of(trial, costs)))
    return (
        Change(f"`{field}` {best} instead of {value}", reached) if reached <= HELP * now else None
    )


def _bound(timed: TimedNetwork, costs: InferenceCosts, hardware: Hardware) -> float:
    trial = TimedNetwork(timed.network, hardware)
    return busiest_cycles(trial, at_rates_of(trial, costs))


def _least_change(value: int, helps: Callable[[int], bool], less: bool) -> int | None:
    """Return the value nearest to `value` that helps, or None; if a value helps, so do all that differ more."""
    near = value
    if less:
        far = 1
    else:
        far = next((value * k for k in (2, 4, 8, _MOST) if helps(value * k)), value)
    if far == near or not helps(far):
        return None
    while abs(far - near) > 1:
        middle = (near + far) // 2
        near, far = (near, middle) if helps(middle) else (middle, far)
    return far
