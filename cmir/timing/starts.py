"""Start times of the iterations of a stream: those of its first inferences, after which inferences repeat."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Starts:
    """The cycle in which each iteration of a core starts, in each inference of a stream.

    prefix: those of the first inferences, shape (inferences, iterations). count: number of inferences.
    period, shift: an inference after the prefix starts `shift` cycles later than the one `period` inferences before it.
    """

    prefix: np.ndarray
    count: int
    period: int = 1
    shift: int = 0

    @staticmethod
    def of(start: np.ndarray) -> Starts:
        """Return the starts of a stream that is all prefix."""
        return Starts(start, len(start))

    def continued(self, count: int, period: int) -> Starts:
        """Return the starts of a longer stream, the additional inferences of which repeat the last `period` ones."""
        if count == self.count:
            return self
        shift = int(self.prefix[-1, 0] - self.prefix[-1 - period, 0])
        return replace(self, count=count, period=period, shift=shift)

    def shorter(self, count: int) -> Starts:
        """Return the starts of the first inferences, no more than there are."""
        return replace(self, prefix=self.prefix[:count], count=count)

    @property
    def iterations(self) -> int:
        return self.prefix.shape[1]

    @property
    def size(self) -> int:
        """Number of iterations of the stream."""
        return self.count * self.iterations

    def whole(self) -> np.ndarray:
        """Return the start of each iteration of the stream, shape (inferences, iterations)."""
        return self._extended(self.prefix)

    def of_iteration(self, iteration: int) -> np.ndarray:
        """Return the start of an iteration in each inference. A negative one counts from the last."""
        return self._extended(self.prefix[:, iteration])

    def _extended(self, prefix: np.ndarray) -> np.ndarray:
        """Return what is given for the inferences of the prefix for all of them."""
        missing = self.count - len(prefix)
        if missing == 0:
            return prefix
        rounds, place = np.divmod(np.arange(missing), self.period)
        later = self.shift * (rounds + 1)
        later = later.reshape(-1, *(1,) * (prefix.ndim - 1))
        return np.concatenate((prefix, prefix[-self.period :][place] + later))
