"""Figures and results of a run."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cmir.analysis.advice import changes_that_help
from cmir.analysis.binding import binding_of
from cmir.analysis.capacity import sram_bytes
from cmir.analysis.copies import nodes_of
from cmir.analysis.inference_costs import InferenceCosts, costs_of
from cmir.crossbars.model import CrossbarModel
from cmir.execution.judging import Verdict
from cmir.execution.references import EvaluatorChoice
from cmir.execution.streams import Sample
from cmir.library.errors import user_errors
from cmir.library.tables import table_package
from cmir.library.visible import Visible
from cmir.report.cost_summary import run_figures
from cmir.report.figures import page_figures
from cmir.report.page import run_page, write_page
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cmir.rtl.control_cost import ControlCost

Judge: TypeAlias = """Callable[
    [Sequence[Sample], Path | None, EvaluatorChoice | None, tuple[float | None, float | None]], Verdict
]"""
"""Compares outputs with a reference: those of a file, by an evaluator, with tolerances. See `Run.check`."""

Again: TypeAlias = (
    "Callable[[Mapping[str, Any] | None, bool], tuple[Sequence[Sample], CrossbarModel | None]]"
)
"""Runs a stream again; see `Run.again`."""

_STEADY = 8
"""Inferences that are timed to find what binds a short run."""

_PAGE_HEIGHT = 640
"""Pixels of the page in a notebook."""


class Run(Visible):
    """A stream of inferences that ran, or was timed, on a machine.

    name: that of the network.
    timed: the network with costs and delays.
    record: when iterations started.
    samples: the outputs of each inference by name; empty if only the timing was computed.
    lanes: number of inferences that ran in lock-step, which affects speed only.
    model: the model of crossbars of the machine, with counts of clipped conversions; None for exact products.
    """

    FOR_TOOLS = frozenset({"again", "model"})

    def __init__(
        self,
        name: str,
        timed: TimedNetwork,
        record: RunReport,
        samples: Sequence[Sample] = (),
        judge: Judge | None = None,
        lanes: int = 1,
        model: CrossbarModel | None = None,
        again: Again | None = None,
    ):
        """Make a run.

        judge: compares the outputs with a reference; None if there is nothing to compare. again: see `again`; None for
        a run without data.
        """
        self.name, self.timed, self.record, self.samples = name, timed, record, samples
        self._judge, self.lanes, self.model, self._again = judge, lanes, model, again

    @cached_property
    def exact_samples(self) -> Sequence[Sample]:
        """Outputs of each inference with exact products, whatever model of crossbars the machine has."""
        return self.samples if self.model is None else self.again(None)[0]

    def again(
        self, fields: Mapping[str, Any] | None, compare: bool = False
    ) -> tuple[Sequence[Sample], CrossbarModel | None]:
        """Run the stream once more, and return the outputs and the model of crossbars.

        fields: values for fields of `crossbar.model`; None for exact products. compare: the model is `Compared` with
        exact products. Raises CompileError for a field that the
        model does not have.
        """
        assert self._again is not None
        return self._again(fields, compare)

    @cached_property
    def outputs(self) -> dict[str, np.ndarray]:
        """Arrays by name, shape (inferences, *shape of the output); empty if only the timing was computed."""
        names = list(self.samples[0]) if self.samples else []
        return {name: np.stack([sample[name] for sample in self.samples]) for name in names}

    @property
    def output(self) -> np.ndarray:
        """The only output. Raises ValueError if there are several, or none: a run without data has none."""
        if not self.outputs:
            raise ValueError("a run without data has no outputs: use net.run()")
        if len(self.outputs) != 1:
            raise ValueError(
                f"there are {count_of(len(self.outputs), 'output')}: {', '.join(self.outputs)}"
            )
        return next(iter(self.outputs.values()))

    def check(
        self,
        against: str | os.PathLike[str] | None = None,
        *,
        reference: EvaluatorChoice | None = None,
        rtol: float | None = None,
        atol: float | None = None,
    ) -> Verdict:
        """Compare the outputs with a reference, as `cm-run --check` does; the result is true if they are right.

        against: another file: the ONNX model, or the IR at the nn or polyhedral level, that the network was compiled
            from.
        reference: `onnxruntime` for an ONNX model, or `numpy` for what was imported; by default, onnxruntime or exact
            integer arithmetic for an ONNX model, NumPy for IR and for models that onnxruntime refuses.
        rtol, atol: tolerances, relative to an element, and to the largest element of an output.

        Where results differ, the network is evaluated in float64; results are wrong if they differ from that, too. The
        text of the verdict has a line for each wrong output. On a machine with a model of crossbars, the verdict is
        about the same programs with exact products. Raises CompileError if there is no reference.
        """
        if self._judge is None:
            raise CompileError(None, "a run without data has nothing to check: use net.run()")
        with user_errors():
            return self._judge(
                self.exact_samples,
                None if against is None else Path(against),
                reference,
                (rtol, atol),
            )

    @property
    def inferences(self) -> int:
        """Number of inferences."""
        return self.record.inferences

    @property
    def cycles(self) -> int:
        """Cycles from the start of the run to the arrival of the last result."""
        return self.record.cycles

    @property
    def latency(self) -> int:
        """Cycles from the first iteration of the first inference to the arrival of its last result."""
        return self.record.inference_latency

    @cached_property
    def _steady(self) -> RunReport:
        return self.record if self.inferences > 3 else self.timed.time(_STEADY)

    @property
    def interval(self) -> float:
        """Cycles between successive inferences of an endless stream."""
        return self.timed.interval

    @property
    def latency_seconds(self) -> float | None:
        """The latency in seconds; None if the description has no clock."""
        return self._seconds(self.latency)

    @property
    def interval_seconds(self) -> float | None:
        """The interval in seconds; None if the description has no clock."""
        return self._seconds(self.interval)

    def _seconds(self, cycles: float) -> float | None:
        clock = self.timed.hardware.system.clock_hz
        return None if clock is None else cycles / clock

    @cached_property
    def _costs(self) -> InferenceCosts:
        return costs_of(self.timed, self.interval)

    @property
    def energy(self) -> float | None:
        """Joules of an inference, of all parts that the description has figures for; None if it has none."""
        return sum(self._costs.energy.values()) if self._costs.energy else None

    @property
    def area(self) -> float | None:
        """Square millimetres of the cores in use, each with all of its crossbars, and of what a chip has once.

        The sum is that of all parts that the description has figures for; None if it has none.
        """
        return sum(self._costs.area.values()) if self._costs.area else None

    @cached_property
    def figures(self) -> dict[str, Any]:
        """All figures, with units in the names, as `cm-run --json` writes them; None for unknown ones."""
        network, hardware = self.timed.network, self.timed.hardware
        sram = sram_bytes(network, hardware)
        cores, costs = network.core_count, self._costs
        binding = binding_of(self.timed, costs, self._steady)
        changes = changes_that_help(self.timed, costs, binding)
        nodes = nodes_of(network.op)
        return run_figures(self.record, costs, hardware, sram, cores, True, binding, changes, nodes)

    def to_pandas(self) -> Any:
        """Return a row for each core as a `pandas.DataFrame`: iterations, cycles, stalls, bytes."""
        return table_package("pandas").DataFrame(self.figures["programs"])

    def to_polars(self) -> Any:
        """Return a row for each core as a `polars.DataFrame`: iterations, cycles, stalls, bytes."""
        return table_package("polars").DataFrame(self.figures["programs"])

    def plot(self) -> Figure:
        """Return the activity of the cores over time as a Matplotlib figure."""
        from cmir.report.activity import activities
        from cmir.report.plot import check_matplotlib, timeline_figure
        from cmir.report.settings import SETTINGS

        check_matplotlib("plot()")
        from matplotlib import rc_context

        with rc_context(SETTINGS):
            found = activities(self.timed.actors, self.record)
            return timeline_figure(found, self.cycles, self.timed.control_units)

    def report(self, folder: str | os.PathLike[str], *, control: ControlCost | None = None) -> Path:
        """Write the page of the run, `index.html`, into a folder, and return its path.

        control: the result of `net.control_cost()`, which the page then shows.
        """
        write_page(self.timed, self.record, self.name, Path(folder), control)
        return Path(folder) / "index.html"

    def __repr__(self) -> str:
        hardware, interval = self.timed.hardware.name, f"{self.interval:g}"
        return (
            f"<cmir.Run of '{self.name}' on {hardware}: {count_of(self.inferences, 'inference')}"
            f" in {count_of(self.cycles, 'cycle')}, "
            f"latency {self.latency}, interval {interval}>"
        )

    def html(self) -> str:
        """Return the page of the run as an element of another page."""
        page = run_page(page_figures(self.timed, self.record), self.name)
        return (
            f'<iframe srcdoc="{html.escape(page)}" style="width: 100%; height: {_PAGE_HEIGHT}px; border: 0" '
            f'title="{html.escape(self.name)}"></iframe>'
        )

    def _repr_html_(self) -> str:
        return self.html()
