"""The virtual GPU computes as NumPy does, and reports the mistakes of kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import cuda, float32

from minicnn.kernels.gpu import arrays
from minicnn.kernels.gpu.elementwise import copy
from minicnn.kernels.gpu.launch import gpu_kernel
from minicnn.kernels.gpu.vector_access import load4
from virtual_gpu import gpu
from virtual_gpu.gpu import KernelError
from virtual_gpu.ptx import Code

BLOCK = 64


def reversed_in_blocks(*barriers):
    """A kernel that reverses each block's part of x through shared memory, with or without its two barriers."""
    before, after = barriers

    @gpu_kernel()
    def kernel(x, y, rounds):
        part = cuda.shared.array(BLOCK, float32)
        me, start = cuda.threadIdx.x, cuda.blockIdx.x * BLOCK
        for _ in range(rounds):
            part[me] = x[start + me]
            if before:
                cuda.syncthreads()
            y[start + me] = part[BLOCK - 1 - me]
            if after:
                cuda.syncthreads()

    return kernel


def launched(kernel, *arguments, blocks=3):
    x, y = np.arange(blocks * BLOCK, dtype=np.float32), arrays.empty((blocks * BLOCK,), np.float32)
    kernel.launch(blocks, BLOCK, arrays.upload(x), y, *arguments)
    return x, y.to_host()


def test_barriers_let_threads_share():
    x, y = launched(reversed_in_blocks(True, True), 3)
    np.testing.assert_array_equal(y, x.reshape(3, BLOCK)[:, ::-1].reshape(-1))


@pytest.mark.parametrize(("before", "after", "rounds"), [(False, True, 1), (True, False, 2)])
def test_a_missing_barrier_is_a_race(before, after, rounds):
    with pytest.raises(KernelError, match=r"reversed_in_blocks.*of one block, since its last barrier"):
        launched(reversed_in_blocks(before, after), rounds)


@pytest.mark.parametrize("notes", [1, 100, 1000])
def test_races_are_found_however_often_accesses_are_summed_up(monkeypatch, notes):
    monkeypatch.setattr(gpu, "_MOST_NOTES", notes)
    test_barriers_let_threads_share()
    for before, after, rounds in ((False, True, 1), (True, False, 2)):
        test_a_missing_barrier_is_a_race(before, after, rounds)
    test_two_blocks_at_the_same_number_are_a_race()


def test_two_blocks_at_the_same_number_are_a_race():
    @gpu_kernel()
    def kernel(x, y):
        y[cuda.threadIdx.x] = x[cuda.threadIdx.x]

    launched(kernel, blocks=1)
    with pytest.raises(KernelError, match="of two blocks"):
        launched(kernel, blocks=2)


def test_a_barrier_that_some_threads_never_reach_is_reported():
    @gpu_kernel()
    def kernel(x, y):
        if cuda.threadIdx.x < 40:
            cuda.syncthreads()
            y[cuda.grid(1)] = x[cuda.grid(1)]

    with pytest.raises(KernelError, match="a barrier that not all threads of a block reach"):
        launched(kernel)


@pytest.mark.parametrize("beyond", [-1, BLOCK * 3])
def test_memory_outside_of_arrays_is_reported(beyond):
    @gpu_kernel()
    def reads(x, y, at):
        y[cuda.grid(1)] = x[cuda.grid(1) + at] if at > 0 else x[np.uint64(cuda.grid(1) + at)]

    @gpu_kernel()
    def writes(x, y, at):
        y[np.uint64(cuda.grid(1) + at)] = x[cuda.grid(1)]

    with pytest.raises(KernelError, match="reads outside of every array"):
        launched(reads, beyond)
    with pytest.raises(KernelError, match="writes outside of every array"):
        launched(writes, beyond)


def test_reads_of_numbers_never_written_are_errors():
    @gpu_kernel()
    def kernel(x, y):
        y[cuda.grid(1)] += x[cuda.grid(1)]

    with pytest.raises(KernelError, match="it reads what nobody wrote"):
        launched(kernel)


