"""exp, expm1, log, log1p, tanh, erf and sqrt of whole vectors: what activations and losses are made of.

`math.exp` is a call for one number. A processor's vector unit has no exp either, but it multiplies and adds 8 numbers
(AVX2) or 16 (AVX-512) in each instruction. So each function here is made of these in three steps:

1. **Range reduction**: the function at any x follows from its value in a small interval.
   exp(x) = 2^n exp(r) with n = round(x / ln 2), so |r| <= ln(2) / 2.
   log(x) = e ln(2) + log(m) with x = 2^e m, 1 / sqrt(2) <= m < sqrt(2): e and m are in the bits of x.
2. **A polynomial** in this interval. `fit_polynomials.py` makes the coefficients and prints their errors. One
   multiply-add for each coefficient; float32 needs about half as many as float64.
3. **Putting together**: 2^n is made by writing n into the exponent's bits.

There is no branch: where a function has two formulas, both are computed and `where` chooses.

**The error.** An ulp, unit in the last place, is the distance between two neighbouring floats. At best a result is
within 0.5 ulp of the true value. The largest errors found, in ulps, among 13 million floats and 24 million
doubles (`benchmarks/vector_math.py` tries more):

               exp   expm1   log   log1p   tanh   erf   sqrt
    float32    1.05   1.58   0.79   0.81   1.30   1.11   0.50
    float64    0.99   1.82   0.84   0.86   1.36   1.00   0.50

NaN gives NaN. Infinities, signed zeros and denormal numbers give what the C library gives.

Sources: the forms of log and log1p are those of fdlibm (Sun Microsystems, 1993: e_log.c, s_log1p.c). ln 2 in two parts
and rounding by adding a large number: Cody and Waite, "Software Manual for the Elementary Functions", 1980. erf as
1 - exp(polynomial): N. Juffa's answers on stackoverflow.com.
"""

from __future__ import annotations

from math import inf, nan
from types import SimpleNamespace

from .vectors import Vector, fma, polynomial, where

_FLOAT32 = SimpleNamespace(
    fraction_bits=23, exponent_bias=127, smallest_normal=2.0**-126, sqrt_half_bits=0x3F3504F3,
    ln2_high=0.693145751953125, ln2_low=1.42860676533018690348e-06,
    exp=(0.001392617611993558, 0.008363173074513711, 0.041666554662050534, 0.1666657702559799, 0.5),
    exp_range=(-104.0, 89.0), expm1_lowest=-20.0,
    log=(0.2957994939197279, 0.3998878056602198, 0.6666668503957586),
    tanh=(-0.006269119719649729, 0.02111095904951479, -0.053873948848643334, 0.13332915366987452, -0.3333333033273155),
    erf=(7.875875062685488e-05, -0.000801686428716587, 0.005189087423433974, -0.026854212010626412, 0.11283594715160218,
         -0.37612626666720334, 0.12837916584835093),
    log_erfc=(-7.582681969725275e-08, 3.321684590731722e-06, -6.22983532516145e-05, 0.0006858366830115038,
              -0.0050649469202164845, 0.027099523293990374, -0.11105501737188005, -0.6309530298165722,
              -1.1306751441818166, 0.0004163292177097496),
    erf_one=4.0,
)  # fmt: skip
_FLOAT64 = SimpleNamespace(
    fraction_bits=52, exponent_bias=1023, smallest_normal=2.0**-1022, sqrt_half_bits=0x3FE6A09E667F3BCD,
    ln2_high=0.693147180369123816490, ln2_low=1.90821492927058770002e-10,
    exp=(2.0914679376583935e-09, 2.510520637395701e-08, 2.7557273661348637e-07, 2.7557255425746435e-06,
         2.4801587325533363e-05, 0.00019841269874800493, 0.0013888888888883752, 0.008333333333326141,
         0.04166666666666667, 0.1666666666666667, 0.5),
    exp_range=(-746.0, 710.0), expm1_lowest=-40.0,
    log=(0.14616449685043406, 0.15331721600556042, 0.18182889125261723, 0.2222221113479508, 0.28571428625975487,
         0.39999999999899505, 0.666666666666667),
    tanh=(-1.833596211003942e-05, 8.154737806525365e-05, -0.0002322510406793851, 0.0005880541548418729,
          -0.001455464802800745, 0.0035920831663434575, -0.008863232113541474, 0.02186948838378093,
          -0.05396825396475762, 0.13333333333330197, -0.33333333333333326),
    erf=(-7.795898827002142e-10, 1.3720064546777686e-08, -1.6208483801871705e-07, 1.6447424703317362e-06,
         -1.492473690741966e-05, 0.00012055294904839707, -0.0008548325975389692, 0.0052239776071164225,
         -0.02686617064323777, 0.11283791670945006, -0.37612638903183543, 0.12837916709551256),
    log_erfc=(-5.038175090820216e-18, 4.372730657464627e-16, -1.803681420277295e-14, 4.704754571528763e-13,
              -8.710329646313464e-12, 1.2176913893331286e-10, -1.3348440700984947e-09, 1.1757498115750717e-08,
              -8.454071020048298e-08, 5.008717897920234e-07, -2.452846118538208e-06, 9.88504231580783e-06,
              -3.223400632863468e-05, 8.134663117117e-05, -0.00013878978515156762, 5.9988163202506775e-05,
              0.0005115746202377613, -0.0016410725055028398, 0.00018134612945957767, 0.019136993126873038,
              -0.10277298786463396, -0.6366206965657829, -1.1283787825197156, -5.442051963983573e-08),
    erf_one=6.0,
)  # fmt: skip

