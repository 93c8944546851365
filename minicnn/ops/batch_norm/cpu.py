"""Batch normalization in Numba: in training three passes over x forward and two backward, with no temporary images.

What it gains over `vectorized.py`: NumPy writes an array as large as x for each of `x - mean`, its square, the
normalised x, the product and the sum. Here y is written once. For the sums, the rows are cut into pieces, which the
threads share. Each piece is summed in float64, and the pieces are added in order. Forward does not keep x_hat; backward
computes it again from x. A ReLU behind the normalization is part of the same passes, which saves two reads and two
writes of an array as large as x.
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import helper_as_written, kernel
from ...kernels.cpu.recording import do, of_weights
from ...kernels.cpu.vector_loop import vector_loop

_PIECES = 32  # the rows are summed in this many pieces, for any number of threads


def forward(
    x, gamma, beta, moving_mean, moving_variance, momentum=0.99, epsilon=1e-3, training=False, relu=False,
    need_saved=True,
):  # fmt: skip
    C = x.shape[-1]
    rows = x.reshape(-1, C)
    y = workspace.empty(x.shape, x.dtype)
    mean, scale = workspace.empty((C,), np.float64), workspace.empty((C,), x.dtype)
    if training:
        partial = workspace.empty((_PIECES, C), np.float64)
        _batch_statistics(rows, moving_mean, moving_variance, momentum, epsilon, partial, mean, scale)
        factor = _scaled(gamma, scale)
    else:
        with of_weights():
            do(np.copyto, mean, moving_mean)
            do(_inference_scale, moving_variance, epsilon, scale)
            factor = _scaled(gamma, scale)
    shift = beta
    if beta is None:
        shift = workspace.empty((C,), x.dtype)
        with of_weights():
            do(shift.fill, 0)
    _normalize.for_work(x.size)(rows, mean, factor, shift, relu, y.reshape(-1, C))
    saved = (x, mean, scale, factor, shift, gamma is not None, beta is not None, training, relu)
    return y, (saved if need_saved else None)


def fold(w, b, gamma, beta, moving_mean, moving_variance, epsilon=1e-3):
    scale, folded_b = workspace.empty(moving_mean.shape, w.dtype), workspace.empty(moving_mean.shape, w.dtype)
    folded_w, F = workspace.empty(w.shape, w.dtype), moving_mean.size
    with of_weights():
        do(_inference_scale, moving_variance, epsilon, scale)
        scale = _scaled(gamma, scale)
        do(np.subtract, 0 if b is None else b, moving_mean, out=folded_b)
        do(np.multiply, folded_b, scale, out=folded_b)
        if beta is not None:
            do(np.add, folded_b, beta, out=folded_b)
        _scale_columns.for_work(w.size)(w.reshape(-1), F, scale, folded_w.reshape(-1))
    return folded_w, folded_b


@vector_loop(arrays=3)
def _multiply(emit, mask, x, scale, y):
    """y = x * scale."""
    emit.store(emit.builder.fmul(emit.load(x, mask), emit.load(scale, mask)), y, mask)


@kernel(parallel=True)
def _scale_columns(w, F, scale, out):
    for row in prange(w.size // F):
        _multiply(w, row * F, scale, 0, out, row * F, F)


def _inference_scale(moving_variance, epsilon, scale):
    scale[...] = 1 / np.sqrt(moving_variance + epsilon)


def _scaled(gamma, scale):
    """gamma * scale, or scale without gamma."""
    if gamma is None:
        return scale
    factor = workspace.empty(scale.shape, scale.dtype)
    do(np.multiply, gamma, scale, out=factor)
    return factor


@kernel(parallel=True, as_written=True)
def _batch_statistics(x, moving_mean, moving_variance, momentum, epsilon, partial, mean, scale):
    """Compute mean and scale = 1 / sqrt(variance + epsilon) of the batch, and move the moving statistics a step."""
    M, C = x.shape
    pieces = partial.shape[0]
    for piece in prange(pieces):
        partial[piece] = 0
        for i in range(piece * M // pieces, (piece + 1) * M // pieces):
            for c in range(C):
                partial[piece, c] += x[i, c]
    for c in range(C):
        total = 0.0
        for piece in range(pieces):
            total += partial[piece, c]
        mean[c] = total / M
    for piece in prange(pieces):
        partial[piece] = 0
        for i in range(piece * M // pieces, (piece + 1) * M // pieces):
            for c in range(C):
                partial[piece, c] += (x[i, c] - mean[c]) ** 2
    for c in range(C):
        total = 0.0
        for piece in range(pieces):
            total += partial[piece, c]
        variance = total / M
        scale[c] = 1 / math.sqrt(variance + epsilon)
        moving_mean[c] = momentum * moving_mean[c] + (1 - momentum) * mean[c]
        moving_variance[c] = momentum * moving_variance[c] + (1 - momentum) * variance


@kernel(parallel=True, as_written=True)
def _normalize(x, mean, factor, shift, relu, y):
    M, C = x.shape
    for i in prange(M):
        for c in range(C):
            value = _normalized(x[i, c], mean[c], factor[c], shift[c])
            y[i, c] = x.dtype.type(0) if relu and value < 0 else value


@helper_as_written
def _normalized(x, mean, factor, shift):
    """Backward computes this again for ReLU's gradient, in the same order and so with the same bits."""
    return type(x)(x - mean) * factor + shift


