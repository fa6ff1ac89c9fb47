"""What the values of a run are: the numbers of the types in the IR, unless a proof computes with others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from xdsl.dialects.arith import ConstantOp

from cmir.accelerator.constants import parameter_elements
from cmir.accelerator.memory import Memory
from cmir.accelerator.program import pad_value
from cmir.dialects.cmcore import CrossbarOp, LoadOp
from cmir.dialects.polyhedral import ArrayOp

if TYPE_CHECKING:
    from cmir.accelerator.engine import Machine


class Numbers:
    """The numbers of NumPy's types. Memory is NumPy's arrays of whatever `cell` says."""

    def cell(self, dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
        """The type in which memory holds what is of this type."""
        return dtype

    def pad(self, op: LoadOp) -> float:
        """The pad value of a load, as memory holds it."""
        return pad_value(op)

    def elements(self, array: ArrayOp, parameters: Mapping[str, np.ndarray] | None) -> np.ndarray:
        """The elements of a parameter array, as memory holds them."""
        return parameter_elements(array, parameters)

    def matrix(self, crossbar: CrossbarOp, cells: np.ndarray) -> Any:
        """The matrix that bodies multiply by."""
        return cells

    def constant(self, op: ConstantOp, value: np.ndarray) -> Any:
        """The value of a constant of a body."""
        return value

    def memory(self, machine: Machine, inputs: Sequence[Mapping[str, np.ndarray]]) -> Memory:
        """The memory of a run, which gives values to bodies and takes them."""
        return Memory(machine, inputs)


NUMBERS = Numbers()
