"""Global pooling on the CPU: one pass over each image, with the channels side by side in vectors."""

from __future__ import annotations

from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.vector_loop import vector_loop


def average_forward(x, need_saved=True):
    y = workspace.empty((x.shape[0], x.shape[3]), x.dtype)
    _average(x, y)
    return y, (x.shape if need_saved else None)


@kernel(parallel=True)
def _average(x, y):
    N, H, W, C = x.shape
    share = x.dtype.type(1) / x.dtype.type(H * W)
    for n in prange(N):
        y[n] = 0
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    y[n, c] += x[n, h, w, c]
        for c in range(C):
            y[n, c] *= share


def average_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    dx = workspace.empty(saved, dy.dtype)
    _average_gradient(dy, dx)
    return dx


@kernel(parallel=True)
def _average_gradient(dy, dx):
    N, H, W, C = dx.shape
    share = dy.dtype.type(1) / dy.dtype.type(H * W)
    for n in prange(N):
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    dx[n, h, w, c] = dy[n, c] * share


def maximum_forward(x, need_saved=True):
    y = workspace.empty((x.shape[0], x.shape[3]), x.dtype)
    N, H, W, C = x.shape
    _maximum(x.reshape(-1), y.reshape(-1), H * W, C)
    return y, ((x, y) if need_saved else None)


@vector_loop(arrays=2, scalars=2)
def _largest(emit, mask, x, y, pixels, C):
    """y = the largest of x[i * C], i < pixels."""
    builder, best = emit.builder, emit.variable(emit.load(x, mask))
    with emit.repeat(pixels) as pixel:
        value, so_far = emit.load(emit.at(x, builder.mul(pixel.index, C)), mask), builder.load(best)
        builder.store(builder.select(emit.beats(value, so_far), value, so_far), best)
    emit.store(builder.load(best), y, mask)


@kernel(parallel=True)
def _maximum(x, y, pixels, C):
    for n in prange(y.size // C):
        _largest(x, n * pixels * C, y, n * C, pixels, C, C)


def maximum_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x, y = saved
    dx = workspace.empty(x.shape, dy.dtype)
    _, H, W, C = x.shape
    _maximum_gradient(dy.reshape(-1), x.reshape(-1), y.reshape(-1), dx.reshape(-1), H * W, C)
    return dx


@vector_loop(arrays=4, scalars=2)
def _share(emit, mask, dy, x, y, dx, pixels, C):
    """dx[i * C] = dy / (the number of pixels equal to y) where x[i * C] == y, else 0; i < pixels."""
    builder, largest = emit.builder, emit.load(y, mask)
    count, one = emit.variable(emit.zero), emit.constant(1)

    def is_largest(i):
        return builder.fcmp_ordered("==", emit.load(emit.at(x, builder.mul(i, C)), mask), largest)

    with emit.repeat(pixels) as pixel:
        found = builder.select(is_largest(pixel.index), one, emit.zero)
        builder.store(builder.fadd(builder.load(count), found), count)
    share = builder.fdiv(emit.load(dy, mask), builder.load(count))
    with emit.repeat(pixels) as pixel:
        place = emit.at(dx, builder.mul(pixel.index, C))
        emit.store(builder.select(is_largest(pixel.index), share, emit.zero), place, mask)


@kernel(parallel=True)
def _maximum_gradient(dy, x, y, dx, pixels, C):
    for n in prange(y.size // C):
        image = n * pixels * C
        _share(dy, n * C, x, image, y, n * C, dx, image, pixels, C, C)
