"""The virtual GPU's driver runs queued work late, in any order that is allowed, and checks the rules of captures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

import numpy as np
import pytest
from numba import cuda

from minicnn.kernels.gpu import arrays, device, graph
from minicnn.kernels.gpu.launch import gpu_kernel
from minicnn.kernels.gpu.memory import clear
from minicnn.kernels.gpu.readings import new_reading
from minicnn.kernels.gpu.reductions import sum_into
from minicnn.runtime.transfer import gpu as transfer
from virtual_gpu import c_functions, driver_memory, streams
from virtual_gpu.gpu import KernelError, memory

N = 64


@gpu_kernel()
def add_one(x):
    x[cuda.grid(1)] += np.float32(1)


@gpu_kernel()
def add_arrays(x, y, z):
    z[cuda.grid(1)] = x[cuda.grid(1)] + y[cuda.grid(1)]


def seen(run, times=40):
    """The set of results of many calls of run()."""
    return {run() for _ in range(times)}


def test_a_copy_without_a_wait_may_come_late():
    there, here, stream = cuda.device_array(N, np.float32), cuda.pinned_array(N, np.float32), cuda.stream()

    def first_after(wait):
        here[:] = 1
        there.copy_to_device(here, stream)
        wait()
        here[:] = 2
        return there.copy_to_host(stream=stream)[0]

    assert seen(lambda: first_after(lambda: None)) == {1, 2}
    assert seen(lambda: first_after(stream.synchronize)) == {1}


def test_copies_of_memory_that_is_not_page_locked_are_done_when_the_call_returns():
    there, here, stream = cuda.device_array(N, np.float32), np.ones(N, np.float32), cuda.stream()

    def up_and_down():
        here[:] = 1
        there.copy_to_device(here, stream)
        here[:] = 2
        there.copy_to_host(here, stream)
        return here[0]

    assert seen(up_and_down) == {1}


def test_the_default_stream_waits_for_the_others():
    x = arrays.upload(np.zeros(N, np.float32))

    def sum_of_two():
        x.fill_from(np.zeros(N, np.float32))
        add_one.launch(1, N, x)
        add_one.launch(1, N, x)
        return x.data[:N].copy_to_host()[0]

    assert seen(sum_of_two) == {2}


def test_streams_wait_for_each_other_only_where_they_are_told_to():
    there = arrays.upload(np.zeros(N, np.float32))
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
    x = arrays.upload(np.zeros(N, np.float32))
    add_one.launch(1, N, x)  # compiles the kernel before the capture
    with graph._Captured() as captured:
        add_one.launch(1, N, x)
    assert x.to_host()[0] == 1
    for _ in range(3):
        captured.launch()
    assert x.to_host()[0] == 4


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda x: device.stream().synchronize(),
        lambda x: cuda.synchronize(),
        lambda x: x.data.copy_to_host(),
        lambda x: x.data.copy_to_device(np.ones(x.data.size, np.float32), device.stream()),
        lambda x: x.data.copy_to_host(stream=device.stream()),
        lambda x: cuda.event().record(device.stream()),
        lambda x: cuda.event().wait(device.stream()),
    ],
    ids=["wait for it", "wait for all", "the default stream", "upload", "download", "an event", "wait for an event"],
)
def test_what_must_not_be_captured_ends_a_capture(forbidden):
    x = arrays.upload(np.zeros(N, np.float32))
    with pytest.raises(Exception, match="STREAM_CAPTURE"), graph._Captured():
        forbidden(x)
    told = pytest.raises(RuntimeError, match="CUDA_ERROR_STREAM_CAPTURE_INVALIDATED")
    with told, graph._Captured(), pytest.raises(Exception, match="STREAM_CAPTURE"):
        forbidden(x)
    assert x.to_host()[0] == 0


def test_no_capture_and_no_graph_is_left_behind():
    before = set(c_functions.objects)
    with pytest.raises(KeyError), graph._Captured():
        raise KeyError
    with graph._Captured() as captured:
        pass
    captured.launch()
    del captured
    assert set(c_functions.objects) - before == set()


def graph_adding(x, make_other):
    """A graph that adds x and make_other()."""

    def add(x):
        z = arrays.empty(x.shape, x.dtype)
        add_arrays.launch(1, N, x, make_other(), z)
        return z

    return graph.Graph(add, [x])


def with_reading(x):
    reading = new_reading(lambda data, place: sum_into(data, place, x, None, x.size))
    return lambda: float(reading)


FIRST = {  # {what a thread may do first: a function of an array x that returns the function to call}
    "launch": lambda x: lambda: add_one.launch(1, N, x),
    "upload": lambda x: lambda: x.fill_from(np.zeros(N, np.float32)),
    "download": lambda x: x.to_host,
    "copy": lambda x: x.copy,
    "batch": lambda x: lambda: transfer.to_device(np.zeros(N, np.float32)),
    "replay": lambda x: partial(graph_adding(x, lambda: x).replay, [x]),
    "look at a number": with_reading,
    "give back": lambda x: clear,
}


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
def test_a_thread_waits_for_the_lock_and_has_a_context(first):
    x = arrays.upload(np.ones(N, np.float32))
    for _ in range(5):
        first(x)()  # compiles kernels, and takes all stages
    call = first(x)
    with ThreadPoolExecutor(1) as other:
        with device.gpu_lock:
            called = other.submit(call)
            wait([called], timeout=0.2)
            assert not called.done()
        called.result()


def test_without_a_context_a_thread_can_do_nothing():
    from cuda.bindings import driver

    with ThreadPoolExecutor(1) as other:
        assert other.submit(driver.cuMemGetInfo).result()[0] == driver.CUresult.CUDA_ERROR_INVALID_CONTEXT


def test_errors_have_names():
    from cuda.bindings import driver

    error = driver.CUresult.CUDA_ERROR_INVALID_CONTEXT
    assert driver.cuGetErrorName(error) == (driver.CUresult.CUDA_SUCCESS, error.name.encode())
    assert driver.cuGetErrorString(error) == (driver.CUresult.CUDA_SUCCESS, error.name.encode())


def test_a_graph_keeps_what_it_reads():
    x, three = arrays.upload(np.ones(N, np.float32)), np.full(N, 3, np.float32)
    arrays.constant(three)
    adding = graph_adding(x, lambda: arrays.constant(three))
    clear()
    cuda.current_context().memory_manager.deallocations.clear()
    assert adding.replay([x]).to_host()[0] == 4


def test_a_lost_device_is_reported():
    with pytest.raises(RuntimeError, match=r"The GPU stopped working .*start the program again"), device.gpu_lock:
        raise OSError("[700] Call to cuMemcpyDtoH results in CUDA_ERROR_ILLEGAL_ADDRESS")
    with pytest.raises(OSError, match="INVALID_VALUE"), device.gpu_lock:  # after this error the GPU works on
        raise OSError("[1] Call to cuMemcpyDtoH results in CUDA_ERROR_INVALID_VALUE")


def test_freed_memory_belongs_to_no_array():
    data = cuda.to_device(np.zeros(N, np.float32))
    address = data.__cuda_array_interface__["data"][0]
    assert not memory.content(address, data.nbytes).any()
    del data
    cuda.current_context().memory_manager.deallocations.clear()
    with pytest.raises(KernelError, match="outside of every array"):
        memory.content(address, 4)


def test_idle_memory_goes_to_other_arrays_before_there_is_too_little(monkeypatch):
    clear()
    cuda.current_context().memory_manager.deallocations.clear()
    most = 1 << 20
    monkeypatch.setattr(driver_memory, "CAPACITY", sum(driver_memory.allocated.values()) + most + most // 2)
    first = arrays.empty((most // 4,), np.float32)
    with pytest.raises(MemoryError, match=r"of its \d+ MB free, and 1 MB more are needed: use smaller"):
        arrays.empty((most // 8,), np.float64)
    del first
    second = [arrays.empty((most // 8,), np.float64)]
    second.append(second)  # arrays in a garbage cycle are freed too
    del second
    arrays.empty((most // 4,), np.float32)


def test_a_function_that_it_does_not_have_is_reported():
    from cuda.bindings import driver

    driver.cuDeviceGetPCIBusId(20, 0)
    with pytest.raises(NotImplementedError, match="driver has no cuDeviceGetPCIBusId"):
        streams.raise_errors()
