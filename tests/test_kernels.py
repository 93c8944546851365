"""Code that the fast variants share: the microkernel, matrix products, windows, bands, random numbers."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from helpers import assert_close, normal

from minicnn.kernels.cpu import bands, denormals, matmul, microkernel, windows, workspace
from minicnn.kernels.cpu.compile import OPTIONS
from minicnn.kernels.cpu.microkernel import make_tile, tile_by_loops
from minicnn.kernels.cpu.transform import make_transform, transform_by_loops
from minicnn.kernels.cpu.vector_loop import vector_loop
from minicnn.kernels.cpu.windows import gather_by_loops, make_gather, make_scatter, scatter_by_loops, vectors_across
from minicnn.kernels.random import random_bits, stream_key, threshold

SHAPES = [
    (microkernel.VECTOR_BYTES, microkernel.ROWS, microkernel.VECTORS),
    (16, 4, 2),
    (32, 6, 2),
    (64, 7, 3),
    (64, 8, 2),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", dict.fromkeys(SHAPES), ids=str)
def test_tile_of_every_shape_is_the_loops(shape, dtype):
    """Whole tiles and every remainder of rows and columns, stored or added to c, with random offset tables."""
    tile = make_tile(*shape)

    @numba.njit(**OPTIONS)
    def run(a, rows, row_count, cols, K, b, c, c_stride, column_count, add):
        tile(a, 3, rows, 1, row_count, cols, 2, K, b, 4, c, 5, c_stride, column_count, add)

    vector_bytes, ROWS, VECTORS = shape
    width, K = VECTORS * vector_bytes // np.dtype(dtype).itemsize, 9
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(0, 40, ROWS + 1), rng.integers(0, 40, K + 2)
    c_stride = width + 5
    a, b = normal(90, dtype=dtype), normal(K * width + 4, seed=1, dtype=dtype)
    for row_count in range(1, ROWS + 2):
        for column_count in range(1, width + 2):
            for add in (False, True):
                c = normal(ROWS * c_stride + width + 6, seed=7, dtype=dtype)
                expected = c.copy()
                run(a, rows, row_count, cols, K, b, c, c_stride, column_count, add)
                tile_by_loops(
                    width, a, 3, rows, 1, min(row_count, ROWS), cols, 2, K, b, 4,
                    expected, 5, c_stride, min(column_count, width), add,
                )  # fmt: skip
                assert_close(c, expected, 1e-12 if dtype == "float64" else 1e-5, f"{row_count} x {column_count}")


def test_relu_of_a_product_keeps_nan():
    y = np.zeros((3, 1))
    matmul.multiply(np.array([[np.nan], [-1.0], [2.0]]), np.ones((1, 1)), np.zeros(1), y, relu=True)
    assert np.isnan(y[0, 0])
    assert y[1, 0] == 0
    assert y[2, 0] == 2


# with every remainder of the tiles' rows and columns, with one or several parts of a long sum, one or several pieces
PRODUCTS = [(1, 1, 1), (7, 5, 3), (65, 33, 40), (600, 3, 70), (2, 300, 9), (33, 129, 31), (2100, 4, 6), (40, 17, 100)]


@pytest.mark.parametrize(("M", "K", "F"), PRODUCTS)
def test_matrix_products(M, K, F):
    a, b, bias, dy = normal(M, K), normal(K, F, seed=1), normal(F, seed=2), normal(M, F, seed=3)
    c, gradients, dx = np.empty((M, F)), np.empty((K + 1, F)), np.empty((M, K))
    matmul.multiply(a, b, bias, c)
    assert_close(c, a @ b + bias, 1e-12)
    matmul.multiply(a, b, bias, c, relu=True)
    assert_close(c, np.maximum(a @ b + bias, 0), 1e-12)
    for y, dz in ((None, dy), (c, np.where(c > 0, dy, 0))):
        matmul.multiply_transposed(a, dy, gradients, y)
        assert_close(gradients, np.vstack([a.T @ dz, dz.sum(0)]), 1e-12)
        matmul.multiply_by_transposed(dy, b, dx, y)
        assert_close(dx, dz @ b.T, 1e-12)


@pytest.mark.parametrize("remainder", range(1, 2 * microkernel.ROWS))
def test_matrix_products_with_every_remainder(remainder):
    test_matrix_products(remainder, remainder + 3, remainder + 20)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_matrix_products_pass_nan_and_infinity_on(bad):
    a, b = normal(9, 40), normal(40, 33, seed=1)
    a[3, 35] = bad
    c, gradients, dx = np.empty((9, 33)), np.empty((41, 33)), np.empty((9, 40))
    matmul.multiply(a, b, np.zeros(33), c)
    matmul.multiply_transposed(a, c, gradients)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(np.isfinite(c), np.isfinite(a @ b))
        np.testing.assert_array_equal(np.isnan(gradients), np.isnan(np.vstack([a.T @ c, c.sum(0)])))
        matmul.multiply_by_transposed(c, b, dx)
        np.testing.assert_array_equal(np.isfinite(dx), np.isfinite(c @ b.T))


def test_transforms_are_the_loops():
    M = np.array([[1, 0, -1, 0.5], [0, 0, 0, 0], [-1, 2, 1, 1]])
    for vector_bytes in {16, 32, 64, microkernel.VECTOR_BYTES}:
        transform = make_transform(M, vector_bytes)

        @numba.njit(**OPTIONS)
        def run(x, y, count, transform=transform):
            transform(x, 1, y, 2, 100, 24, 90, 22, count)

        for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-12)):
            for count in range(20):
                x, y = normal(400, dtype=dtype), normal(250, seed=1, dtype=dtype)
                expected = y.copy()
                run(x, y, count)
                transform_by_loops(M, x, 1, expected, 2, 100, 24, 90, 22, count)
                assert_close(y, expected, tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 6), (2, 4)], ids=str)
def test_windows_are_the_loops(shape, dtype):
    """Gather and scatter zero, one and many windows, which overlap and may be listed twice."""
    R, V = shape
    for vector_bytes in (16, 32, 64):
        width = V * vector_bytes // np.dtype(dtype).itemsize
        x_row, y_row = width + 7, width + 3
        places = np.random.default_rng(0).integers(0, 50, 12)
        values = normal(12, seed=3, dtype=dtype)
        for make, by_loops in ((make_gather, gather_by_loops), (make_scatter, scatter_by_loops)):
            both = make(R, V, vector_bytes)

            @numba.njit(**OPTIONS)
            def run(x, places, values, count, y, both=both, x_row=x_row, y_row=y_row):
                both(x, 3, x_row, places, values, 2, count, y, 4, y_row)

            for count in (0, 1, 2, 9):
                x, y = normal(60 + R * x_row, seed=1, dtype=dtype), normal(9 + R * y_row, seed=2, dtype=dtype)
                expected_x, expected_y = x.copy(), y.copy()
                run(x, places, values, count, y)
                by_loops(R, width, expected_x, 3, x_row, places, values, 2, count, expected_y, 4, y_row)
                for found, expected in ((x, expected_x), (y, expected_y)):
                    assert_close(found, expected, 1e-12 if dtype == "float64" else 1e-5)


def test_blocks_of_windows_fit_the_registers():
    for R in range(1, 20):
        for vectors in range(1, 50):
            V = vectors_across(R, vectors)
            assert vectors % V == 0
            assert V == 1 or R * V <= windows.REGISTERS


@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
def test_bands_are_finished_as_the_loops_say(vector_bytes):
    """Bias, ReLU and pooling with winners, in vectors of every width, with ties, NaN and infinity.

    Numbers next to the results stay as they are.
    """
    pool = vector_loop(arrays=4, scalars=8, vector_bytes=vector_bytes)(bands._bias_relu_pool.body)
    plain = vector_loop(arrays=3, scalars=4, vector_bytes=vector_bytes)(bands._bias_relu.body)

    @numba.njit(**OPTIONS)
    def run(sums, bias, y, winner, relu, remember, PH, PW, windows, row, stride, F):
        if PH * PW > 1:
            pool(sums, 1, bias, 2, y, 3, winner, 4, relu, remember, PH, PW, windows, row, stride, F, F)
        else:
            plain(sums, 1, bias, 2, y, 3, relu, windows, stride, F, F)

    rng = np.random.default_rng(0)
    shapes = ((0, 1, 2, 2), (1, 1, 2, 2), (1, 0, 3, 2), (1, 1, 1, 3), (0, 1, 3, 3), (0, 0, 1, 1), (1, 0, 1, 1))
    for dtype in ("float32", "float64"):
        for F in range(1, 40):
            for relu, remember, PH, PW in shapes:
                windows, stride = int(rng.integers(1, 5)), F + int(rng.integers(0, 9))
                row = windows * PW * stride
                sums = rng.integers(-3, 2, 1 + PH * row).astype(dtype)
                sums[rng.integers(0, sums.size, 5)] = [np.nan, np.inf, -np.inf, -0.0, np.nan]
                y, winner = normal(windows * F + 9, dtype=dtype), np.full(windows * F + 9, 99, np.uint8)
                bias, sizes = normal(F + 5, dtype=dtype).round(), (relu, remember, PH, PW, windows, row, stride, F)
                expected = y.copy(), winner.copy()
                run(sums, bias, y, winner, *sizes)
                bands.bias_relu_pool_by_loops(sums[1:], bias[2:], expected[0][3:], expected[1][4:], *sizes)
                np.testing.assert_array_equal(y, expected[0])
                np.testing.assert_array_equal(winner, expected[1])


def test_random_bits_are_splitmix64():
    # The published sequence of Vigna's splitmix64.c for seed 1234567; random_bits gives the upper halves.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    found = random_bits(np.uint64(1234567), np.arange(1, 5, dtype=np.uint64))
    assert [int(v) for v in found] == [v >> 32 for v in expected]


def test_random_bits_are_uniform_and_streams_unrelated():
    index = np.arange(200_000, dtype=np.uint64)
    first, second = (random_bits(stream_key(5, counter), index) / 2**32 for counter in (0, 1))
    for stream in (first, second):
        assert abs(stream.mean() - 0.5) < 0.005
        counts = np.histogram(stream, 20, (0, 1))[0]
        assert ((counts - 10_000) ** 2 / 10_000).sum() < 45  # chi-square, 19 degrees of freedom, p = 0.0007
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.01
    assert abs((random_bits(stream_key(9, 9), index) < threshold(0.3)).mean() - 0.3) < 0.005


@pytest.mark.skipif(not denormals.ON_X86, reason="other processors have another register for it")
def test_denormal_numbers_are_zero_within_a_step_and_only_there(python):
    with workspace.step():
        assert (np.full(100, 1e-40, np.float32) * np.float32(2) == 0).all()
    assert (np.full(100, 1e-40, np.float32) * np.float32(2) > 0).all()
    code = """
import warnings

warnings.simplefilter("error")
import numpy as np
from minicnn.kernels.cpu import workspace
from minicnn.ops import merge

tiny = np.full((64, 1000), 1e-40, np.float32)
with workspace.step():
    y, _ = merge.forward("add", [tiny, tiny])
    np.finfo(np.float32)
    print((y == 0).all())  # on every thread
print((tiny + tiny > 0).all())
"""
    assert python(code).split() == ["True", "True"]
