"""Buffers borrowed from the workspace, and scratch: who has them, and when they go back."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from minicnn.kernels.cpu import workspace
from minicnn.kernels.cpu.compile import THREADS


def test_buffers_are_lent_within_a_step_only():
    outside = workspace.empty((3, 4), np.float32)
    assert outside.base is None
    workspace.clear()
    with workspace.step():
        first = workspace.empty((10, 10), np.float32)
        second = workspace.empty((10, 10), np.float32)
        assert not np.shares_memory(first, second)
        assert first.ctypes.data % 64 == 0
        with workspace.step():
            inner = workspace.empty((10, 10), np.float32)
        third = workspace.empty((10, 10), np.float32)
        assert not any(np.shares_memory(third, other) for other in (first, second, inner))
    with workspace.step():
        again = [workspace.empty((10, 10), np.float32) for _ in range(4)]
        assert all(any(np.shares_memory(one, old) for old in (first, second, inner, third)) for one in again)
        assert workspace.empty((0, 5), np.float32).shape == (0, 5)


def test_released_buffers_can_be_poisoned():
    workspace.poison_released_buffers = True
    with workspace.step():
        kept = workspace.empty((4,), np.float32)
        kept[:] = 1
    assert np.isnan(kept).all()


def test_idle_buffers_are_given_back():
    workspace.clear()
    with workspace.step():
        workspace.empty((1000,), np.float32)
    for _ in range(2 * workspace._IDLE_STEPS):
        with workspace.step():
            workspace.empty((10,), np.float32)
    assert list(workspace._pool.idle) == [((10,), np.float32)]


def test_scratch_reuses_one_arena():
    workspace.clear()
    few = workspace.scratch(np.float32, 10, 3)
    assert [array.size for array in few] == [10 * THREADS, 3 * THREADS]
    assert not np.shares_memory(*few)
    many = workspace.scratch(np.dtype(np.float64), 1, 500, 0)
    assert [array.size for array in many] == [THREADS, 500 * THREADS, 0]
    assert all(array.ctypes.data % 64 == 0 for array in (*few, *many))
    again = workspace.scratch(np.float32, 10, 3)
    assert np.shares_memory(again[0], many[0]) and workspace.scratch(np.float32, 10, 3)[1] is again[1]

    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.extend(workspace.scratch(np.float32, 10)))
    thread.start()
    thread.join()
    assert not any(np.shares_memory(elsewhere[0], array) for array in many)

    workspace.poison_released_buffers = True
    again[0][:] = 1
    workspace.scratch(np.float32, 2)
    assert np.isnan(again[0]).all()


def test_a_buffer_serves_another_shape():
    workspace.clear()
    with workspace.step():
        first = workspace.empty((40, 50), np.float32)
    with workspace.step():
        assert np.shares_memory(workspace.empty((39, 50), np.float32), first)
        assert not np.shares_memory(workspace.empty((3, 50), np.float32), first)


def test_an_error_in_a_step_gives_the_buffers_back():
    workspace.clear()
    with pytest.raises(KeyError), workspace.step():
        lent = workspace.empty((100,), np.float32)
        raise KeyError
    with workspace.step():
        assert np.shares_memory(workspace.empty((100,), np.float32), lent)


def test_each_thread_has_its_own_buffers():
    results = []

    def work(value):
        with workspace.step():
            mine = workspace.empty((1000,), np.float64)
            for _ in range(50):
                mine[:] = value
                results.append((mine == value).all())

    threads = [threading.Thread(target=work, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 200
    assert all(results)
