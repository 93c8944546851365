"""Rescaling in NumPy: the definition."""

from __future__ import annotations


def forward(x, scale, offset, need_saved=True):
    return x * scale + offset, (scale if need_saved else None)


def backward(dy, saved, need_dx=True):
    return dy * saved if need_dx else None
