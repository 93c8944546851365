"""Sums and means of numbers that come one after the other; some may still be on their way from a GPU."""

from __future__ import annotations


class RunningSum:
    """`add` takes numbers. `total` returns their sum so far; it waits for numbers that have not arrived yet."""

    def __init__(self):
        self._total, self._coming = 0.0, []

    def add(self, total, factor: float = 1.0) -> None:
        """Add `factor * total`. total: a float, or a result of `runtime.weighted_sum`."""
        if isinstance(total, float):
            self._total += factor * total
        else:
            self._coming.append((total, factor))

    def total(self) -> float:
        """The sum so far."""
        for total, factor in self._coming:
            self._total += factor * float(total)
        self._coming.clear()
        return self._total


class RunningMean(RunningSum):
    """`add` takes numbers with their weights. `result` returns their mean so far."""

    def __init__(self):
        super().__init__()
        self.weight = 0.0

    def add(self, total, weight: float, factor: float = 1.0) -> None:
        """Add `factor * total`, a sum of numbers whose weights add up to `weight`."""
        self.weight += weight
        super().add(total, factor)

    def result(self) -> float:
        """The mean so far, 0 before the first number."""
        return self.total() / self.weight if self.weight else 0.0
