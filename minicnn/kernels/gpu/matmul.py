"""The matrix product on the GPU, in four versions: the innermost loop of convolutions and dense layers.

    c[i, j] = sum over k of   a[rows[i] + cols[k]] * b[k, j]   + bias[j], through ReLU if `relu`

    rows (M,), cols (K,)      where the rows and columns of the left matrix begin in the flat array a
    b (K, N), c (M, N)        plain matrices, row after row

As on the CPU (`kernels/cpu/microkernel.py`), the two offset tables are im2col without the copy. `rows` tells where a
window begins, `cols` where its taps are. With the two tables swapped, the matrix is transposed. Tables of multiples
give an ordinary matrix.

**v1, one thread per output.** Every multiply-add loads two numbers, so memory limits the speed. It is also the version
for grouped convolutions, where each filter reads few channels.

**v2, tiles in shared memory.** A block of TILE x TILE threads loads one TILE x TILE piece of each matrix into memory
that the block shares. Then every loaded number is used TILE times. Each multiply-add still needs two loads, but from
memory that is as near as a cache.

**v3, sums in registers.** The same tiles, but each thread computes EACH x EACH outputs and keeps their sums in
registers. For each k it loads EACH numbers of a and EACH of b from shared memory and makes EACH^2 multiply-adds with
them: for 4 x 4 outputs, half a load per multiply-add. No operation uses v3. It shows what this step alone does, before
v4 adds the others.

**v4, all steps together** (`register_tiles.py`). A block computes a tile of up to 128 x 128 outputs. Each of its
threads computes 8 x 8 of them, with a fourth of a load per multiply-add. Loads are 128 bits wide, and they fetch the
next tile while the present one is multiplied.

Long sums with few outputs (a kernel's gradient sums over all pixels) are cut into pieces along k, which are added in
order. Source of the tiling: Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra", 2008.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import cuda, float32, float64

from . import arrays
from .arrays import DeviceArray
from .launch import gpu_kernel
from .memory import remembered
from .reductions import sum_pieces
from .register_tiles import register_tiles

TILE = 16  # v2
_WIDTHS = (128, 64, 32)  # v4: columns of a block's tile, BN
_BM, _BK = 128, 8  # v4: the tile's rows, and the terms between two barriers
_BUSY = 264  # the number of blocks that a large GPU runs at the same time
_SHORTEST_PIECE = 64  # terms: a sum of K terms is cut into at most K // 64 pieces


def product(a, rows, cols, b, bias, relu, c, runs=None, groups=1, C_group=0):
    """c (M, N) as above; a, b, c, bias and the tables are DeviceArrays, bias may be None.

    runs: the axis along which the left matrix is contiguous in memory, in runs of four numbers. One 128-bit load reads
        a run.
        "k"     contiguous along k: cols comes in runs of four neighbours, and every row is a multiple of four
        "i"     contiguous along i, as a transposed matrix is: the same with rows and cols exchanged
        None    neither, or not in fours: one number at a time

    With groups, the columns of group g read a starting C_group * g numbers later.
    """
    M, K, N = rows.size, cols.size, c.size // max(rows.size, 1)
    if c.size == 0:
        return
    if a.dtype == np.float32 and groups == 1:
        run, blocks = _register_tiles(runs, M, K, N)
    else:
        run, blocks = (
            (tiles_in_shared_memory(a.dtype, TILE) if groups == 1 else _one_thread(a.dtype)),
            -(-M * N // TILE**2),
        )
    pieces = max(1, min(_BUSY // blocks, K // _SHORTEST_PIECE))
    out = c if pieces == 1 else arrays.empty((pieces, c.size), c.dtype)
    has_bias, one_piece = bias is not None, pieces == 1
    run(a, rows, cols, b, bias if has_bias else b, has_bias and one_piece, relu and one_piece, out, M, N, K, pieces,
        N // groups, C_group)  # fmt: skip
    if pieces > 1:
        sum_pieces(out, pieces, c.size, c)
        if has_bias or relu:
            _finish(a.dtype).over(c.size, c, bias if has_bias else c, has_bias, relu, N)


def transposed(b, K, N) -> DeviceArray:
    """b (K, N) as (N, K)."""
    out = arrays.empty((N, K), b.dtype)
    _transpose.over(K * N, b, K, N, out)
    return out


@gpu_kernel()
def _transpose(b, K, N, out, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[place] = b[place % K * N + place // K]


@remembered
def multiples(count: int, step: int) -> DeviceArray:
    """0, step, 2 * step, ...: where the rows (or columns) of a plain matrix begin."""
    return arrays.upload(np.arange(count, dtype=np.int32) * np.int32(step))


def _number(dtype):
    return float32 if dtype == np.float32 else float64


@lru_cache(maxsize=2)
def _finish(dtype):
    number = _number(dtype)

    @gpu_kernel()
    def finish(c, bias, has_bias, relu, N, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            value = c[i] + bias[i % N] if has_bias else c[i]
            c[i] = number(0) if relu and value < 0 else value

    return finish


# v1


@lru_cache(maxsize=2)
def _one_thread(dtype):
    number = _number(dtype)

    @gpu_kernel()
    def one_thread(a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces, N_group, C_group, n):
        for place in range(cuda.grid(1), n, cuda.gridsize(1)):
            j, i, piece = place % N, place // N % M, place // N // M
            start = rows[i] + j // N_group * C_group
            total = number(0)
            for k in range(piece * K // pieces, (piece + 1) * K // pieces):
                total += a[start + cols[k]] * b[k * N + j]
            if has_bias:
                total += bias[j]
            c[place] = number(0) if relu and total < 0 else total

    def run(a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces, N_group, C_group):
        one_thread.over(
            pieces * M * N, a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces, N_group, C_group
        )  # fmt: skip

    return run


# v2


@lru_cache(maxsize=4)
def tiles_in_shared_memory(dtype, TILE):
    number, AREA = _number(dtype), TILE * TILE

    @gpu_kernel()
    def tiles(a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces):
        a_tile = cuda.shared.array(AREA, number)
        b_tile = cuda.shared.array(AREA, number)
        down, across = cuda.threadIdx.y, cuda.threadIdx.x
        i, j, piece = cuda.blockIdx.x * TILE + down, cuda.blockIdx.y * TILE + across, cuda.blockIdx.z
        first, last = piece * K // pieces, (piece + 1) * K // pieces
        total = number(0)
        for k in range(first, last, TILE):
            inside = i < M and k + across < last
            a_tile[down * TILE + across] = a[rows[i] + cols[k + across]] if inside else number(0)
            inside = j < N and k + down < last
            b_tile[down * TILE + across] = b[(k + down) * N + j] if inside else number(0)
            cuda.syncthreads()
            for step in range(TILE):
                total += a_tile[down * TILE + step] * b_tile[step * TILE + across]
            cuda.syncthreads()
        if i < M and j < N:
            if has_bias:
                total += bias[j]
            c[(piece * M + i) * N + j] = number(0) if relu and total < 0 else total

    def run(a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces, N_group, C_group):
        tiles.launch(
            (-(-M // TILE), -(-N // TILE), pieces), (TILE, TILE),
            a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces,
        )  # fmt: skip

    run.kernel = tiles  # `visualize.explore` shows which thread computes a pixel
    return run


# v3


@lru_cache(maxsize=4)
def _sums_in_registers(dtype, TILE, EACH):
    number, AREA, WIDE, OUTPUTS = _number(dtype), TILE * TILE * EACH, TILE * EACH, EACH * EACH

    @gpu_kernel()
    def sums_in_registers(a, rows, cols, b, bias, has_bias, relu, c, M, N, K):
        """A thread's outputs are TILE apart, so that neighbouring threads load and store neighbouring numbers."""
        a_tile = cuda.shared.array(AREA, number)  # WIDE x TILE
        b_tile = cuda.shared.array(AREA, number)  # TILE x WIDE
        sums = cuda.local.array(OUTPUTS, number)
        b_part = cuda.local.array(EACH, number)
        down, across = cuda.threadIdx.y, cuda.threadIdx.x
        first_row, first_column = cuda.blockIdx.x * WIDE + down, cuda.blockIdx.y * WIDE + across
        for place in range(OUTPUTS):
            sums[place] = number(0)
        for k in range(0, K, TILE):
            for part in range(EACH):
                i, j = first_row + part * TILE, first_column + part * TILE
                inside = i < M and k + across < K
                a_tile[(down + part * TILE) * TILE + across] = a[rows[i] + cols[k + across]] if inside else number(0)
                inside = j < N and k + down < K
                b_tile[down * WIDE + across + part * TILE] = b[(k + down) * N + j] if inside else number(0)
            cuda.syncthreads()
            for step in range(TILE):
                for s in range(EACH):
                    b_part[s] = b_tile[step * WIDE + across + s * TILE]
                for r in range(EACH):
                    a_part = a_tile[(down + r * TILE) * TILE + step]
                    for s in range(EACH):
                        sums[r * EACH + s] += a_part * b_part[s]
            cuda.syncthreads()
        for r in range(EACH):
            for s in range(EACH):
                i, j, total = first_row + r * TILE, first_column + s * TILE, sums[r * EACH + s]
                if i < M and j < N:
                    if has_bias:
                        total += bias[j]
                    c[i * N + j] = number(0) if relu and total < 0 else total

    def run(a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces, N_group, C_group):
        assert pieces == 1, f"v3 does not cut sums into pieces; received {pieces}."
        sums_in_registers.launch(
            (-(-M // WIDE), -(-N // WIDE)), (TILE, TILE), a, rows, cols, b, bias, has_bias, relu, c, M, N, K
        )  # fmt: skip

    return run


# v4


def _register_tiles(runs, M, K, N):
    """(a function that runs the product, number of blocks), for the narrowest tile that holds N columns, or the widest.

    Loading numbers one by one takes more registers than the widest tile leaves free, so it uses narrower tiles.
    """
    b_runs = N % 4 == 0
    widths = _WIDTHS if runs and b_runs else _WIDTHS[1:]
    BN = next((width for width in reversed(widths) if width >= N), widths[0])
    BM, BK = _BM, _BK
    tiles = register_tiles(BM, BN, BK, runs, b_runs)
    blocks_down, blocks_across = -(-M // BM), -(-N // BN)

    def run(a, rows, cols, b, bias, has_bias, relu, c, M, N, K, pieces, N_group, C_group):
        share = -(-K // (pieces * BK)) * BK  # terms of k for each piece: whole steps of BK
        tiles.launch(
            (blocks_down, blocks_across, pieces), BM * BN // 64,
            a, rows, cols, b, bias, has_bias, relu, c, M, N, K, share,
        )  # fmt: skip

    return run, blocks_down * blocks_across