_TINY = 2.0**-60
"""expm1(x) and log1p(x) are x where |x| is smaller than this."""


def _constants(x: Vector) -> SimpleNamespace:
    return _FLOAT32 if x.emit.bits == 32 else _FLOAT64


def _clamped(x, lowest, highest):
    """x between the two limits. NaN stays NaN."""
    x = where(x < lowest, type(x)(lowest), x)
    return where(x > highest, type(x)(highest), x)


def _exponent_and_rest(x):
    """(n as Bits, r, exp(r) - 1) for x = n ln(2) + r.

    Adding `magic` pushes the digits behind the point out of the number. So the sum is rounded to an integer, which
    stands in its lowest bits. The product n * ln2_high is exact within fma, and ln2_low has the digits that it lacks.
    """
    c = _constants(x)
    magic = type(x)(1.5 * 2.0**c.fraction_bits)
    rounded = fma(x, type(x)(1 / 0.6931471805599453), magic)
    n = rounded - magic
    r = fma(n, type(x)(-c.ln2_low), fma(n, type(x)(-c.ln2_high), x))
    return rounded.bits - magic.bits, fma(r * r, polynomial(r, c.exp), r)


def _power_of_2(n):
    """2^n as a Vector: n is written into the bits of the exponent, which must hold it."""
    c = _FLOAT32 if n.emit.bits == 32 else _FLOAT64
    return ((n + c.exponent_bias) << c.fraction_bits).number


def exp(x: Vector) -> Vector:
    """e^x. 2^n is multiplied in two halves, because 2^n itself may be too large or too small for a float."""
    n, rest = _exponent_and_rest(_clamped(x, *_constants(x).exp_range))
    half = n >> 1
    return (rest + 1) * _power_of_2(half) * _power_of_2(n - half)


def expm1(x: Vector) -> Vector:
    """e^x - 1, right to the last digits for small x, where e^x and 1 have the same first digits.

    2^n (exp(r) - 1) + (2^n - 1), computed with 2^(n-1), because 2^n may be too large.
    """
    c = _constants(x)
    n, rest = _exponent_and_rest(_clamped(x, c.expm1_lowest, c.exp_range[1]))
    half_power = _power_of_2(n - 1)
    y = fma(half_power, rest, half_power - 0.5) * 2
    return where(abs(x) < _TINY, x, y)


def _log_of_sum(u, correction):
    """log(u + correction) for u > 0 and a correction that is smaller than u's last digit."""
    c = _constants(u)
    denormal = u < c.smallest_normal
    growth = c.fraction_bits + 2
    grown = where(denormal, u * 2.0**growth, u)
    e = (grown.bits - c.sqrt_half_bits) >> c.fraction_bits
    m = (grown.bits - (e << c.fraction_bits)).number
    magic = type(u)(1.5 * 2.0**c.fraction_bits)
    e = (e + magic.bits).number - magic  # the integer e as a float
    e = where(denormal, e - growth, e)
    f = m - 1
    s = f / (f + 2)  # log(1 + f) = log((1 + s) / (1 - s)) = 2 s + s^3 * polynomial(s^2)
    z = s * s
    half_square = f * f * 0.5
    rest = fma(s, half_square + z * polynomial(z, c.log), fma(e, type(u)(c.ln2_low), correction / u))
    y = fma(e, type(u)(c.ln2_high), f - (half_square - rest))
    y = where(u == inf, u, y)
    return where(u > 0, y, where(u == 0, type(u)(-inf), type(u)(nan)))


def log(x: Vector) -> Vector:
    """The natural logarithm: -inf of 0, NaN of negative numbers."""
    return _log_of_sum(x, type(x)(0))


def log1p(x: Vector) -> Vector:
    """log(1 + x), right to the last digits for small x: what 1 + x loses by rounding is added to the logarithm."""
    u = x + 1
    whole = u - x  # Knuth's two-sum: u + lost is exactly 1 + x
    lost = (1 - whole) + (x - (u - whole))
    y = _log_of_sum(u, where(abs(x) < inf, lost, type(x)(0)))
    return where(abs(x) < _TINY, x, y)


def tanh(x: Vector) -> Vector:
    """(e^x - e^-x) / (e^x + e^-x): x + x^3 * polynomial(x^2) for |x| < 0.6, and 1 - 2 / (e^(2|x|) + 1) beyond."""
    size, square = abs(x), x * x
    near = fma(x * square, polynomial(square, _constants(x).tanh), x)
    far = 1 - 2 / (exp(size + size) + 1)
    return where(size < 0.6, near, far).call("copysign", x)


def erf(x: Vector) -> Vector:
    """2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.

    x + x * polynomial(x^2) for |x| < 1, and 1 - exp(polynomial(|x|)) beyond, which is 1 from `erf_one` on.
    """
    c = _constants(x)
    size = abs(x)
    near = fma(x, polynomial(x * x, c.erf), x)
    far = 1 - exp(polynomial(_clamped(size, 0.0, c.erf_one), c.log_erfc))
    return where(size < 1, near, far.call("copysign", x))


def sqrt(x: Vector) -> Vector:
    """The processor has an instruction for this one."""
    return x.call("sqrt")
