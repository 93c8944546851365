"""A progress bar for training loops of one's own, with Keras's arguments."""

from __future__ import annotations

from ..models.progress import Progress


class Progbar:
    """Shows how many of `target` steps are done, and values: their means over the steps, or as they are.

    target: None if the number is not known. values are means unless their names are in stateful_metrics; with
    stateless_metrics only these are means. verbose 0 shows nothing; 1 draws a bar on a terminal and prints one line at
    the end elsewhere; 2 prints one line at the end.
    """

    def __init__(
        self,
        target,
        width=20,
        verbose=1,
        interval=0.05,
        stateful_metrics=None,
        stateless_metrics=None,
        unit_name="step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar takes stateful_metrics or stateless_metrics, not both.")
        self.target = target
        self._shown_as_given = set(stateful_metrics or ())
        self._means_of = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, list[float]] = {}  # {name: [sum, number of steps]}
        self._progress = Progress(target, verbose, width, interval, unit_name)

    def update(self, current, values=None, finalize=None) -> None:
        """Set the number of steps that are done. values: pairs (name, value of these steps). The last update prints."""
        steps = max(current - self._progress.done, 1)
        last = current >= self.target if finalize is None and self.target is not None else bool(finalize)
        for name, value in values or ():
            if last or not self._is_mean(name) or name not in self._sums:
                self._sums[name] = [float(value), 1] if last or not self._is_mean(name) else [value * steps, steps]
            else:
                self._sums[name][0] += value * steps
                self._sums[name][1] += steps
        self._progress.step(current)
        logs = {name: total / count for name, (total, count) in self._sums.items()}
        if last:
            self._progress.finish(logs)
        elif self._progress.wants_logs():
            self._progress.update(logs)

    def add(self, n, values=None) -> None:
        """Count n more steps."""
        self.update(self._progress.done + n, values)

    def _is_mean(self, name):
        return name not in self._shown_as_given if self._means_of is None else name in self._means_of
