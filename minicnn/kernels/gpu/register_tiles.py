"""v4 of the matrix product (`matmul.py`): a block's threads hold its tile of outputs in registers.

A block of threads computes BM x BN outputs, each thread 8 x 8: 4 rows from `down * 4` on in the upper half of the tile
and 4 in the lower, 4 columns from `across * 4` on in its left half and 4 in the right. What it adds to v3:

- **64 sums in registers** instead of 16. For each k a thread loads 8 numbers of a and 8 of b from shared memory, in
  four 128-bit loads, and makes 64 multiply-adds with them.
- **Loads that come in time.** The next tiles are loaded from memory into registers while the present ones are
  multiplied. Two buffers of shared memory take turns, so that one barrier per tile is enough.
- **128 bits at a time.** If a is contiguous along k or along i, in runs of four, one load reads four numbers. If not,
  as in images of 1 or 3 channels, one load reads one number.
- **a's tile is stored transposed**, [k, i], so that both operands are read along rows. Its rows are 4 numbers longer
  than the tile. Otherwise the threads that transpose it would all write to the same bank of shared memory.
- **No loop around the multiply-adds.** NVVM does not unroll a loop of BK steps. So a function of one step is doubled
  until it has BK steps (`_twice`).

How a and b are read depends on their layout in memory. For each layout a function makes the parts of the kernel that
differ. They are device functions, which the compiler inlines:

    a contiguous along k: `along_k`; along i: `along_i`; neither: `one_by_one`
        (how many registers `at` takes, how many `taps` takes, starts, look_ahead, fetch, lay)
    b (and c) with rows of a multiple of four: `b_in_runs`; others: `b_one_by_one`
        (fetch, lay, store)

    starts        writes to `at` where the thread's rows begin in a
    look_ahead    writes to `taps` the thread's entries of cols for the next tile
    fetch         loads the thread's share of a tile from memory into registers
    lay           stores this share from registers into shared memory
    store         stores four neighbouring outputs into c

Rows beyond M repeat the last rows, and columns beyond N are zero; neither is stored. Terms beyond the sum's end are
zero in both a and b.
"""

from __future__ import annotations

from functools import lru_cache

from numba import cuda, float32, int32

from .launch import device_function, gpu_kernel
from .vector_access import ALIGNMENT, load1, load4, store1, store4


