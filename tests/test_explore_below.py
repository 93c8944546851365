"""The tables below the equation agree with the kernels: im2col, the register tile, and the GPU's threads."""

from __future__ import annotations

import re
from types import FunctionType, SimpleNamespace

import numpy as np
import pytest
from explore_page import opened
from helpers import normal

from minicnn import Input, Sequential, layers
from minicnn.kernels.cpu.microkernel import ROWS
from minicnn.ops.conv2d import vectorized
from minicnn.shapes import window
from minicnn.visualize import explore
from minicnn.visualize.explore import below

CASES = [  # (H, W, C), kernel, strides, padding, dilation, groups, F
    ((9, 7, 3), (3, 2), (1, 1), "same", (1, 1), 1, 5),
    ((8, 8, 4), (3, 3), (2, 2), "valid", (1, 1), 2, 34),
    ((10, 11, 2), (2, 3), (1, 1), "same", (2, 1), 1, 70),
    ((5, 5, 1), (5, 5), (1, 1), "valid", (1, 1), 1, 1),
]


def tables(case):
    (H, W, C), size, strides, padding, dilation, groups, F = case
    win = window(H, W, size, strides, padding, dilation)
    operation = {"window": win._asdict(), "groups": groups, "channels": C // groups, "shape": [win.OH, win.OW, F]}
    return win, below._tables(operation)


@pytest.mark.parametrize("case", CASES)
def test_the_offset_tables_are_im2col(case):
    (H, W, C), _, _, _, _, groups, _ = case
    win, found = tables(case)
    x = normal(1, H, W, C)
    height = (win.OH - 1) * win.SH + (win.KH - 1) * win.DH + 1
    width = (win.OW - 1) * win.SW + (win.KW - 1) * win.DW + 1
    padded = np.pad(x, ((0, 0), (win.PT, win.PB), (win.PL, win.PR), (0, 0)))[:, :height, :width]
    rows = padded.reshape(-1)[found["pixels"][:, None] + found["taps"]]
    np.testing.assert_array_equal(rows, vectorized.im2col(x, win, groups)[0])


@pytest.mark.parametrize("case", CASES)
def test_every_output_is_in_one_register_tile(case):
    win, found = tables(case)
    F = case[-1]
    seen = np.zeros((win.OH * win.OW, F), int)
    for first, rows, columns in found["tiles"]:
        i, j = divmod(first, F)
        assert rows <= ROWS and columns <= below._width()
        seen[i : i + rows, j : j + columns] += 1
    assert (seen == 1).all()


def test_every_output_is_stored_by_the_thread_in_the_table(numba_cuda):
    from minicnn.kernels.gpu import matmul

    M, F, TILE = 21, 35, matmul.TILE
    rows, columns = below._gpu_threads(M, F)
    kernel = matmul.tiles_in_shared_memory(np.float32, TILE).kernel.function
    stored = {}

    class Output:
        def __setitem__(self, place, value):
            stored[place] = cuda.blockIdx.x, cuda.threadIdx.y, cuda.blockIdx.y, cuda.threadIdx.x

    cuda = SimpleNamespace(shared=SimpleNamespace(array=lambda *a: None), syncthreads=lambda: None)
    thread = FunctionType(kernel.__code__, {**kernel.__globals__, "cuda": cuda}, closure=kernel.__closure__)
    for x, y in np.ndindex(-(-M // TILE), -(-F // TILE)):
        for down, across in np.ndindex(TILE, TILE):
            cuda.blockIdx = SimpleNamespace(x=x, y=y, z=0)
            cuda.threadIdx = SimpleNamespace(x=across, y=down)
            thread(None, None, None, None, None, False, False, Output(), M, F, 0, 1)
    assert stored == {i * F + j: (*rows[i], *columns[j]) for i in range(M) for j in range(F)}


def test_threads_read_a_row_and_a_column_of_the_tiles_in_shared_memory(numba_cuda):
    """The definition: total += a_tile[down, step] * b_tile[step, across], for tiles of TILE x TILE numbers."""
    from minicnn.kernels.gpu import matmul

    numbers = np.arange(matmul.TILE**2).reshape(matmul.TILE, matmul.TILE)
    np.testing.assert_array_equal(below._shared_reads(), [numbers, numbers.T])


@pytest.mark.parametrize("case", CASES)
def test_the_room_for_the_tables_is_known_before_they_are_made(case):
    (H, W, C), size, strides, padding, dilation, groups, F = case
    win, found = tables(case)
    operation = {"window": win._asdict(), "groups": groups, "channels": C // groups, "shape": [win.OH, win.OW, F]}
    assert sum(table.size for table in found.values()) <= below._size_of_tables(operation)


def test_the_page_shows_the_row_of_the_matrix_product(browser, tmp_path):
    model = Sequential([Input((6, 5, 3)), layers.Conv2D(20, 3, padding="same"), layers.Flatten()])
    x = normal(1, 6, 5, 3, dtype=np.float32)
    explore(model, x, file=tmp_path / "page.html")
    row = vectorized.im2col(x, window(6, 5, (3, 3), (1, 1), "same"))[0][7]
    with opened(browser, tmp_path / "page.html") as page:
        page.evaluate("explore.select({ slot: explore.network.layers[0].writes, at: 7 * 20 + 17 })")
        page.click("details.below summary")
        assert "row 7 of 30 in im2col. The row has 27 numbers" in page.inner_text("details.below")
        if below._gpu_tile():
            said = "it reads numbers 112 to 127 of a_tile, and of b_tile one number in 16, beginning with number 1."
            assert said in page.inner_text("details.below")
        cells = page.eval_on_selector_all("details.below tbody tr", "rows => rows.map((r) => r.cells[3]?.innerText)")
        shown = [float(re.sub("−", "-", cell)) for cell in cells[:-1]]
        np.testing.assert_allclose(shown, row[: len(shown)], rtol=1e-3, atol=1e-6)
