"""Base of operators whose result elements depend on all elements along some axes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.interface import Access, IterationOp
from cmir.dialects.nn.operation import Shape
from cmir.dialects.nn.relations import Box, element_box


def verify_axes(axes: Sequence[int], x: Shape) -> None:
    """Raise VerifyException unless `axes` are dimensions of `x`, in ascending order."""
    if not axes or list(axes) != sorted({axis for axis in axes if 0 <= axis < len(x)}):
        raise VerifyException(
            f"`axes` must be one or several of the {len(x)} dimensions in ascending order,"
            f" got {list(axes)}"
        )


class AxisOp(IterationOp):
    """An operator whose result elements each depend on all elements along some axes.

    The result has the shape of the first operand. The axes in question are the lanes, the other axes the iterations.
    """

    @property
    @abstractmethod
    def lane_axes(self) -> Sequence[int]:
        """The axes along which elements depend on each other, in ascending order."""

    def iterations(self) -> Box:
        lanes = self._lanes()
        return {n: size for n, size in element_box(self.result_shape).items() if n not in lanes}

    def write(self) -> Access:
        box = element_box(self.result_shape)
        return self.access([*box], self.result_shape)

    def access(self, location: Sequence[str], shape: Shape) -> Access:
        """Return the access of all lanes to a location, in terms of the result's coordinates."""
        return Access.build(self.iterations(), self._lanes(), location, shape)

    def _lanes(self) -> Box:
        box = [*element_box(self.result_shape).items()]
        return dict(box[axis] for axis in self.lane_axes)
