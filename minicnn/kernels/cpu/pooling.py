"""Where the windows of a pooling lie: the part of each window that is inside the image."""

from __future__ import annotations

from .compile import helper


@helper
def inside(first, taps, size):
    """(the first pixel, the number of its tap, the number of taps) of a window that lie inside an axis of `size`."""
    tap = max(0, -first)
    return first + tap, tap, min(taps, size - first) - tap


@helper
def whole_windows(ow, win, W):
    """How many windows from number `ow` on lie inside a row of W pixels, if window `ow` does."""
    return (W - win.KW + win.PL) // win.SW + 1 - ow
