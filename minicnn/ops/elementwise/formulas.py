"""Functions of one number, each followed by its derivative: plain formulas that cpu.py and gpu.py compile.

As in `ops/activation/formulas.py`: a function takes (x, p), a derivative (dy, x, y, p) and returns dx; p is not used.
"""

from __future__ import annotations

import math

from ...kernels.formulas import where

_HALF_PI = 1.5703125, 0.0004837512969970703, 7.549789954891882e-08  # pi / 2: two numbers of 11 bits, and the rest
_ERF_SLOPE = 2 / math.sqrt(math.pi)


def square(x, p):
    return x * x


def square_derivative(dy, x, y, p):
    return dy * (x + x)


def sqrt(x, p):
    return type(x)(math.sqrt(x))


def sqrt_derivative(dy, x, y, p):
    return dy / (y + y)


def rsqrt(x, p):
    return type(x)(1) / type(x)(math.sqrt(x))


def rsqrt_derivative(dy, x, y, p):
    return dy * y * y * y * type(y)(-0.5)


def reciprocal(x, p):
    return type(x)(1) / x


def reciprocal_derivative(dy, x, y, p):
    return -dy * y * y


def absolute(x, p):
    return abs(x)


def absolute_derivative(dy, x, y, p):
    return where(x > 0, dy, where(x < 0, -dy, dy * x))  # dy * x: zero, or NaN if x is NaN


def log(x, p):
    return type(x)(math.log(x))


def log_derivative(dy, x, y, p):
    return dy / x


def log1p(x, p):
    return type(x)(math.log1p(x))


def log1p_derivative(dy, x, y, p):
    return dy / (type(x)(1) + x)


def expm1(x, p):
    return type(x)(math.expm1(x))


def expm1_derivative(dy, x, y, p):
    return dy * (y + type(y)(1))


def erf(x, p):
    return type(x)(math.erf(x))


def erf_derivative(dy, x, y, p):
    return dy * type(x)(math.exp(-x * x)) * type(x)(_ERF_SLOPE)


def sin(x, p):
    return _turned(x, type(x)(0))


def sin_derivative(dy, x, y, p):
    return dy * _turned(x, type(x)(1))


def cos(x, p):
    return _turned(x, type(x)(1))


def cos_derivative(dy, x, y, p):
    return -dy * _turned(x, type(x)(0))


def _turned(x, quarters):
    """sin(x + quarters * pi / 2), for |x| below 10,000: the GPU library's function, for any x, is long.

    x is n quarter turns and a rest of at most half a quarter, for which sine and cosine are short sums. pi / 2 is taken
    off in three parts; n times the first two is exact, also in float32.
    """
    n = type(x)(math.floor(x * type(x)(2 / math.pi) + type(x)(0.5)))
    rest = x - n * type(x)(_HALF_PI[0]) - n * type(x)(_HALF_PI[1]) - n * type(x)(_HALF_PI[2])
    square = rest * rest
    sine, cosine = type(x)(0), type(x)(0)
    for i in range(7, 0, -1):  # 1 - r^2 / (2 * 3) (1 - r^2 / (4 * 5) (1 - ...)), and the same for the cosine
        sine = (type(x)(1) - sine) * square / type(x)(2 * i * (2 * i + 1))
        cosine = (type(x)(1) - cosine) * square / type(x)((2 * i - 1) * 2 * i)
    sine, cosine = rest * (type(x)(1) - sine), type(x)(1) - cosine
    turn = n + quarters
    turn = turn - type(x)(4) * type(x)(math.floor(turn * type(x)(0.25)))
    here = where((turn == type(x)(0)) | (turn == type(x)(2)), sine, cosine)
    return where(turn >= type(x)(2), -here, here)


def arctan(x, p):
    return type(x)(math.atan(x))


def arctan_derivative(dy, x, y, p):
    return dy / (type(x)(1) + x * x)


def sign(x, p):
    return where(x > 0, type(x)(1), where(x < 0, type(x)(-1), x))


def floor(x, p):
    return type(x)(math.floor(x))


def ceil(x, p):
    return type(x)(math.ceil(x))


def trunc(x, p):
    return where(x < 0, type(x)(math.ceil(x)), type(x)(math.floor(x)))


def round(x, p):
    """To the nearest whole number; a half goes to the even one, as in NumPy."""
    low = type(x)(math.floor(x))
    above, half = x - low, type(x)(0.5)
    even = low == type(x)(2) * type(x)(math.floor(low * half))
    return where((above < half) | ((above == half) & even), low, low + type(x)(1))


def step_derivative(dy, x, y, p):
    return dy * type(dy)(0)
