"""The driver's functions for streams, events, and graphs."""

from __future__ import annotations

from ctypes import c_int, c_uint, c_uint64, c_void_p

from .c_functions import INVALID_VALUE, driver, handle_of, objects, stream_of
from .streams import (
    CAPTURE_INVALIDATED,
    CAPTURE_UNSUPPORTED,
    CudaError,
    Event,
    Stream,
    finish,
    legacy,
    queue,
    spoil_captures,
    spoil_if_captured,
    streams,
    tell_of_errors,
    when_idle,
    work_until,
)

_RELAXED = 2  # the mode of a capture that allows memory to be allocated


@driver(c_uint, gives=[c_void_p])
def cuStreamCreate(flags):
    if flags:
        raise NotImplementedError("The virtual GPU's streams and its default stream wait for each other.")
    streams.append(Stream())
    return handle_of(streams[-1])


@driver(c_void_p)
def cuStreamDestroy(handle):
    stream = objects.pop(handle)
    when_idle(lambda: (finish([stream]), streams.remove(stream)))


@driver(c_void_p)
def cuStreamSynchronize(handle):
    spoil_captures([stream_of(handle)])
    finish([stream_of(handle)])
    tell_of_errors()


@driver()
def cuCtxSynchronize():
    spoil_captures(streams)
    finish(streams)
    tell_of_errors()


@driver(c_uint, gives=[c_void_p])
def cuEventCreate(flags):
    return handle_of(Event())


@driver(c_void_p)
def cuEventDestroy(handle):
    del objects[handle]


@driver(c_void_p, c_void_p)
def cuEventRecord(handle, stream):
    event, stream = objects[handle], stream_of(stream)
    spoil_if_captured(stream)
    event.recorded += 1
    queue(stream, lambda times=event.recorded: setattr(event, "happened", max(event.happened, times)))


@driver(c_void_p)
def cuEventSynchronize(handle):
    event = objects[handle]
    work_until(lambda times=event.recorded: event.happened >= times)
    tell_of_errors()


@driver(c_void_p, c_void_p, c_uint)
def cuStreamWaitEvent(stream, handle, flags):
    spoil_if_captured(stream_of(stream))
    queue(stream_of(stream), (objects[handle], objects[handle].recorded))


# Graphs


@driver(c_void_p, c_int)
def cuStreamBeginCapture(handle, mode):
    stream = stream_of(handle)
    if stream is legacy or stream.captured is not None:
        raise CudaError(CAPTURE_UNSUPPORTED)
    stream.captured, stream.relaxed = [], mode == _RELAXED


@driver(c_void_p, c_void_p)
def cuStreamEndCapture(handle, graph):
    stream = stream_of(handle)
    captured, spoiled = stream.captured, stream.spoiled
    stream.captured, stream.spoiled = None, False
    if captured is None:
        raise CudaError(INVALID_VALUE)
    if spoiled:
        raise CudaError(CAPTURE_INVALIDATED)
    c_void_p.from_address(graph).value = handle_of(captured)


@driver(c_void_p, c_uint64, gives=[c_void_p])
def cuGraphInstantiate(graph, flags):
    return handle_of(tuple(objects[graph]))


@driver(c_void_p, c_void_p)
def cuGraphLaunch(handle, stream):
    for operation in objects[handle]:
        queue(stream_of(stream), operation)


@driver(c_void_p)
def cuGraphDestroy(handle):
    del objects[handle]


@driver(c_void_p)
def cuGraphExecDestroy(handle):
    del objects[handle]
