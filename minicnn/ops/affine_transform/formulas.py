"""Places outside an image and the pixels that they mean: plain formulas that cpu.py and gpu.py compile."""

from __future__ import annotations

CONSTANT, NEAREST, REFLECT, WRAP, CUT, WRAP_BETWEEN = range(6)  # as FILL_MODES lists them


def folded(place, length, mode):
    """Move a place on an axis of `length` pixels into [0, length - 1]; CONSTANT and CUT leave it as it is."""
    real = type(place)
    zero, one, size = real(0), real(1), real(length)
    last = size - one
    if mode == CONSTANT or mode == CUT:  # noqa: SIM109 - a tuple would be made in every thread of a GPU
        return place
    if place >= zero and place <= last:
        return place
    if length == 1:
        return zero
    if mode == REFLECT:
        both = size + size
        if place < zero:
            place += both * real(int(-place / both))
            place = place + both if place < -size else -place - one
        else:
            place -= both * real(int(place / both))
            if place >= size:
                place = both - place - one
    elif mode != NEAREST:
        period = size if mode == WRAP else last
        if place < zero:
            place += period * real(int(-place / last) + 1)
        else:
            place -= period * real(int(place / last))
    return min(max(place, zero), last)


def below(place):
    """The pixel at or before a place."""
    whole = int(place)
    return whole - 1 if type(place)(whole) > place else whole


def beside(place):
    """The pixel nearest to a place; of two equally near pixels, the one farther from zero."""
    half = type(place)(0.5)
    return -int(half - place) if place < type(place)(0) else int(place + half)