def test_copies_of_numbers_never_written_are_errors():
    x, y = arrays.empty((BLOCK,), np.float32).copy(), arrays.empty((BLOCK,), np.float32)
    with pytest.raises(KernelError, match="it reads what nobody wrote"):
        copy.over(BLOCK, x, y)
        y.to_host()
    copy.over(BLOCK, arrays.upload(np.ones(BLOCK, np.float32)).copy(), y)
    with pytest.raises(KernelError, match="a copy reads what nobody wrote"):
        arrays.empty((BLOCK,), np.float32).to_host()


def test_reused_memory_counts_as_not_written():
    @gpu_kernel()
    def add(x, y):
        y[cuda.grid(1)] += x[cuda.grid(1)]

    x = arrays.upload(np.ones(BLOCK, np.float32))
    old = arrays.upload(np.ones(BLOCK, np.float32))
    add.launch(1, BLOCK, x, old)
    place = id(old.data)
    del old
    again = arrays.empty((BLOCK,), np.float32)
    assert id(again.data) == place
    with pytest.raises(KernelError, match="it reads what nobody wrote"):
        add.launch(1, BLOCK, x, again)
        again.to_host()


def test_four_numbers_must_begin_at_a_multiple_of_four():
    @gpu_kernel()
    def kernel(x, y, start):
        four = load4(x, cuda.threadIdx.x % 8 * 4 + start)
        y[cuda.grid(1)] = four[0] + four[3]

    launched(kernel, 4, blocks=1)
    with pytest.raises(KernelError, match="reads at an address that is not a multiple of 16"):
        launched(kernel, 2, blocks=1)


def test_a_loop_without_end_is_reported(monkeypatch):
    @gpu_kernel()
    def kernel(x, y, n):
        while n > 0:
            y[cuda.grid(1)] = x[cuda.grid(1)]

    monkeypatch.setattr(gpu, "_MOST_STEPS", 100)
    with pytest.raises(KernelError, match="does not end"):
        launched(kernel, 1)


def test_integers_divide_and_shift_as_in_python():
    @gpu_kernel()
    def kernel(a, b, quotient, rest, shifted):
        i = cuda.grid(1)
        quotient[i], rest[i], shifted[i] = a[i] // b[i], a[i] % b[i], (a[i] << 3) ^ (a[i] >> 5)

    rng = np.random.default_rng(0)
    for kind in (np.int32, np.int64, np.uint32):
        limits = np.iinfo(kind)
        a, b = rng.integers(limits.min, limits.max, BLOCK, kind), rng.integers(1, 9, BLOCK, kind)
        if limits.min < 0:
            b[::2] *= -1
        b[:8] = a[:8] // 3
        results = [arrays.empty((BLOCK,), kind) for _ in range(3)]
        kernel.launch(1, BLOCK, arrays.upload(a), arrays.upload(b), *results)
        for found, expected in zip(results, (a // b, a % b, (a << kind(3)) ^ (a >> kind(5))), strict=True):
            np.testing.assert_array_equal(found.to_host(), expected)


@pytest.mark.parametrize(
    (
        "function",
        "low",
        "high",
        "most",
    ),  # units in the last place: NVIDIA, "CUDA C++ Programming Guide", "Mathematical Functions"
    [("exp", -80, 80, 2), ("log", 1e-30, 1e30, 1), ("tanh", -9, 9, 2), ("expm1", -5, 5, 2), ("log1p", -0.9, 9, 1)],
)
def test_functions_are_as_exact_as_their_documentation_says(function, low, high, most):
    compute = getattr(math, function)

    @gpu_kernel()
    def kernel(x, y, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            y[i] = compute(x[i])

    x = np.random.default_rng(0).uniform(low, high, 2000).astype(np.float32)
    y = arrays.empty(x.shape, np.float32)
    kernel.over(x.size, arrays.upload(x), y)
    exact = getattr(np, function)(x.astype(np.float64))
    assert (np.abs(y.to_host() - exact) <= most * np.spacing(np.abs(exact).astype(np.float32))).all()


@pytest.mark.parametrize("instruction", ["mul.hi.u64 %rd1, %rd1, %rd1", "sin.approx.f32 %f1, %f1", "bar.warp.sync -1"])
def test_an_instruction_that_is_not_known_is_an_error(instruction):
    ptx = f".entry kernel(){{\n.reg .b64 %rd<2>;\n.reg .f32 %f<2>;\n{instruction};\nret;\n}}"
    with pytest.raises(NotImplementedError, match="known instructions"):
        Code(ptx)
