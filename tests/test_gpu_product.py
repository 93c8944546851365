"""The matrix product's four versions on the GPU, or the virtual GPU, agree with NumPy, also at edges and in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

SHAPES = [(1, 1, 1), (5, 7, 3), (16, 8, 4), (17, 9, 5), (4, 20, 12), (33, 12, 40)]  # M, N, K


def expected(a, b, bias, relu):
    c = a.astype(np.float64) @ b + (0 if bias is None else bias)
    return np.maximum(c, 0) if relu else c


def tables(M, K, transposed):
    from minicnn.kernels.gpu.matmul import multiples

    return (multiples(M, 1), multiples(K, M)) if transposed else (multiples(M, K), multiples(K, 1))


def run_version(run, a, b, bias, relu, pieces, transposed, dtype):
    """Run one version; return c (pieces, M, N)."""
    from minicnn.kernels.gpu import arrays

    (M, K), N = a.shape, b.shape[1]
    lying = arrays.upload(np.ascontiguousarray(a.T if transposed else a).astype(dtype))
    c = arrays.upload(np.full((pieces, M, N), np.nan, dtype))
    there, adds = (
        arrays.upload(b.astype(dtype)),
        arrays.upload(np.zeros(N, dtype) if bias is None else bias.astype(dtype)),
    )
    rows, cols = tables(M, K, transposed)
    run(lying, rows, cols, there, adds, bias is not None, relu, c, M, N, K, pieces, N, 0)
    return c.to_host()


@pytest.mark.parametrize("transposed", [False, True], ids=["plain", "transposed"])
@pytest.mark.parametrize(("M", "N", "K"), SHAPES)
def test_every_version_is_the_product(M, N, K, transposed):
    from minicnn.kernels.gpu import matmul

    a, b, bias = normal(M, K), normal(K, N, seed=1), normal(N, seed=2)
    runs = None if (M if transposed else K) % 4 else "i" if transposed else "k"
    versions = {
        "v1": (matmul._one_thread(np.dtype("f8")), np.float64),
        "v2": (matmul.tiles_in_shared_memory(np.dtype("f8"), 4), np.float64),
        "v2 in float32": (matmul.tiles_in_shared_memory(np.dtype("f4"), 4), np.float32),
        "v3": (matmul._sums_in_registers(np.dtype("f8"), 4, 2), np.float64),
        "v3 in float32": (matmul._sums_in_registers(np.dtype("f4"), 4, 2), np.float32),
        "v4": (matmul._register_tiles(None, M, K, N)[0], np.float32),
        "v4 in runs": (matmul._register_tiles(runs, M, K, N)[0], np.float32),
    }
    for name, (run, dtype) in versions.items():
        tolerance = 1e-12 if dtype == np.float64 else 3e-6
        for adds, relu in ((None, False), (bias, True)):
            c = run_version(run, a, b, adds, relu, 1, transposed, dtype)[0]
            assert_close(c, expected(a, b, adds, relu), tolerance, name)
        for pieces in (2, 3) if not name.startswith("v3") else ():  # v3 does not cut sums
            c = run_version(run, a, b, None, False, pieces, transposed, dtype)
            assert not np.isnan(c).any(), name
            assert_close(c.sum(axis=0), expected(a, b, None, False), tolerance, f"{name}, {pieces} pieces")


@pytest.mark.parametrize(("BN", "runs"), [(32, "k"), (32, None), (64, "i")])
def test_tiles_of_the_size_that_hardware_uses(BN, runs):
    from minicnn.kernels.gpu.register_tiles import register_tiles

    M, N, K = 136, BN + 4, 20
    a, b = normal(M, K), normal(K, N, seed=1)

    def run(a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces, N_group, C_group):
        tiles = register_tiles(128, BN, 8, runs, True)
        tiles.launch((2, 2, 1), 128 * BN // 64, a, rows, cols, b, bias, has_bias, relu, c, M, N, K, K)

    assert_close(run_version(run, a, b, None, False, 1, runs == "i", np.float32)[0], a @ b, 3e-6)


@pytest.mark.parametrize("TILE", [16])
def test_v2_with_the_tile_that_hardware_uses(TILE):
    from minicnn.kernels.gpu import matmul

    a, b = normal(18, 20), normal(20, 17, seed=1)
    run = matmul.tiles_in_shared_memory(np.dtype("f8"), TILE)
    assert_close(run_version(run, a, b, None, False, 1, False, np.float64)[0], a @ b, 1e-12)


def test_v3_with_the_tile_that_hardware_uses():
    from minicnn.kernels.gpu import matmul

    a, b, bias = normal(66, 20), normal(20, 65, seed=1), normal(65, seed=2)
    run = matmul._sums_in_registers(np.dtype("f8"), 16, 4)
    c = run_version(run, a, b, bias, True, 1, False, np.float64)[0]
    assert_close(c, expected(a, b, bias, True), 1e-12)


@pytest.mark.filterwarnings("ignore:.*invalid value:RuntimeWarning")  # infinity times the zeros beyond an edge
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_row(bad):
    from minicnn.kernels.gpu import matmul

    a, b = normal(9, 6), np.abs(normal(6, 5, seed=1)) + 0.1
    a[4, 3] = bad
    for run, dtype in (
        (matmul._one_thread(np.dtype("f8")), np.float64),
        (matmul.tiles_in_shared_memory(np.dtype("f8"), 4), np.float64),
        (matmul._sums_in_registers(np.dtype("f8"), 4, 2), np.float64),
        (matmul._register_tiles(None, 9, 6, 5)[0], np.float32),
    ):
        c = run_version(run, a, b, None, False, 1, False, dtype)[0]
        assert not np.isfinite(c[4]).any()
        assert np.isfinite(np.delete(c, 4, 0)).all()


def test_a_long_sum_with_few_outputs_is_cut_and_gives_the_same_bits_twice():
    from minicnn.kernels.gpu import arrays, matmul

    a, b, bias = normal(3, 700), normal(700, 4, seed=1), normal(4, seed=2)
    results = []
    for _ in range(2):
        c = arrays.upload(np.full((3, 4), np.nan, np.float32))
        rows, cols = tables(3, 700, False)
        there = [arrays.upload(x.astype(np.float32)) for x in (a, b, bias)]
        matmul.product(there[0], rows, cols, there[1], there[2], True, c, "k")
        results.append(c.to_host())
    assert_close(results[0], expected(a, b, bias, True), 3e-6)
    np.testing.assert_array_equal(*results)
