"""The definition: nothing is recorded."""

from __future__ import annotations


def make(function, parts, unchanged=None):
    return function
