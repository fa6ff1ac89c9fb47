"""Accuracy of a run, with exact products and on programmed crossbars, by time of reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from cmir.crossbars.comparison import Compared, MatrixDeviation
from cmir.execution.accuracy import Labels
from cmir.library.progress import Show
from cmir.library.run import Run
from cmir.support.diagnostics import CompileError
from cmir.support.similar import did_you_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Reading:
    """Scores of a network at one time of reading. seconds: since programming; None if the model has no time.

    scores: one for each seed. clipped: share of conversions that were clipped. matrices: deviation of the products of
    each matrix, for the first seed.
    """

    seconds: float | None
    scores: tuple[float, ...]
    clipped: float
    matrices: tuple[MatrixDeviation, ...] = ()

    @property
    def mean(self) -> float:
        """Mean of the scores."""
        return fmean(self.scores)

    @property
    def deviation(self) -> float:
        """Standard deviation of the scores over seeds; 0 for one."""
        return stdev(self.scores) if len(self.scores) > 1 else 0.0


@dataclass(frozen=True)
class Accuracy:
    """Scores of a network on labelled samples: shares of right ones, or errors of a regression.

    exact: the score with exact products. model: name of the model. top: see `Labels`. readings: by time.
    """

    samples: int
    classes: bool
    top: int
    exact: float
    model: str
    readings: tuple[Reading, ...]

    @property
    def measure(self) -> str:
        """Name of the scores."""
        return f"top {self.top}" if self.classes else "root mean square error"

    def plot(self) -> Figure:
        """Return the scores over time and the deviation of the products of each matrix as a Matplotlib figure.

        Raises CompileError without readings: on a machine without a model of crossbars.
        """
        from cmir.report.accuracy_plot import accuracy_figure
        from cmir.report.plot import check_matplotlib
        from cmir.report.settings import SETTINGS

        check_matplotlib("plot()")
        if not self.readings:
            raise CompileError(
                None, "all products are exact: the machine has no model of crossbars"
            )
        from matplotlib import rc_context

        scale = 100 if self.classes else 1
        scores = np.array([reading.scores for reading in self.readings])
        measure = f"{self.measure} accuracy (%)" if self.classes else self.measure
        deviations = zip(*(reading.matrices for reading in self.readings), strict=True)
        errors = {found[0].matrix: [each.error for each in found] for found in deviations}
        times = [reading.seconds for reading in self.readings]
        with rc_context(SETTINGS):
            return accuracy_figure(scale * self.exact, times, scale * scores, measure, errors)

    def figures(self) -> dict[str, Any]:
        """Return all figures, for JSON."""
        readings = [
            {**asdict(reading), "mean": reading.mean, "deviation": reading.deviation}
            for reading in self.readings
        ]
        return {
            "samples": self.samples,
            "measure": self.measure,
            "exact": self.exact,
            "model": self.model,
            "readings": readings,
        }


def accuracy_of(
    run: Run,
    labels: Labels,
    at: Sequence[float],
    seeds: int,
    output: str | None,
    show: Show,
) -> Accuracy:
    """Return the accuracy of the samples of a run.

    at: times of reading in seconds after programming; if there are none, that of the description. seeds: number of
    times that crossbars are programmed: with the seed of the description, and with the next ones. output: the output
    that labels are for; None for the only one.

    Raises CompileError if labels do not fit, or if the model has no time or no seed to choose.
    """
    name = _labelled([*run.samples[0]], output)
    settings = run.timed.hardware.crossbar.model
    first, own = getattr(settings, "seed", 0), getattr(settings, "at", None)

    def reading(seconds: float | None) -> Reading:
        scores, clipped, matrices = list[float](), list[float](), tuple[MatrixDeviation, ...]()
        for number in range(seeds):
            show(
                f"seed {number + 1} of {seeds}" + ("" if seconds is None else f" at {seconds:g} s")
            )
            fields = {} if seconds is None else {"at": seconds}
            fields |= {"seed": first + number} if seeds > 1 else {}
            samples, model = run.again(fields, compare=number == 0)
            if isinstance(model, Compared):
                matrices = model.deviations()
            scores.append(labels.score([sample[name] for sample in samples]))
            clipped.append(0.0 if model is None else model.clipped)
        time = own if seconds is None else seconds
        return Reading(time, tuple(scores), max(clipped), matrices)

    exact = labels.score([sample[name] for sample in run.exact_samples])
    modelled = run.model is not None or bool(at) or seeds > 1
    readings = tuple(reading(seconds) for seconds in at or ([None] if modelled else []))
    return Accuracy(run.inferences, labels.are_classes, labels.top, exact, str(settings), readings)


def _labelled(names: Sequence[str], output: str | None) -> str:
    """Return the name of the output that labels are for."""
    known = ", ".join(names)
    if output is None and len(names) > 1:
        message = f"the network has {len(names)} outputs: say which one the labels are for, {known}"
        raise CompileError(None, message)
    if output is not None and output not in names:
        hint = did_you_mean(output, names)
        raise CompileError(None, f"there is no output '{output}': there are {known}{hint}")
    return output or names[0]