def backward(dy, saved, need_dx=True):
    x, mean, scale, factor, shift, has_gamma, has_beta, training, relu = saved
    C = x.shape[-1]
    dy, rows = dy.reshape(-1, C), x.reshape(-1, C)
    dgamma, dbeta = workspace.empty((C,), dy.dtype), workspace.empty((C,), dy.dtype)
    partial = workspace.empty((_PIECES, 2, C), np.float64)
    _parameter_gradients(dy, rows, mean, scale, factor, shift, relu, partial, dgamma, dbeta)
    dx = None
    if need_dx:
        dx = workspace.empty(x.shape, dy.dtype)
        _input_gradient(
            dy, rows, mean, scale, factor, shift, relu, dgamma, dbeta, training, dx.reshape(-1, C)
        )  # fmt: skip
    return dx, (dgamma if has_gamma else None), (dbeta if has_beta else None)


@helper_as_written
def _passed(dy, x, mean, factor, shift, relu):
    """dy, or 0 where the ReLU stopped the output."""
    return dy if not relu or _normalized(x, mean, factor, shift) > 0 else type(dy)(0)


@kernel(parallel=True, as_written=True)
def _parameter_gradients(dy, x, mean, scale, factor, shift, relu, partial, dgamma, dbeta):
    M, C = x.shape
    pieces = partial.shape[0]
    for piece in prange(pieces):
        partial[piece] = 0
        for i in range(piece * M // pieces, (piece + 1) * M // pieces):
            for c in range(C):
                gradient = _passed(dy[i, c], x[i, c], mean[c], factor[c], shift[c], relu)
                partial[piece, 0, c] += gradient * ((x[i, c] - mean[c]) * scale[c])
                partial[piece, 1, c] += gradient
    for c in range(C):
        total_gamma, total_beta = 0.0, 0.0
        for piece in range(pieces):
            total_gamma += partial[piece, 0, c]
            total_beta += partial[piece, 1, c]
        dgamma[c], dbeta[c] = total_gamma, total_beta


@kernel(parallel=True, as_written=True)
def _input_gradient(dy, x, mean, scale, factor, shift, relu, dgamma, dbeta, training, dx):
    M, C = x.shape
    per_number = dy.dtype.type(1.0 / M if training else 0.0)
    for i in prange(M):
        for c in range(C):
            x_hat = dy.dtype.type(x[i, c] - mean[c]) * scale[c]
            gradient = _passed(dy[i, c], x[i, c], mean[c], factor[c], shift[c], relu)
            dx[i, c] = factor[c] * (gradient - (dbeta[c] + x_hat * dgamma[c]) * per_number)
