"""Every GPU kernel compiles, and the fast kernels keep their sums in registers. These tests need no GPU."""

from __future__ import annotations

import importlib
import re
from functools import cache

import numpy as np
import pytest
from cases import all_cases
from helpers import OnGPU, package
from numba.cuda import types
from virtual_gpu import compiling

from minicnn.kernels.gpu import arrays, graph, matmul
from minicnn.kernels.gpu.register_tiles import register_tiles


def launch_sums_in_registers(dtype):
    """Launch v3 of the matrix product, which no operation uses, with the tile that hardware uses."""
    x, table = arrays.empty((1,), dtype), arrays.empty((1,), np.int32)
    matmul._sums_in_registers(dtype, 16, 4)(x, table, table, x, x, False, False, x, 1, 1, 1, 1, 1, 0)


@cache
def launched(dtype):
    """[(kernel, signature)] of every kernel that the test cases of all operations launch, in one type."""
    with compiling.only_noted() as found:
        for operation, run in all_cases().values():
            run(OnGPU(importlib.import_module(f"{package(operation)}.gpu")), dtype)
        numbers = arrays.empty((2,), np.float64)
        graph._copy_number.launch(1, 1, numbers, 0, numbers.data, 1)
        launch_sums_in_registers(np.dtype(dtype))
    return list(found)


def every_kernel_compiles(dtype):
    for kernel, signature in launched(dtype):
        for major, minor in compiling.ARCHITECTURES:
            ptx = compiling.compiled_without_optimizing(kernel, signature, (major, minor))
            assert ".entry" in ptx and f".target sm_{major}{minor}" in ptx
    assert len(launched(dtype)) > 60


# the types are in the names because the operations' tests of the two types run in two processes, and these with them


def test_float32_kernels_compile():
    every_kernel_compiles(np.float32)


def test_float64_kernels_compile():
    every_kernel_compiles(np.float64)


def test_float32_kernels_hold_no_float64():
    """Kernels whose arrays are all float32 have no float64. Only the sums of batch norm and of reductions need it."""
    for kernel, signature in launched(np.float32):
        floats = {t.dtype if isinstance(t, types.Array) else t for t in signature} & {types.float32, types.float64}
        where = kernel.function.__module__
        if floats == {types.float32} and not where.endswith(("batch_norm.gpu", "gpu.reductions")):
            ptx = compiling.compiled_to_ptx(kernel, signature)
            assert ".f64" not in ptx, f"{where}.{kernel.function.__qualname__}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_v3_stay_in_registers(dtype):
    with compiling.only_noted() as found:
        launch_sums_in_registers(np.dtype(dtype))
    ((kernel, signature),) = found
    for architecture in ((8, 0), (9, 0)):
        assert compiling.resources(kernel, signature, architecture)["spilled"] == 0
    ptx = compiling.compiled_to_ptx(kernel, signature)
    assert ".local" not in ptx
    multiply_adds = len(re.findall(r"fma\.rn\.f\d\d", ptx))
    assert multiply_adds % 16 == 0 and len(re.findall(r"ld\.shared", ptx)) == multiply_adds // 2


# tile (BM, BN, BK), how a and b are read, the most registers that its launch bounds allow
TILES = [
    *(((128, 128, 8), a_runs, True, 128) for a_runs in ("k", "i")),
    *(((128, 64, 8), a_runs, b_runs, 168) for a_runs in ("k", "i", None) for b_runs in (True, False)),
    *(((128, 32, 8), a_runs, b_runs, 255) for a_runs in ("k", "i", None) for b_runs in (True, False)),
]


@pytest.mark.parametrize(("shape", "a_runs", "b_runs", "most"), TILES, ids=str)
def test_register_tiles_stay_in_registers(shape, a_runs, b_runs, most):
    kernel, (BM, BN, BK) = register_tiles(*shape, a_runs, b_runs), shape
    numbers, table, size = types.Array(types.float32, 1, "C"), types.Array(types.int32, 1, "C"), types.int32
    signature = (numbers, table, table, numbers, numbers, size, size, numbers, size, size, size, size)
    for architecture in ((8, 0), (9, 0)):
        found = compiling.resources(kernel, signature, architecture)
        assert found["spilled"] == 0 and found["registers"] <= most, (architecture, found)
    ptx = compiling.compiled_to_ptx(kernel, signature)
    assert not re.search(r"\.f64|\.local", ptx)
    assert len(re.findall(r"fma\.rn\.f32", ptx)) == 64 * BK
    assert len(re.findall(r"ld\.shared\.v4\.f32", ptx)) == 4 * BK
    moved = BM * BN // 64  # threads; the code loads the first tiles before the loop, and the others in it
    wide_loads = 2 * ((BM * BK // 4 // moved if a_runs else 0) + (BN * BK // 4 // moved if b_runs else 0))
    assert len(re.findall(r"ld\.global\.v4\.f32", ptx)) == wide_loads
