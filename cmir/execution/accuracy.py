"""Accuracy of outputs, given labels, and their deviation from exact outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cmir.execution.streams import Sample, read_array
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, Where


@dataclass(frozen=True)
class Labels:
    """Expected results of a stream of samples.

    values: the class of each sample, or the output of each sample for a regression. top: a sample counts as right if
    its class is among so many of the largest elements. where: location for messages.
    """

    values: np.ndarray
    top: int
    where: Where = None

    @staticmethod
    def read(path: Path, top: int) -> Labels:
        """Read the labels in a .npy file: integers, one a sample, or floats, an output a sample."""
        return Labels.of(read_array(path), top, path)

    @staticmethod
    def of(values: np.ndarray, top: int, where: Where = None) -> Labels:
        """Return the labels in an array. Raises CompileError if it holds something else."""
        values = np.asarray(values)
        if values.dtype.kind in "iu":
            if values.ndim != 1 and values.size != len(values):
                message = (
                    f"labels are one integer a sample, got an array of shape {list(values.shape)}"
                )
                raise CompileError(where, message)
            return Labels(values.reshape(-1).astype(np.int64), top, where)
        if values.dtype.kind != "f" or values.ndim == 0:
            raise CompileError(where, f"labels are integers or floats, got {values.dtype}")
        return Labels(values.astype(np.float64), top, where)

    @property
    def are_classes(self) -> bool:
        """True for classes, False for the outputs of a regression."""
        return self.values.dtype.kind == "i"

    def score(self, outputs: Sequence[np.ndarray]) -> float:
        """Return the share of samples that are right, or the root mean square error of a regression.

        outputs: of each sample. Of equal elements, the first counts as larger. Raises CompileError if the labels do not
        fit.
        """
        if len(outputs) != len(self.values):
            counts = f"{count_of(len(self.values), 'label')} for {count_of(len(outputs), 'sample')}"
            raise CompileError(self.where, f"there are {counts}")
        stacked = np.stack([np.asarray(output).reshape(-1) for output in outputs]).astype(
            np.float64
        )
        if not self.are_classes:
            expected = self.values.reshape(len(self.values), -1)
            if expected.shape != stacked.shape:
                sizes = f"{expected.shape[1]} elements a sample, the output has {stacked.shape[1]}"
                raise CompileError(self.where, f"labels have {sizes}")
            return float(np.sqrt(np.mean((stacked - expected) ** 2)))
        least, most = int(self.values.min(initial=0)), int(self.values.max(initial=0))
        if least < 0 or most >= stacked.shape[1]:
            message = (
                f"labels are {least} to {most}, and the output has {stacked.shape[1]} elements"
            )
            raise CompileError(self.where, message)
        largest = np.argsort(-stacked, axis=1, kind="stable")[:, : self.top]
        return float(np.mean((largest == self.values[:, None]).any(axis=1)))


@dataclass(frozen=True)
class Deviation:
    """Difference between outputs, relative to the largest magnitude of the exact ones."""

    largest: float
    rms: float

    @staticmethod
    def of(samples: Sequence[Sample], exact: Sequence[Sample]) -> dict[str, Deviation]:
        """Return the deviation of each output of a stream, by name."""
        found: dict[str, Deviation] = {}
        for name in samples[0]:
            ours, theirs = (
                np.stack([sample[name] for sample in given]).astype(np.float64)
                for given in (samples, exact)
            )
            scale = float(np.abs(theirs).max(initial=0)) or 1.0
            error = np.abs(ours - theirs) / scale
            rms = float(np.sqrt(np.mean(error**2)))
            found[name] = Deviation(float(error.max(initial=0)), rms)
        return found

    def __str__(self) -> str:
        rms, largest = 100 * self.rms, 100 * self.largest
        return (
            f"{rms:.3g} % root mean square, {largest:.3g} % at most, of the largest exact element"
        )
