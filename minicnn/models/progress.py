"""What `fit`, `evaluate` and `predict` show: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager

import numpy as np

from ..kernels.cpu.compile import compile_clock
from ..kernels.cpu.compile_ahead import compiled_in_two_processes
from ..printing import can_redraw, columns, has_colors, say


class Progress:
    """The progress of one pass over the data.

    verbose 0 shows nothing; 1 draws a bar with the remaining time on a terminal, or prints one line at the end if the
    output is not a terminal; 2 prints one line at the end. steps: the number of steps, None if it is not known. width:
    the characters of the bar. interval: seconds between two drawings of the bar. unit: what is counted.
    """

    def __init__(self, steps: int | None, verbose, width=20, interval=0.05, unit="step"):
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f'verbose must be 0, 1, 2 or "auto"; received verbose={verbose!r}.')
        self.steps, self.verbose = steps, 1 if verbose == "auto" else int(verbose)
        self.width, self.interval, self.unit = width, interval, unit
        self.done = 0
        self.draws = self.verbose == 1 and can_redraw()
        self._started = time.perf_counter()
        self._compiling = 0.0
        self._last_drawn = 0.0
        self._last_length = 0

    def leave_out(self, seconds: float) -> None:
        """Do not count these seconds, which went into compiling."""
        self._compiling += seconds

    def step(self, done: int) -> None:
        """Set the number of steps that are done."""
        self.done = done

    def wants_logs(self) -> bool:
        """Whether it is time to draw the bar again. If not, the caller need not compute the logs."""
        return self.draws and time.perf_counter() - self._last_drawn >= self.interval

    def update(self, logs: dict) -> None:
        """Draw the bar, with the remaining time and the logs."""
        if self.draws:
            self._last_drawn = time.perf_counter()
            done = max(self.done, 1)
            pace = self._pace(done)
            if self.steps:
                remaining = self._elapsed() / done * (self.steps - self.done)
                pace = f"{_clock(remaining)} {pace}"
            self._draw(pace, logs, end="")

    def finish(self, logs: dict) -> None:
        """Draw the bar for the last time, or print the line."""
        if self.verbose == 0:
            return
        self.steps = self.steps or self.done
        pace = f"{self._elapsed():.0f}s {self._pace(max(self.done, 1))}"
        if self.verbose == 1:
            self._draw(pace, logs, end="\n")
        else:
            say(f"{self.done}/{self.steps} - {pace.replace(' ', ' - ', 1)}{_written(logs)}")

    def _draw(self, pace, logs, end):
        digits = len(str(self.steps)) if self.steps else 1
        counter, text = f"{self.done:{digits}d}/{self.steps or 'Unknown'} ", f" {pace}{_written(logs)}"
        width = self.width
        if self.draws:  # a line that wraps could not be drawn again: the bar becomes shorter, then the text
            room = max(columns() - 1 - len(counter), 0)
            width = max(min(width, room - len(text)), 0)
            text = text[: room - width]
        filled = width * min(self.done, self.steps) // self.steps if self.steps else 0
        padding = " " * max(0, self._last_length - width - len(text))
        self._last_length = width + len(text)
        if not self.draws:
            say(f"{counter}{'━' * filled}{text}", end)
        elif has_colors():
            bar = f"\033[32m{'━' * filled}\033[0m\033[37m{'━' * (width - filled)}\033[0m"
            say(f"\r\033[1m{counter}\033[0m{bar}{text}{padding}", end)
        else:
            say(f"\r{counter}{'━' * filled}{' ' * (width - filled)}{text}{padding}", end)

    def _elapsed(self):
        return time.perf_counter() - self._started - self._compiling

    def _pace(self, step):
        seconds = self._elapsed() / step
        for unit, factor in (("s", 1), ("ms", 1e3)):
            if seconds * factor >= 1:
                return f"{seconds * factor:.0f}{unit}/{self.unit}"
        return f"{seconds * 1e6:.0f}us/{self.unit}"


def _clock(seconds):
    """3:07 for 187 seconds, 12s for 12."""
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def _written(logs):
    return "".join(f" - {name}: {_number(value)}" for name, value in logs.items())


def _number(value):
    if np.ndim(value):  # a metric with several thresholds
        return f"[{', '.join(_number(part) for part in value)}]"
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


@contextmanager
def announced_compiling(progress, rehearsal):
    """Print that kernels are being compiled, and then how long it took. This time does not count as a step's time.

    rehearsal: with what a second process compiles, too, see `compile_ahead.py`.
    """
    count, seconds = compile_clock.count, compile_clock.seconds
    compile_clock.announce = progress.verbose != 0
    try:
        with compiled_in_two_processes(rehearsal):
            yield
    finally:
        compile_clock.announce = False
    if compile_clock.count > count:
        took = compile_clock.seconds - seconds
        progress.leave_out(took)
        if progress.verbose:
            say(f"Compiled {compile_clock.count - count} kernels in {took:.1f} s.")
