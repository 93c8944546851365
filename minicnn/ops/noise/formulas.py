"""Normally distributed numbers from random bits: plain formulas that cpu.py and gpu.py compile.

A uniform number x between -1 and 1 becomes sqrt(2) * erfinv(x), which is normally distributed. erfinv, the inverse of
the error function, is Giles's approximation in single precision. With w = -log(1 - x^2), it is x times a polynomial of
w where w < 5, and x times a polynomial of sqrt(w) elsewhere.

Source: Giles, "Approximating the erfinv function", GPU Computing Gems, 2010.
"""

from __future__ import annotations

import math

import numpy as np

CENTRE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
FAR_OUT = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip
SQRT_2 = math.sqrt(2)


def polynomial(t, a, b, c, d, e, f, g, h, i):
    """a t^8 + b t^7 + ... + i, in t's type."""
    real = type(t)
    p = (((real(a) * t + real(b)) * t + real(c)) * t + real(d)) * t + real(e)
    return (((p * t + real(f)) * t + real(g)) * t + real(h)) * t + real(i)


def normal(bits, one):
    """A normally distributed number made from 32 random bits, in the type of the number `one`.

    Only 24 of the bits are used, so that x and 1 - x are exact in float32.
    """
    real = type(one)
    x = real(np.int64(bits >> np.uint64(8)) * 2 + 1 - 16777216) * real(2.0**-24)
    w = -real(math.log((one - x) * (one + x)))
    if w < 5:
        t = w - real(2.5)
        p = polynomial(
            t, CENTRE[0], CENTRE[1], CENTRE[2], CENTRE[3], CENTRE[4], CENTRE[5], CENTRE[6], CENTRE[7], CENTRE[8]
        )
    else:
        t = real(math.sqrt(w)) - real(3)
        p = polynomial(
            t, FAR_OUT[0], FAR_OUT[1], FAR_OUT[2], FAR_OUT[3], FAR_OUT[4], FAR_OUT[5], FAR_OUT[6], FAR_OUT[7],
            FAR_OUT[8],
        )  # fmt: skip
    return real(SQRT_2) * p * x
