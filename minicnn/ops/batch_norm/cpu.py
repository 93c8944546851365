"""Batch normalization in vectors: in training two passes over x forward and two backward, with no temporary images.

What it gains over `vectorized.py`: NumPy writes an array as large as x for each of `x - mean`, its square, the
normalised x, the product and the sum. Here y is written once. A ReLU behind the normalization is part of the same
passes, which saves two reads and two writes of an array as large as x.

- **Blocks of rows** fit the first-level cache. In a block the loop takes one vector of channels and goes through all
  rows. The mean, the factor and the sums of these channels stay in registers.
- **Mean and variance in one pass**, as the sums of x - x[0] and of its square. The sums are float64, so their
  difference still has all digits of float32. The rows are cut into pieces, which the threads share. The pieces are
  added in order.
- **x - mean** needs more digits than float32 has, if the mean is much larger than the deviation. So the mean is kept as
  two numbers of x's type: the rounded mean, and what the rounding left out.
- Forward does not keep x_hat; backward computes it again from x.
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.recording import do, of_weights, writes_into_weights
from ...kernels.cpu.vector_loop import floor_of, vector_loop

_PIECES = 32  # the rows are summed in this many pieces, for any number of threads
_BLOCK = 4096  # numbers in a block of rows: 16 kB in float32


def forward(
    x, gamma, beta, moving_mean, moving_variance, momentum=0.99, epsilon=1e-3, training=False, relu=False,
    need_saved=True,
):  # fmt: skip
    C = x.shape[-1]
    y = workspace.empty(x.shape, x.dtype)
    if training:
        mean, rest, scale = (workspace.empty((C,), x.dtype) for _ in range(3))
        partial = workspace.empty(((2 * _PIECES + 1) * C,), np.float64)
        _batch_statistics(
            x.reshape(-1), partial, moving_mean, moving_variance, momentum, epsilon, mean, rest, scale
        )  # fmt: skip
        writes_into_weights()
        factor = _scaled(gamma, scale)
    else:
        with of_weights():
            mean, rest, scale = (workspace.empty((C,), x.dtype) for _ in range(3))
            do(np.copyto, mean, moving_mean)
            do(rest.fill, 0)
            do(_inference_scale, moving_variance, epsilon, scale)
            factor = _scaled(gamma, scale)
    shift = beta
    if beta is None:
        with of_weights():
            shift = workspace.empty((C,), x.dtype)
            do(shift.fill, 0)
    _normalize.for_work(x.size)(x.reshape(-1), mean, rest, factor, shift, relu, y.reshape(-1))
    saved = (x, mean, rest, scale, factor, shift, gamma is not None, beta is not None, training, relu)
    return y, (saved if need_saved else None)


def fold(w, b, gamma, beta, moving_mean, moving_variance, epsilon=1e-3):
    F = moving_mean.size
    with of_weights():
        scale, folded_b = workspace.empty((F,), w.dtype), workspace.empty((F,), w.dtype)
        folded_w = workspace.empty(w.shape, w.dtype)
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


@vector_loop(arrays=4, scalars=2, wide=3)
def _add_moments(emit, mask, x, first, sums, squares, rows, stride):
    """sums += x - first and squares += (x - first)^2, over the rows of a block. All but x are float64."""
    builder, first = emit.builder, emit.load(first, mask)
    total, total_square = emit.variable(emit.load(sums, mask)), emit.variable(emit.load(squares, mask))
    with emit.repeat(rows) as row:
        number = emit.wide(emit.load(emit.at(x, builder.mul(row.index, stride)), mask))
        difference = builder.fsub(number, first)
        builder.store(builder.fadd(builder.load(total), difference), total)
        builder.store(emit.fma(difference, difference, builder.load(total_square)), total_square)
    emit.store(builder.load(total), sums, mask)
    emit.store(builder.load(total_square), squares, mask)


@kernel(parallel=True, as_written=True)
def _batch_statistics(x, partial, moving_mean, moving_variance, momentum, epsilon, mean, rest, scale):
    """mean + rest is the batch's mean, scale = 1 / sqrt(variance + epsilon). The moving statistics move a step."""
    C = mean.size
    M, rows, first = x.size // C, max(1, _BLOCK // C), 2 * _PIECES * C
    for c in range(min(C, x.size)):
        partial[first + c] = x[c]
    for piece in prange(_PIECES):
        sums = 2 * piece * C
        for c in range(2 * C):
            partial[sums + c] = 0
        end = (piece + 1) * M // _PIECES
        for i in range(piece * M // _PIECES, end, rows):
            _add_moments(x, i * C, partial, first, partial, sums, partial, sums + C, min(rows, end - i), C, C)
    for c in range(C):
        total, total_square = 0.0, 0.0
        for piece in range(_PIECES):
            total += partial[2 * piece * C + c]
            total_square += partial[(2 * piece + 1) * C + c]
        average = partial[first + c] + total / M
        variance = total_square / M - (total / M) ** 2
        if variance < 0:
            variance = 0.0
        mean[c] = average
        rest[c] = average - mean[c]
        scale[c] = 1 / math.sqrt(variance + epsilon)
        moving_mean[c] = momentum * moving_mean[c] + (1 - momentum) * average
        moving_variance[c] = momentum * moving_variance[c] + (1 - momentum) * variance


def _centered(emit, x, mean, rest):
    """x - (mean + rest). x - mean is exact if x and mean are near each other."""
    return emit.builder.fsub(emit.builder.fsub(x, mean), rest)


@vector_loop(arrays=6, scalars=3)
def _normalize_rows(emit, mask, x, mean, rest, factor, shift, y, relu, rows, stride):
    builder, lowest = emit.builder, floor_of(emit, relu)
    mean, rest, factor, shift = (emit.load(part, mask) for part in (mean, rest, factor, shift))
    with emit.repeat(rows) as row:
        place = builder.mul(row.index, stride)
        centered = _centered(emit, emit.load(emit.at(x, place), mask), mean, rest)
        emit.store(emit.at_least(lowest, emit.fma(centered, factor, shift)), emit.at(y, place), mask)


@kernel(parallel=True, as_written=True)
def _normalize(x, mean, rest, factor, shift, relu, y):
    C = mean.size
    M, rows = x.size // C, max(1, _BLOCK // C)
    for block in prange((M + rows - 1) // rows):
        i = block * rows
        _normalize_rows(x, i * C, mean, 0, rest, 0, factor, 0, shift, 0, y, i * C, relu, min(rows, M - i), C, C)


def backward(dy, saved, need_dx=True):
    x, mean, rest, scale, factor, shift, has_gamma, has_beta, training, relu = saved
    C = x.shape[-1]
    dy, x_flat = dy.reshape(-1), x.reshape(-1)
    dgamma, dbeta, slope, constant = (workspace.empty((C,), dy.dtype) for _ in range(4))
    partial = workspace.empty((2 * _PIECES * C,), np.float64)
    _parameter_gradients(
        dy, x_flat, mean, rest, scale, factor, shift, relu, training, partial, dgamma, dbeta, slope, constant
    )  # fmt: skip
    dx = None
    if need_dx:
        dx = workspace.empty(x.shape, dy.dtype)
        _input_gradient(dy, x_flat, mean, rest, factor, shift, relu, slope, constant, dx.reshape(-1))
    return dx, (dgamma if has_gamma else None), (dbeta if has_beta else None)


def _passed(emit, dy, centered, factor, shift, relu):
    """dy, or 0 where the ReLU stopped the output, which is computed again with the same bits."""
    builder = emit.builder
    positive = builder.fcmp_ordered(">", emit.fma(centered, factor, shift), emit.zero)
    passes = builder.or_(positive, emit.splat(builder.not_(emit.is_set(relu))))
    return builder.select(passes, dy, emit.zero)


@vector_loop(arrays=8, scalars=3, wide=2)
def _add_gradients(emit, mask, dy, x, mean, rest, factor, shift, dgamma, dbeta, relu, rows, stride):
    """dgamma += dz * (x - mean) and dbeta += dz, over the rows of a block; dz is dy behind the ReLU.

    dgamma, dbeta and their sums are float64.
    """
    builder = emit.builder
    mean, rest, factor, shift = (emit.load(part, mask) for part in (mean, rest, factor, shift))
    wide_mean = builder.fadd(emit.wide(mean), emit.wide(rest))
    total_gamma, total_beta = emit.variable(emit.load(dgamma, mask)), emit.variable(emit.load(dbeta, mask))
    with emit.repeat(rows) as row:
        place = builder.mul(row.index, stride)
        number = emit.load(emit.at(x, place), mask)
        centered = _centered(emit, number, mean, rest)
        gradient = emit.wide(_passed(emit, emit.load(emit.at(dy, place), mask), centered, factor, shift, relu))
        difference = builder.fsub(emit.wide(number), wide_mean)
        builder.store(emit.fma(gradient, difference, builder.load(total_gamma)), total_gamma)
        builder.store(builder.fadd(gradient, builder.load(total_beta)), total_beta)
    emit.store(builder.load(total_gamma), dgamma, mask)
    emit.store(builder.load(total_beta), dbeta, mask)


@kernel(parallel=True, as_written=True)
def _parameter_gradients(
    dy, x, mean, rest, scale, factor, shift, relu, training, partial, dgamma, dbeta, slope, constant
):
    """dgamma and dbeta; and slope and constant of the line slope * (x - mean) + constant, which `_input_gradient`
    subtracts because mean and variance depend on x (in inference they do not)."""
    C = mean.size
    M, rows = x.size // C, max(1, _BLOCK // C)
    for piece in prange(_PIECES):
        sums = 2 * piece * C
        for c in range(2 * C):
            partial[sums + c] = 0
        end = (piece + 1) * M // _PIECES
        for i in range(piece * M // _PIECES, end, rows):
            _add_gradients(
                dy, i * C, x, i * C, mean, 0, rest, 0, factor, 0, shift, 0, partial, sums, partial, sums + C,
                relu, min(rows, end - i), C, C,
            )  # fmt: skip
    for c in range(C):
        total_gamma, total_beta = 0.0, 0.0
        for piece in range(_PIECES):
            total_gamma += partial[2 * piece * C + c]
            total_beta += partial[(2 * piece + 1) * C + c]
        total_gamma *= scale[c]
        dgamma[c], dbeta[c] = total_gamma, total_beta
        slope[c] = total_gamma * scale[c] / M if training else 0.0
        constant[c] = total_beta / M if training else 0.0


@vector_loop(arrays=9, scalars=3)
def _gradient_rows(emit, mask, dy, x, mean, rest, factor, shift, slope, constant, dx, relu, rows, stride):
    """dx = factor * (dz - (slope * (x - mean) + constant)); dz is dy behind the ReLU."""
    builder = emit.builder
    mean, rest, factor, shift, slope, constant = (
        emit.load(part, mask) for part in (mean, rest, factor, shift, slope, constant)
    )
    with emit.repeat(rows) as row:
        place = builder.mul(row.index, stride)
        centered = _centered(emit, emit.load(emit.at(x, place), mask), mean, rest)
        gradient = _passed(emit, emit.load(emit.at(dy, place), mask), centered, factor, shift, relu)
        difference = builder.fsub(gradient, emit.fma(centered, slope, constant))
        emit.store(builder.fmul(factor, difference), emit.at(dx, place), mask)


@kernel(parallel=True, as_written=True)
def _input_gradient(dy, x, mean, rest, factor, shift, relu, slope, constant, dx):
    C = mean.size
    M, rows = x.size // C, max(1, _BLOCK // C)
    for block in prange((M + rows - 1) // rows):
        i = block * rows
        _gradient_rows(
            dy, i * C, x, i * C, mean, 0, rest, 0, factor, 0, shift, 0, slope, 0, constant, 0, dx, i * C,
            relu, min(rows, M - i), C, C,
        )  # fmt: skip
