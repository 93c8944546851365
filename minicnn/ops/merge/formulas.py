"""Merging of two numbers, and a part of a gradient: plain formulas that cpu.py and gpu.py compile."""

from __future__ import annotations


def add(a, b):
    return a + b


def subtract(a, b):
    return a - b


def multiply(a, b):
    return a * b


def divide(a, b):
    return a / b


def maximum(a, b):
    """The larger number; NaN wins, as in NumPy."""
    return a if a >= b or a != a else b


def minimum(a, b):
    return a if a <= b or a != a else b


def divisor_gradient(upstream_a, b):
    """The gradient of a / b with respect to b; upstream_a is the upstream gradient times a."""
    return -upstream_a / (b * b)
