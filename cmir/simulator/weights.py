"""Parameters of a network, as its cores hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from cmir.dialects.cmcore import CrossbarOp
from cmir.dialects.polyhedral import ArrayOp, symbol
from cmir.simulator.numbers import Numbers


class Weights:
    """Elements of parameter arrays, and matrices on crossbars, each prepared at its first use.

    parameters: values of the parameters that the IR names; None if it names none.
    """

    def __init__(
        self,
        arrays: Mapping[str, ArrayOp],
        parameters: Mapping[str, np.ndarray] | None,
        numbers: Numbers,
    ):
        self.parameters, self.numbers = parameters, numbers
        self._arrays = arrays
        self._elements: dict[str, np.ndarray] = {}
        self._matrices: dict[tuple[SSAValue, tuple[int, ...]], Any] = {}

    def elements(self, array: ArrayOp) -> np.ndarray:
        """Return the elements of a parameter array, in its shape. Raises CompileError if there are none."""
        name = array.sym_name.data
        if name not in self._elements:
            self._elements[name] = self.numbers.elements(array, self.parameters)
        return self._elements[name]

    def matrix(self, crossbar: CrossbarOp, core: tuple[int, ...]) -> Any:
        """Return the cells of a crossbar matrix, in its shape, on the core with these coordinates."""
        key = crossbar.result, core
        if key not in self._matrices:
            array = self._arrays[symbol(crossbar.array)]
            elements = self.elements(array)
            self._matrices[key] = self.numbers.matrix(crossbar, array, elements, core)
        return self._matrices[key]