def along_k(BM, BK, THREADS, LDA):
    """Read a where it is contiguous along k, four numbers at a time."""
    RUNS, PARTS = BK // 4, BM * BK // 4 // THREADS

    def starts(rows, M, first_row, thread, at):
        """at = where the rows of the thread's share begin in a."""
        for part in range(PARTS):
            at[part] = load1(rows, min(first_row + int32(thread + part * THREADS) // RUNS, M - 1))

    def look_ahead(cols, k, last, thread, taps):
        """taps = the offsets from there of the columns of the tile at k, read a tile ahead; -1 beyond the sum's end."""
        for part in range(PARTS):
            tap = k + int32(thread + part * THREADS) % RUNS * 4
            taps[part] = load1(cols, tap) if tap < last else int32(-1)

    def fetch(a, cols, at, taps, k, last, thread, numbers):
        """Load the share of the tile at k from memory into registers; zeros beyond the sum's end."""
        for part in range(PARTS):
            store4(numbers, part * 4, (float32(0), float32(0), float32(0), float32(0)))
            if taps[part] >= 0:
                store4(numbers, part * 4, load4(a, at[part] + taps[part]))

    def lay(numbers, thread, tile, start):
        """Store the share from registers into shared memory: tile[k, i]."""
        for part in range(PARTS):
            place = int32(thread + part * THREADS)
            for i in range(4):
                store1(tile, start + (place % RUNS * 4 + i) * LDA + place // RUNS, numbers[part * 4 + i])

    return PARTS, PARTS, starts, look_ahead, fetch, lay


def along_i(BM, BK, THREADS, LDA):
    """Read a where it is contiguous along i, as in a transposed matrix, four numbers at a time. All runs of a thread
    begin at the same row."""
    RUNS, PARTS = BM // 4, BM * BK // 4 // THREADS

    def starts(rows, M, first_row, thread, at):
        at[0] = load1(rows, min(first_row + thread % RUNS * 4, M - 4))

    def fetch(a, cols, at, taps, k, last, thread, numbers):
        for part in range(PARTS):
            tap = k + int32(thread + part * THREADS) // RUNS
            store4(numbers, part * 4, (float32(0), float32(0), float32(0), float32(0)))
            if tap < last:
                store4(numbers, part * 4, load4(a, at[0] + load1(cols, tap)))

    def lay(numbers, thread, tile, start):
        for part in range(PARTS):
            place = int32(thread + part * THREADS)
            store4(tile, start + place // RUNS * LDA + place % RUNS * 4, load4(numbers, part * 4))

    return 1, 1, starts, no_look_ahead, fetch, lay


def one_by_one(BM, BK, THREADS, LDA):
    """Read a one number at a time. Neighbouring threads take neighbouring rows, and a thread takes few rows."""
    COUNT, ROWS = BM * BK // THREADS, max(1, BM // THREADS)

    def starts(rows, M, first_row, thread, at):
        for part in range(ROWS):
            at[part] = load1(rows, min(first_row + int32(thread + part * THREADS) % BM, M - 1))

    def fetch(a, cols, at, taps, k, last, thread, numbers):
        for part in range(COUNT):
            tap = k + int32(thread + part * THREADS) // BM
            numbers[part] = load1(a, at[part % ROWS] + load1(cols, tap)) if tap < last else float32(0)

    def lay(numbers, thread, tile, start):
        for part in range(COUNT):
            place = int32(thread + part * THREADS)
            store1(tile, start + place // BM * LDA + place % BM, numbers[part])

    return ROWS, 1, starts, no_look_ahead, fetch, lay


def no_look_ahead(cols, k, last, thread, taps):
    """Read nothing ahead. Neighbouring threads read the same entry of the table, so it comes quickly when needed."""


def b_in_runs(BN, BK, THREADS):
    """Read b and store c four numbers at a time along their rows."""
    RUNS, PARTS = BN // 4, BN * BK // 4 // THREADS

    def fetch(b, N, first_column, k, last, thread, numbers):
        for part in range(PARTS):
            place = int32(thread + part * THREADS)
            tap, column = k + place // RUNS, first_column + place % RUNS * 4
            store4(numbers, part * 4, (float32(0), float32(0), float32(0), float32(0)))
            if tap < last and column < N:
                store4(numbers, part * 4, load4(b, tap * N + column))

    def lay(numbers, thread, tile, start):
        for part in range(PARTS):
            store4(tile, start + int32(thread + part * THREADS) * 4, load4(numbers, part * 4))

    def store(c, row_start, column, N, sums, place):
        if column < N:
            store4(c, row_start + column, (sums[place], sums[place + 1], sums[place + 2], sums[place + 3]))

    return fetch, lay, store


def b_one_by_one(BN, BK, THREADS):
    """Read b and store c one number at a time, where N is not a multiple of four."""
    COUNT = BN * BK // THREADS

    def fetch(b, N, first_column, k, last, thread, numbers):
        for part in range(COUNT):
            place = int32(thread + part * THREADS)
            tap, column = k + place // BN, first_column + place % BN
            numbers[part] = load1(b, tap * N + column) if tap < last and column < N else float32(0)

    def lay(numbers, thread, tile, start):
        for part in range(COUNT):
            store1(tile, start + int32(thread + part * THREADS), numbers[part])

    def store(c, row_start, column, N, sums, place):
        for j in range(4):
            if column + j < N:
                store1(c, row_start + column + j, sums[place + j])

    return fetch, lay, store


A_WAYS = {"k": along_k, "i": along_i, None: one_by_one}


@lru_cache(maxsize=32)
def register_tiles(BM, BN, BK, a_runs, b_runs):
    """The kernel for tiles of BM x BN outputs in steps of BK terms. a_runs: whether a is contiguous along "k",
    along "i" or neither (None). b_runs: whether the length of b's rows is a multiple of four.

    It is launched on (tiles down, tiles across, pieces) blocks of BM * BN // 64 threads.
    """
    THREADS, ACROSS = BM * BN // 64, BN // 8
    LDA, HALF_M, HALF_N = BM + 4, BM // 2, BN // 2
    A_SIZE, B_SIZE = BK * LDA, BK * BN
    A_BUFFERS, B_BUFFERS = 2 * A_SIZE, 2 * B_SIZE
    A_COUNT, B_COUNT = BM * BK // THREADS, BN * BK // THREADS  # numbers of a tile that each thread moves
    STARTS, TAPS, starts, look_ahead, fetch_a, lay_a = _ways_of_a(a_runs, BM, BK, THREADS, LDA)
    fetch_b, lay_b, finish = _ways_of_b(b_runs, BN, BK, THREADS)
    steps = _steps(HALF_M, HALF_N, LDA, BN, BK)

    @gpu_kernel(launch_bounds=(THREADS, 2 if BN == 128 else 3))
    def tiles(a, rows, cols, b, bias, has_bias, relu, c, M, N, K, share):
        """Block (x, y, piece) adds up the piece's `share` of the K terms of its tile."""
        a_tiles = cuda.shared.array(A_BUFFERS, float32, ALIGNMENT)
        b_tiles = cuda.shared.array(B_BUFFERS, float32, ALIGNMENT)
        sums = cuda.local.array(64, float32)
        a_part = cuda.local.array(8, float32, ALIGNMENT)
        b_part = cuda.local.array(8, float32, ALIGNMENT)
        a_next = cuda.local.array(A_COUNT, float32, ALIGNMENT)
        b_next = cuda.local.array(B_COUNT, float32, ALIGNMENT)
        at = cuda.local.array(STARTS, int32)
        taps = cuda.local.array(TAPS, int32)
        thread, piece = int32(cuda.threadIdx.x), int32(cuda.blockIdx.z)
        across, down = thread % ACROSS, thread // ACROSS
        first_row, first_column = int32(cuda.blockIdx.x) * BM, int32(cuda.blockIdx.y) * BN
        k, last = piece * share, min((piece + 1) * share, K)
        for i in range(64):
            sums[i] = float32(0)
        starts(rows, M, first_row, thread, at)
        look_ahead(cols, k, last, thread, taps)
        if k < last:
            fetch_b(b, N, first_column, k, last, thread, b_next)
            fetch_a(a, cols, at, taps, k, last, thread, a_next)
            look_ahead(cols, k + BK, last, thread, taps)
            lay_a(a_next, thread, a_tiles, 0)
            lay_b(b_next, thread, b_tiles, 0)
            cuda.syncthreads()
        a_now, b_now = int32(0), int32(0)  # the offsets of the buffers that are being multiplied
        while k < last:
            k += BK
            if k < last:
                fetch_b(b, N, first_column, k, last, thread, b_next)
                fetch_a(a, cols, at, taps, k, last, thread, a_next)
                look_ahead(cols, k + BK, last, thread, taps)
            steps(
                a_tiles, a_now + down * 4, b_tiles, b_now + across * 4, a_part, b_part, sums
            )  # fmt: skip
            if k < last:
                a_now, b_now = A_SIZE - a_now, B_SIZE - b_now
                lay_a(a_next, thread, a_tiles, a_now)
                lay_b(b_next, thread, b_tiles, b_now)
                cuda.syncthreads()
        row, column = int32(first_row + down * 4), int32(first_column + across * 4)
        finish(c, piece * M, row, M, column, N, bias, has_bias, relu, sums, 0)
        finish(c, piece * M, row + int32(1), M, column, N, bias, has_bias, relu, sums, 8)
        finish(c, piece * M, row + int32(2), M, column, N, bias, has_bias, relu, sums, 16)
        finish(c, piece * M, row + int32(3), M, column, N, bias, has_bias, relu, sums, 24)
        row += int32(HALF_M)
        finish(c, piece * M, row, M, column, N, bias, has_bias, relu, sums, 32)
        finish(c, piece * M, row + int32(1), M, column, N, bias, has_bias, relu, sums, 40)
        finish(c, piece * M, row + int32(2), M, column, N, bias, has_bias, relu, sums, 48)
        finish(c, piece * M, row + int32(3), M, column, N, bias, has_bias, relu, sums, 56)

    return tiles


def _make_finish(HALF_N, store):
    def finish(c, above, row, M, column, N, bias, has_bias, relu, sums, start):
        """Add bias and ReLU to a thread's eight outputs in one row, sums[start : start + 8], and store them."""
        if row < M:
            if has_bias:
                for j in range(4):
                    if column + j < N:
                        sums[start + j] += load1(bias, column + j)
                    if column + HALF_N + j < N:
                        sums[start + 4 + j] += load1(bias, column + HALF_N + j)
            if relu:
                for j in range(8):
                    if sums[start + j] < 0:
                        sums[start + j] = float32(0)
            store(c, (above + row) * N, column, N, sums, start)
            store(c, (above + row) * N, column + HALF_N, N, sums, start + 4)

    return finish


def _make_step(HALF_M, HALF_N):
    def step(a_tile, at_a, b_tile, at_b, a_part, b_part, sums):
        """One k: 16 numbers from shared memory, 64 multiply-adds."""
        store4(b_part, 0, load4(b_tile, at_b))
        store4(b_part, 4, load4(b_tile, at_b + HALF_N))
        store4(a_part, 0, load4(a_tile, at_a))
        for i in range(4):
            for j in range(8):
                sums[i * 8 + j] += a_part[i] * b_part[j]
        store4(a_part, 0, load4(a_tile, at_a + HALF_M))
        for i in range(4):
            for j in range(8):
                sums[(i + 4) * 8 + j] += a_part[i] * b_part[j]

    return step


def _twice(run, to_next_a, to_next_b):
    """A device function that calls `run`, and then once more `to_next_a` and `to_next_b` numbers further on."""

    def both(a_tile, at_a, b_tile, at_b, a_part, b_part, sums):
        run(a_tile, at_a, b_tile, at_b, a_part, b_part, sums)
        run(a_tile, at_a + to_next_a, b_tile, at_b + to_next_b, a_part, b_part, sums)

    return _inlined(both)


# Tiles that differ in one way share the other functions, which then are compiled once.


@lru_cache(maxsize=32)
def _ways_of_a(a_runs, BM, BK, THREADS, LDA):
    STARTS, TAPS, *functions = A_WAYS[a_runs](BM, BK, THREADS, LDA)
    return STARTS, TAPS, *map(_inlined, functions)


@lru_cache(maxsize=32)
def _ways_of_b(b_runs, BN, BK, THREADS):
    fetch, lay, store = map(_inlined, (b_in_runs if b_runs else b_one_by_one)(BN, BK, THREADS))
    return fetch, lay, _inlined(_make_finish(BN // 2, store))


@lru_cache(maxsize=32)
def _steps(HALF_M, HALF_N, LDA, BN, BK):
    steps, done = _inlined(_make_step(HALF_M, HALF_N)), 1
    while done < BK:
        steps, done = _twice(steps, done * LDA, done * BN), 2 * done
    return steps


def _inlined(function):
    return device_function(function, forceinline=True)
