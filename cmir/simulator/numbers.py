"""Arithmetic of a run: numbers of the types in the IR, unless a proof computes with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from xdsl.ir import Operation

from cmir.dialects.cmcore import CrossbarOp, LoadOp
from cmir.dialects.polyhedral import ArrayOp
from cmir.elaboration.program import pad_value
from cmir.semantics.body import function_of
from cmir.semantics.weights import parameter_elements, program_cells


class Numbers:
    """Numbers of NumPy types. Memory consists of NumPy arrays of the types that `cell` returns."""

    def cell(self, dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
        """Return the type in which memory holds elements of type `dtype`."""
        return dtype

    def pad(self, op: LoadOp) -> float:
        """Return the pad value of a load, as memory holds it."""
        return pad_value(op)

    def elements(self, array: ArrayOp, parameters: Mapping[str, np.ndarray] | None) -> np.ndarray:
        """Return the elements of a parameter array, as memory holds them."""
        return parameter_elements(array, parameters)

    def matrix(
        self, crossbar: CrossbarOp, array: ArrayOp, elements: np.ndarray, core: tuple[int, ...]
    ) -> Any:
        """Return the matrix of a crossbar on a core, as bodies multiply by it, from the elements of its array."""
        return program_cells(crossbar, elements, core)

    def function_of(self, op: Operation) -> Callable[..., Any]:
        """Return a body operation as a function of its operands."""
        return function_of(op)


NUMBERS = Numbers()
