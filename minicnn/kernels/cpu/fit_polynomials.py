"""Print the coefficients in `vector_math.py`: python -m minicnn.kernels.cpu.fit_polynomials

Each polynomial takes the value of its function at the Chebyshev nodes of the interval. Its largest error is then at
most a few times the smallest that a polynomial of this degree can have (Trefethen, "Approximation Theory and
Approximation Practice", 2013, chapter 16). The nodes are computed with 60 digits, so that a coefficient is right to its
last bit. After each polynomial stands its largest error in the interval, relative to the result that it is made for.

The package mpmath must be installed.
"""

from __future__ import annotations

import mpmath as mp

mp.mp.dps = 60
TINY = mp.mpf(10) ** -25  # below, the quotients lose their digits, and their limit at 0 is exact enough

HALF_LN_2 = mp.log(2) / 2
LARGEST_S = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2


def exp_rest(r):
    """(exp(r) - 1 - r) / r^2"""
    return (mp.expm1(r) - r) / r**2 if abs(r) > TINY else mp.mpf(1) / 2


def log_rest(z):
    """(log((1 + s) / (1 - s)) - 2 s) / s^3 for s = sqrt(z)"""
    s = mp.sqrt(z)
    return (mp.log1p(s) - mp.log1p(-s) - 2 * s) / s**3 if z > TINY else mp.mpf(2) / 3


def tanh_rest(z):
    """(tanh(x) - x) / x^3 for x = sqrt(z)"""
    x = mp.sqrt(z)
    return (mp.tanh(x) - x) / x**3 if z > TINY else -mp.mpf(1) / 3


def erf_rest(z):
    """erf(x) / x - 1 for x = sqrt(z)"""
    x = mp.sqrt(z)
    return mp.erf(x) / x - 1 if z > TINY else 2 / mp.sqrt(mp.pi) - 1


def log_erfc(x):
    """log(1 - erf(x))"""
    return mp.log(mp.erfc(x))


POLYNOMIALS = {  # name: function, interval, (terms in float32, in float64), error of the result from value and point
    "EXP": (exp_rest, (-HALF_LN_2, HALF_LN_2), (5, 11), lambda error, r: error * r**2),
    "LOG": (log_rest, (0, LARGEST_S), (3, 7), lambda error, z: error * z / 2),
    "TANH": (tanh_rest, (0, mp.mpf("0.36")), (5, 11), lambda error, z: error * z),
    "ERF": (erf_rest, (0, 1), (7, 12), lambda error, z: error),
    "LOG_ERFC": (log_erfc, (1, 4), (10, None), lambda error, x: error * mp.erfc(x)),
    "LOG_ERFC of float64": (log_erfc, (1, 6), (None, 24), lambda error, x: error * mp.erfc(x)),
}


def main():
    for name, (function, (low, high), terms, error_of_result) in POLYNOMIALS.items():
        for bits, count in zip((32, 64), terms, strict=True):
            if count is not None:
                coefficients = mp.chebyfit(function, [low, high], count)
                points = mp.linspace(low, high, 1001)
                errors = [abs(error_of_result(mp.polyval(coefficients, x) - function(x), x)) for x in points]
                print(f"{name} {bits}: error 2^{float(mp.log(max(errors), 2)):.1f}")
                print("   ", ", ".join(repr(float(c)) for c in coefficients))


if __name__ == "__main__":
    main()
