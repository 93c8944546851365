"""Below the equation of a convolution: its place in the matrix product, in a register tile, and on a GPU.

Nothing is computed a second time here. The offset tables are those of `ops/conv2d/tiled.py`. Its kernel runs as plain
Python, with a `tile` that only notes which outputs it is asked for. The GPU's kernel (v2 of `kernels/gpu/matmul.py`)
runs as plain Python for one row and one column of threads. It notes which output each of them stores, and which
numbers it reads in shared memory.
"""

from __future__ import annotations

from types import FunctionType, SimpleNamespace

import numpy as np

from ...kernels.cpu.compile import THREADS
from ...kernels.cpu.microkernel import ROWS, VECTOR_BYTES, VECTORS
from ...ops.conv2d import tiled
from ...shapes import Window

_MOST_NUMBERS = 100_000  # in all tables of a page


def add_below(network, numbers) -> None:
    """Give each convolution of a network its tables, as long as there is room for them: "below" in its operation."""
    room, shared = _MOST_NUMBERS, {}
    for layer in network.layers:
        for operation in layer["operations"]:
            if operation["op"] != "conv2d":
                continue
            size = _size_of_tables(operation)
            if size > room:
                continue
            room -= size
            described = {name: numbers.add(table, np.int32) for name, table in _tables(operation).items()}
            if "gpu_rows" in described and not shared:  # the same for all
                shared = {"shared_reads": numbers.add(_shared_reads(), np.int32)}
            sizes = {"ROWS": ROWS, "width": _width(), "threads": THREADS, "TILE": _gpu_tile()}
            operation["below"] = {**described, **shared, **sizes}


def _width():
    return VECTORS * (VECTOR_BYTES // 4)  # columns of a register tile, in float32


def _size_of_tables(operation) -> int:
    """The numbers in all tables of a convolution, or a little more."""
    OH, OW, F = operation["shape"]
    taps, groups = operation["window"]["KH"] * operation["window"]["KW"] * operation["channels"], operation["groups"]
    tiles = -(-OH * OW // ROWS) * groups * -(-F // groups // _width())
    return OH * OW + taps + 3 * tiles + 2 * (OH * OW + F)


def _tables(operation) -> dict[str, np.ndarray]:
    """pixels, taps: the offset tables. tiles (n, 3): first output, rows and columns of each register tile. gpu_rows
    (M, 2), gpu_columns (F, 2): the number of the block and of the thread in it, for each row and each column."""
    win, groups, C_group = Window(**operation["window"]), operation["groups"], operation["channels"]
    F = operation["shape"][2]
    height = (win.OH - 1) * win.SH + (win.KH - 1) * win.DH + 1
    width = (win.OW - 1) * win.SW + (win.KW - 1) * win.DW + 1
    pixels, taps = tiled.offset_tables(1, height, width, C_group * groups, win.OH, win, C_group)
    tables = {"pixels": pixels, "taps": taps, "tiles": _register_tiles(pixels, taps, C_group * groups, F, groups)}
    if _gpu_tile():
        tables["gpu_rows"], tables["gpu_columns"] = _gpu_threads(len(pixels), F)
    return tables


def _register_tiles(pixels, taps, C, F, groups):
    found = {}

    def tile(a, a_start, rows, i, row_count, cols, k, K, b, b_start, c, c_start, c_stride, column_count, add):
        found[c_start] = (c_start, row_count, min(column_count, _width()))

    compiled = tiled._convolve.dispatcher.py_func
    convolve = FunctionType(compiled.__code__, {**compiled.__globals__, "tile": tile, "prange": range})
    empty = np.zeros(0, np.float32)
    convolve(empty, 1, C, pixels, taps, empty, F, groups, empty)
    return np.array(sorted(found.values()))


def _gpu_tile() -> int | None:
    """The side of a tile in the GPU's shared memory; None where numba cannot be asked for GPU kernels."""
    try:
        from ...kernels.gpu import matmul
    except ImportError:
        return None
    return matmul.TILE


def _gpu_threads(M, F):
    """For each of M rows and F columns of outputs, the block and the thread that store it."""
    places, TILE = np.full((2, max(M, F), 2), -1), _gpu_tile()

    class Stored:
        """An output array that notes in which block and thread it is written."""

        def __setitem__(self, place, value):
            row, column = divmod(place, F)
            if column == 0:
                places[0, row] = cuda.blockIdx.x, cuda.threadIdx.y
            if row == 0:
                places[1, column] = cuda.blockIdx.y, cuda.threadIdx.x

    cuda, thread = _gpu_kernel_in_python(shared=lambda size, kind: None)
    for i in range(-(-max(M, F) // TILE) * TILE):
        for block, place in (((i // TILE, 0), (i % TILE, 0)), ((0, i // TILE), (0, i % TILE))):
            _place(cuda, block, place)
            thread(None, None, None, None, None, False, False, Stored(), M, F, 0, 1)  # sums of no terms
    return places[0, :M], places[1, :F]


def _shared_reads() -> np.ndarray:
    """(2, TILE, TILE): the places in a_tile that a thread with threadIdx.y = i reads, one after the other, and those in
    b_tile that a thread with threadIdx.x = i reads."""
    TILE, arrays = _gpu_tile(), []

    class Noted:
        """An array in shared memory that notes where it is read."""

        def __init__(self):
            self.read = []
            arrays.append(self)

        def __getitem__(self, place):
            self.read.append(place)
            return 0

        def __setitem__(self, place, value):
            pass

    zeros, reads = np.zeros(4 * TILE * TILE, np.int64), np.zeros((2, TILE, TILE), int)
    cuda, thread = _gpu_kernel_in_python(shared=lambda size, kind: Noted())
    for i in range(TILE):
        for which, place in ((0, (i, 0)), (1, (0, i))):
            arrays.clear()
            _place(cuda, (0, 0), place)
            thread(zeros, zeros, zeros, zeros, None, False, False, zeros.copy(), TILE, TILE, TILE, 1)
            reads[which, i] = arrays[which].read
    return reads


def _gpu_kernel_in_python(shared):
    """(what stands for numba.cuda, the kernel as a function of Python). shared: makes an array in shared memory."""
    from ...kernels.gpu import matmul

    kernel = matmul.tiles_in_shared_memory(np.float32, matmul.TILE).kernel.function
    cuda = SimpleNamespace(shared=SimpleNamespace(array=shared), syncthreads=lambda: None)
    return cuda, FunctionType(kernel.__code__, {**kernel.__globals__, "cuda": cuda}, closure=kernel.__closure__)


def _place(cuda, block, thread):
    """Let the kernel run as this thread (down, across) of this block (of rows, of columns)."""
    cuda.blockIdx = SimpleNamespace(x=block[0], y=block[1], z=0)
    cuda.threadIdx = SimpleNamespace(x=thread[1], y=thread[0])
