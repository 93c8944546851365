"""Where calling is cheap there is nothing to record."""

from __future__ import annotations


def make(function, key):
    return function
