"""How the outputs of a convolution are split into tasks for the threads: by images, bands of rows, and filters."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numba

from .compile import THREADS, helper


class Split(NamedTuple):
    """How N outputs of OH rows are split into tasks: each has `images` images, or a band of `rows` rows of an image."""

    N: int
    OH: int
    rows: int
    bands: int
    images: int
    tasks: int


_WANTED_TASKS = 4 * THREADS


@lru_cache(maxsize=1024)
def split(N: int, OH: int, unit: int, numbers_per_row: int, numbers: int, wanted_tasks: int = _WANTED_TASKS) -> Split:
    """Bands of a multiple of `unit` rows with about `numbers` numbers; several images if one image has fewer numbers.

    The aim is four tasks per thread: if there are few images, they are cut into more bands, as far as they have rows.

    For example, rows of 860 numbers, 26 for each image, and two threads: split(128, 26, 1, 860, 24 * 1024) makes 128
    tasks, an image each. With two images it makes 8 tasks, each a band of at most 7 rows.
    """
    fitting = max(1, numbers // (unit * numbers_per_row)) * unit
    bands = max(-(-OH // fitting), min(-(-OH // unit), wanted_tasks // max(N, 1)))
    rows = -(-OH // (bands * unit)) * unit
    if rows < OH:
        bands = -(-OH // rows)
        return Split(N, OH, rows, bands, 1, N * bands)
    images = max(1, min(numbers // (max(OH, unit) * numbers_per_row), N // wanted_tasks))
    return Split(N, OH, rows, 1, images, -(-N // images))


@lru_cache(maxsize=1024)
def split_filters(N, OH, unit, numbers_per_row, numbers, image, weights, panels) -> tuple[Split, int]:
    """(how the outputs are split, into how many parts the filters are split): each task computes one part of them.

    Every task reads its images, of `image` numbers each, and its share of the weights. Small images with many filters
    are better split by filters: then not every task reads all weights. The split with the least to read for one thread
    is taken. `panels`: the most parts.
    """
    parts, splits = 1, []
    while parts <= min(panels, _WANTED_TASKS):
        work = split(N, OH, unit, numbers_per_row, numbers, _WANTED_TASKS // parts)
        read = work.tasks * weights + parts * N * image
        splits.append((read / max(1, min(THREADS, work.tasks * parts)), parts, work))
        parts *= 2
    _, parts, work = min(splits)
    return work, parts


_PARTIAL = 16 * 1024 * 1024  # numbers of all pieces together: 64 MB in float32, for any number of threads


def pieces_of(tasks: int, size: int) -> int:
    """The number of pieces for a sum of `size` numbers over all tasks: two per thread, fewer if they are very large."""
    return max(1, min(tasks, 2 * THREADS, _PARTIAL // size))


@helper
def task_rows(task, split):
    """(first image, number of images, first row, number of rows) of a task."""
    n = task // split.bands * split.images
    first = task % split.bands * split.rows
    return n, min(split.images, split.N - n), first, min(split.rows, split.OH - first)


@helper
def own_part(buffer):
    """Where in a scratch buffer (`workspace.scratch`) the part of the running thread begins."""
    return numba.get_thread_id() * (buffer.size // THREADS)
