"""The mean of numbers that come one after the other, some of them still on their way from a GPU."""

from __future__ import annotations


class RunningMean:
    """`add` takes numbers, `result` gives their mean so far and waits for those that have not arrived."""

    def __init__(self):
        self._total, self._weight, self._coming = 0.0, 0.0, []

    def add(self, total, weight: float, factor: float = 1.0) -> None:
        """Add `factor * total`, the sum of numbers that weigh `weight`. total: a float, or what `ops.total` gives."""
        self._weight += weight
        if isinstance(total, float):
            self._total += factor * total
        else:
            self._coming.append((total, factor))

    def result(self) -> float:
        """The mean so far, 0 before the first number."""
        for total, factor in self._coming:
            self._total += factor * float(total)
        self._coming.clear()
        return self._total / self._weight if self._weight else 0.0
