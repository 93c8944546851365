"""Merging of two numbers, and a part of a gradient: plain formulas that cpu.py and gpu.py compile."""

from __future__ import annotations

import math


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


def power(a, b):
    return type(a)(a**b)


def base_slope(a, b):
    return b * type(a)(a ** (b - type(b)(1)))


def power_by_logarithm(a, b):
    """The power of float64 on the GPU, where the library's own function is long: |a|^b, and a's sign if b is odd."""
    if b == 0:
        return type(a)(1)
    size = math.exp(b * math.log(abs(a)))
    if a >= 0 or a != a:
        return size
    half = type(a)(0.5) * b
    if math.floor(b) != b:
        return (a - a) / (a - a)  # NaN
    return size if math.floor(half) == half else -size


def base_slope_by_logarithm(a, b):
    return b * power_by_logarithm(a, b - type(b)(1))


def exponent_slope(a, y):
    return y * type(a)(math.log(a)) if a > 0 else type(a)(0)


def keep_where(x, condition):
    return x if condition != 0 else type(x)(0)


def greater(a, b):
    return type(a)(1) if a > b else type(a)(0)


def greater_equal(a, b):
    return type(a)(1) if a >= b else type(a)(0)


def less(a, b):
    return type(a)(1) if a < b else type(a)(0)


def less_equal(a, b):
    return type(a)(1) if a <= b else type(a)(0)


def equal(a, b):
    return type(a)(1) if a == b else type(a)(0)


def not_equal(a, b):
    return type(a)(1) if a != b else type(a)(0)
