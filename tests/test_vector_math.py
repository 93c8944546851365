"""exp, log, tanh, erf and their kin as vectors: their errors, special numbers, and every width of vector."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from minicnn.kernels.cpu import vector_math, vectors
from minicnn.kernels.cpu.compile import OPTIONS
from minicnn.kernels.cpu.elementwise import elementwise, part
from minicnn.kernels.cpu.microkernel import VECTOR_BYTES

TRUE = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh,
    "erf": np.vectorize(math.erf, otypes=[np.float64]), "sqrt": np.sqrt,
}  # fmt: skip
WIDTHS = sorted({4, 16, 32, 64, VECTOR_BYTES})  # bytes: 4 is one float32


def applied(formula, *arrays, vector_bytes=VECTOR_BYTES):
    loop = elementwise(formula, arrays=len(arrays), vector_bytes=vector_bytes)
    names = [f"x{i}" for i in range(len(arrays))]
    pairs = ", ".join(f"{name}, 0" for name in names)
    scope = {"loop": loop}
    exec(f"def run({', '.join(names)}, y):\n    loop({pairs}, y, 0, y.size)", scope)
    y = np.empty_like(arrays[0])
    numba.njit(**OPTIONS)(scope["run"])(*arrays, y)
    return y


def ulps(y, true):
    """The largest error in units of the last place of the true value, which must be no NaN and not too large."""
    last_place = np.spacing(np.abs(true).astype(y.dtype)).astype(true.dtype)
    return float((np.abs(y.astype(true.dtype) - true) / last_place).max())


def quiet(name, x, dtype):
    with np.errstate(all="ignore"):
        return TRUE[name](x.astype(dtype))


@pytest.mark.parametrize("name", TRUE)
def test_float32_is_within_2_ulps(name):
    """A sample of all 2^32 floats that meets every exponent. `benchmarks/vector_math.py` tries them all."""
    x = np.arange(0, 2**32, 12_289, dtype=np.uint64).astype(np.uint32).view(np.float32)
    y, true = applied(getattr(vector_math, name), x), quiet(name, x, np.float64)
    assert (np.isnan(y) == np.isnan(true)).all()
    too_large = np.abs(true) > np.finfo(np.float32).max * (1 + 2.0**-24)
    assert (y[too_large] == np.sign(true[too_large]) * np.inf).all()
    finite = ~np.isnan(true) & ~too_large & (np.abs(true) <= np.finfo(np.float32).max)
    assert ulps(y[finite], true[finite]) <= 2


@pytest.mark.parametrize("name", TRUE)
def test_float64_is_within_4_ulps(name):
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.uniform(-18, 2.8, 40_000)
    x = np.concatenate([rng.normal(size=40_000), sizes, -sizes])
    y, true = applied(getattr(vector_math, name), x), quiet(name, x, np.float64 if name == "erf" else np.longdouble)
    assert (np.isnan(y) == np.isnan(true)).all()
    finite = np.isfinite(true.astype(np.float64))
    assert ulps(y[finite], true[finite]) <= 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TRUE)
def test_special_numbers(name, dtype):
    """NaN, infinities, zeros with their signs, the smallest and largest numbers, and the edges of what overflows."""
    info = np.finfo(dtype)
    tiny, smallest = info.smallest_subnormal, info.smallest_normal
    sizes = [0, tiny, 3 * tiny, smallest, 1, 88, 90, 104, 709, 711, 746]
    x = np.array([*sizes, info.max, np.inf, np.nan], dtype)
    x = np.concatenate([x, -x])
    y = applied(getattr(vector_math, name), x)
    with np.errstate(all="ignore"):
        true = quiet(name, x, np.float64).astype(dtype)
    assert (np.isnan(y) == np.isnan(true)).all()
    known = ~np.isnan(true)
    assert (np.signbit(y) == np.signbit(true))[known].all()
    finite = np.isfinite(true)
    assert (y[known & ~finite] == true[known & ~finite]).all()
    assert ulps(y[finite], true[finite].astype(np.float64)) <= 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TRUE)
def test_every_width_of_vector_gives_the_same_bits(name, dtype):
    x = np.random.default_rng(0).normal(size=77).astype(dtype) * 3
    results = [applied(getattr(vector_math, name), x, vector_bytes=max(w, x.itemsize)) for w in WIDTHS]
    for y in results[1:]:
        np.testing.assert_array_equal(y, results[0])


FORMULAS = {
    "a + 2 - b": lambda a, b: a + 2 - b,
    "2 + a * b": lambda a, b: 2 + a * b,
    "1 - a": lambda a, b: 1 - a,
    "3 * a / b": lambda a, b: 3 * a / b,
    "1 / b": lambda a, b: 1 / b,
    "-abs(a)": lambda a, b: -abs(a),
}  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_operators_of_vectors_are_those_of_numbers(formula):
    a, b = np.random.default_rng(0).normal(size=(2, 37))
    np.testing.assert_array_equal(applied(formula, a, b), formula(a, b))


CONDITIONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "and": lambda a, b: (a < b) & (a > 0),
    "or": lambda a, b: (a < b) | (a > 0),
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_of_vectors_are_those_of_numbers(condition):
    a, b = np.array([0.0, 1, 1, 2, -3, np.nan, 5, np.nan]), np.array([0.0, 1, 2, 1, -4, 1, np.nan, np.nan])
    chosen = applied(lambda a, b: vectors.where(condition(a, b), type(a)(1), type(a)(2)), a, b)
    np.testing.assert_array_equal(chosen, np.where(condition(a, b), 1, 2))


def test_fma_rounds_once():
    x = np.array([1 + 2.0**-30])
    y = applied(lambda a, b, c: vectors.fma(a, b, c), x, x, -x * x)
    assert y[0] == 2.0**-60


def test_parts_are_all_numbers_once():
    for size in (0, 1, 63, 64, 65, 1000, 12_345):
        found = [part.py_func(size, thread) for thread in range(numba.config.NUMBA_NUM_THREADS)]
        assert [i for start, count in found for i in range(start, start + count)] == list(range(size))
