"""The virtual GPU's driver does what is queued late, in any order that is allowed, and keeps the rules of captures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import virtual_driver
import virtual_streams
from numba import cuda
from virtual_gpu import KernelError, memory

from minicnn.kernels import device, gpu_graph
from minicnn.kernels.gpu_launch import gpu_kernel

N = 64


@gpu_kernel()
def add_one(x):
    x[cuda.grid(1)] += np.float32(1)


def seen(run, times=40):
    """What run() returned, of many times."""
    return {run() for _ in range(times)}


def test_a_copy_that_nobody_waits_for_may_come_late():
    there, here, stream = cuda.device_array(N, np.float32), cuda.pinned_array(N, np.float32), cuda.stream()

    def first_after(wait):
        here[:] = 1
        there.copy_to_device(here, stream)
        wait()
        here[:] = 2
        return there.copy_to_host(stream=stream)[0]

    assert seen(lambda: first_after(lambda: None)) == {1, 2}
    assert seen(lambda: first_after(stream.synchronize)) == {1}


def test_streams_wait_for_each_other_only_where_they_are_told_to():
    there = device.upload(np.zeros(N, np.float32))
    here, stream, event = cuda.pinned_array(N, np.float32), cuda.stream(), cuda.event()

    def found(waits):
        here[:] = 5
        there.data.copy_to_device(here, stream)
        event.record(stream)
        if waits:
            event.wait(device.stream())
        add_one.launch(1, N, there)
        stream.synchronize()
        return there.to_host()[0]

    def without_event():
        there.fill_from(np.zeros(N, np.float32))
        return found(False)

    assert seen(without_event) == {5, 6}
    assert seen(lambda: found(True)) == {6}


def test_what_is_captured_runs_when_it_is_launched():
    x = device.upload(np.zeros(N, np.float32))
    add_one.launch(1, N, x)  # compiled here
    with gpu_graph._Captured() as captured:
        add_one.launch(1, N, x)
    assert x.to_host()[0] == 1
    for _ in range(3):
        captured.launch()
    assert x.to_host()[0] == 4


@pytest.mark.parametrize(
    "forbidden",
    [lambda x: device.stream().synchronize(), lambda x: cuda.synchronize(), lambda x: x.data.copy_to_host()],
    ids=["wait for the stream", "wait for all", "a copy on the default stream"],
)
def test_what_waits_ends_a_capture(forbidden):
    x = device.upload(np.zeros(N, np.float32))
    with pytest.raises(Exception, match="STREAM_CAPTURE"), gpu_graph._Captured():
        forbidden(x)
    told = pytest.raises(RuntimeError, match="CUDA_ERROR_STREAM_CAPTURE_INVALIDATED")
    with told, gpu_graph._Captured(), pytest.raises(Exception, match="STREAM_CAPTURE"):
        forbidden(x)
    assert x.to_host()[0] == 0


def test_no_capture_and_no_graph_is_left_behind():
    before = set(virtual_driver.objects)
    with pytest.raises(KeyError), gpu_graph._Captured():
        raise KeyError
    with gpu_graph._Captured() as captured:
        pass
    captured.launch()
    del captured
    assert set(virtual_driver.objects) == before


def test_a_thread_needs_a_context():
    with ThreadPoolExecutor(1) as other, pytest.raises(RuntimeError, match="CUDA_ERROR_INVALID_CONTEXT"):
        other.submit(lambda: gpu_graph._Captured().__enter__()).result()


def test_memory_that_was_freed_is_nobodys():
    data = cuda.to_device(np.zeros(N, np.float32))
    address = data.__cuda_array_interface__["data"][0]
    assert not memory.content(address, data.nbytes).any()
    del data
    cuda.current_context().memory_manager.deallocations.clear()
    with pytest.raises(KernelError, match="outside of every array"):
        memory.content(address, 4)


def test_idle_memory_goes_to_other_arrays_before_there_is_too_little():
    most = virtual_driver.CAPACITY // 4 * 3
    first = device.empty((most // 4,), np.float32)
    with pytest.raises(MemoryError, match=rf"of its 268 MB free, and {most / 1e6:.0f} MB more are needed: use smaller"):
        device.empty((most // 8,), np.float64)
    del first
    device.empty((most // 8,), np.float64)
    device.clear()


def test_a_function_that_it_does_not_have_is_told():
    from cuda.bindings import driver

    driver.cuDeviceGetPCIBusId(20, 0)
    with pytest.raises(NotImplementedError, match="driver has no cuDeviceGetPCIBusId"):
        virtual_streams.raise_errors()
