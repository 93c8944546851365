"""How far are the vector functions from the true values? Prints the table of `minicnn/kernels/cpu/vector_math.py`.

    python benchmarks/vector_math.py                 # all 2^32 floats and 200 million doubles: an hour on two cores
    python benchmarks/vector_math.py --part 0.001    # a thousandth of both

The true value is NumPy's in float64 for float32, and in `longdouble` (64 bits of fraction on x86) for float64. NumPy
has no erf; the C library's float64 erf stands in for it, which is itself up to 1 ulp off.
"""

from __future__ import annotations

import argparse
import math

import numba
import numpy as np
from numba import prange

from minicnn.kernels.cpu import vector_math
from minicnn.kernels.cpu.compile import OPTIONS, THREADS
from minicnn.kernels.cpu.elementwise import elementwise, part

_AT_ONCE = 2**22


@numba.vectorize(["float64(float64)"])
def _erf(x):
    return math.erf(x)


TRUE = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh,
    "erf": lambda x: _erf(x.astype(np.float64)), "sqrt": np.sqrt,
}  # fmt: skip


def function_of_arrays(name):
    loop = elementwise(getattr(vector_math, name))

    @numba.njit(parallel=True, **OPTIONS)
    def run(x, y):
        for thread in prange(THREADS):
            start, count = part(x.size, thread)
            loop(x, start, y, start, count)

    def function(x):
        y = np.empty_like(x)
        run(x, y)
        return y

    return function


def errors(y, true):
    """The errors of y in ulps of the true values. 0 where both are NaN, or y is infinite and the true value too large
    for y's type; infinite where only one is NaN."""
    limits = np.finfo(y.dtype)
    exponent = np.frexp(np.maximum(np.abs(true), limits.smallest_normal))[1]
    found = np.abs(y.astype(true.dtype) - true) / np.ldexp(true.dtype.type(1), exponent - 1 - limits.nmant)
    overflow = np.isinf(y) & (np.abs(true) > limits.max) & (np.sign(y) == np.sign(true))
    found[(np.isnan(y) & np.isnan(true)) | (y == true) | overflow] = 0
    found[np.isnan(y) != np.isnan(true)] = np.inf
    return found


def all_floats(part_of_them):
    step = max(1, round(1 / part_of_them))
    for start in range(0, 2**32, _AT_ONCE * step):
        yield np.arange(start, min(start + _AT_ONCE * step, 2**32), step, dtype=np.uint64).astype(np.uint32).view("f4")


def many_doubles(part_of_them):
    rng = np.random.default_rng(0)
    for _ in range(max(1, round(200e6 * part_of_them / _AT_ONCE))):
        quarter = _AT_ONCE // 4
        yield np.concatenate([
            rng.normal(size=quarter), rng.normal(size=quarter) * np.exp(5 * rng.normal(size=quarter)),
            rng.uniform(-750, 750, quarter), rng.integers(0, 2**64, quarter, dtype=np.uint64).view("f8"),
        ])  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", type=float, default=1.0, help="the part of all numbers that is tried")
    arguments = parser.parse_args()
    print("largest error in ulps    float32    float64")
    with np.errstate(all="ignore"):
        for name, true in TRUE.items():
            function, largest = function_of_arrays(name), {}
            for numbers, wide in ((all_floats, np.float64), (many_doubles, np.longdouble)):
                largest[wide] = max(
                    errors(function(x), true(x.astype(wide)).astype(wide)).max() for x in numbers(arguments.part)
                )
            print(f"{name:21}{largest[np.float64]:11.2f}{largest[np.longdouble]:11.2f}", flush=True)


if __name__ == "__main__":
    main()
