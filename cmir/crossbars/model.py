"""Models of crossbars: the interface, and the classes that compute what the settings of a description say.

A model is told once which matrix is on which crossbars, and then computes products of it. It never learns when a
product runs, so that results do not depend on timing, chunks, threads, or the number of samples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from cmir import extensions
from cmir.crossbars.random import Columns
from cmir.crossbars.ranges import Ranges
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import Ideal, ModelSettings
from cmir.hardware.sections import Crossbar
from cmir.support.diagnostics import CompileError


@dataclass(frozen=True)
class Where:
    """A matrix on the crossbars of a core.

    core: the program as the core runs it. crossbar: number of the matrix in the program. copy: number of the set of
    crossbars, if iterations alternate among several.
    """

    core: str
    crossbar: int = 0
    copy: int = 0

    @property
    def matrix(self) -> str:
        """Name of the matrix, whichever copy."""
        return f"{self.core}/{self.crossbar}"


@dataclass
class Conversions:
    """Number of conversions of an ADC, and of those that it clipped."""

    all: int = 0
    clipped: int = 0


class CrossbarModel(ABC):
    """What products on crossbars compute.

    settings: the table `crossbar.model`. crossbar: the crossbars of the description. ranges: calibrated ranges by
    matrix. conversions: counts of the ADCs so far, by matrix.
    """

    def __init__(self, settings: Any, crossbar: Crossbar, ranges: Ranges | None = None):
        self.settings, self.crossbar, self.ranges = settings, crossbar, ranges or {}
        self.conversions: dict[str, Conversions] = defaultdict(Conversions)

    @property
    def calibration(self) -> int:
        """Number of inferences whose exact products calibrate the ranges; 0 if the model needs none."""
        return 0

    @property
    def clipped(self) -> float:
        """Share of the conversions so far that were clipped."""
        counts = self.conversions.values()
        return sum(c.clipped for c in counts) / max(1, sum(c.all for c in counts))

    @abstractmethod
    def program(self, where: Where, matrix: np.ndarray, tiles: Sequence[Tile]) -> Any:
        """Return what the crossbars hold after programming, for `product`.

        matrix: weights, shape (outputs, inputs), or (blocks, outputs, inputs) if it is block-diagonal; floats or
        integers.
        """

    @abstractmethod
    def product(self, where: Where, programmed: Any, x: np.ndarray, columns: Columns) -> np.ndarray:
        """Return the products with vectors, shape (outputs of all blocks, columns), as numbers of `float64`.

        x: elements of the vectors, shape (inputs of all blocks, columns). columns: sample and iteration of each column.
        Random numbers may depend on these and on nothing else that varies between columns. Results of integers are
        integers.
        """


Model = TypeVar("Model", bound=type[CrossbarModel])

_classes: dict[type[ModelSettings], type[CrossbarModel]] = {}


def computes(settings: type[ModelSettings]) -> Callable[[Model], Model]:
    """Register the decorated class as the one that computes what `settings` describe."""

    def register(model: Model) -> Model:
        _classes[settings] = model
        return model

    return register


def class_of(settings: ModelSettings) -> type[CrossbarModel] | None:
    """Return the class that computes a model; None for exact products.

    Raises CompileError if a package describes a model that it does not compute.
    """
    if isinstance(settings, Ideal):
        return None
    if type(settings) not in _classes:
        for _ in extensions.load_usable(extensions.CROSSBARS):
            pass  # loading a module registers its classes
    if (found := _classes.get(type(settings))) is None:
        message = (
            f"nothing computes the model of crossbars '{settings}': use @computes in its package"
        )
        raise CompileError(None, message)
    return found
