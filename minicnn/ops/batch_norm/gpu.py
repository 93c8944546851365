"""Batch normalization on the GPU: sums over pieces of the rows, added in order, then one pass over the numbers.

Sums and means are float64, as in `vectorized.py`: with a mean of 10,000, float32 would leave three digits of x - mean.
Even on a GPU that is slow in float64 this costs little, because these passes wait for memory. The variance is computed
in a second pass, over x - mean.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda, float64

from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import through_relu
from ...kernels.gpu.launch import gpu_kernel
from ...kernels.gpu.reductions import column_sums, pieces_of, sum_pieces


def forward(
    x, gamma, beta, moving_mean, moving_variance, momentum=0.99, epsilon=1e-3, training=False, relu=False,
    need_saved=True,
):  # fmt: skip
    C = x.shape[-1]
    M = x.size // C
    y, mean, scale = arrays.empty(x.shape, x.dtype), arrays.empty((C,), np.float64), arrays.empty((C,), x.dtype)
    if training:
        _mean.over(C, column_sums(x, M, C, np.float64), M, mean)
        pieces = pieces_of(M, C)
        partial, total = arrays.empty((pieces, C), np.float64), arrays.empty((C,), np.float64)
        _squares.over(pieces * C, x, mean, M, C, pieces, partial)
        sum_pieces(partial, pieces, C, total)
        _statistics.over(
            C, total, M, mean, np.float64(epsilon), np.float64(momentum), scale, moving_mean, moving_variance
        )  # fmt: skip
    else:
        _moving_statistics.over(C, moving_mean, moving_variance, np.float64(epsilon), mean, scale)
    has_gamma, has_beta = gamma is not None, beta is not None
    _normalize.over(
        x.size, x, C, mean, scale, gamma if has_gamma else scale, has_gamma, beta if has_beta else scale, has_beta,
        relu, y,
    )  # fmt: skip
    return y, ((x, mean, scale, gamma, has_beta, training, y if relu else None) if need_saved else None)


def fold(w, b, gamma, beta, moving_mean, moving_variance, epsilon=1e-3):
    F = moving_mean.size
    mean, scale = arrays.empty((F,), np.float64), arrays.empty((F,), w.dtype)
    _moving_statistics.over(F, moving_mean, moving_variance, np.float64(epsilon), mean, scale)
    folded_w, folded_b = arrays.empty(w.shape, w.dtype), arrays.empty((F,), w.dtype)
    has_gamma, has_beta, has_b = gamma is not None, beta is not None, b is not None
    gamma = gamma if has_gamma else scale
    _fold_weights.over(w.size, w, F, scale, gamma, has_gamma, folded_w)
    _fold_bias.over(
        F, b if has_b else scale, has_b, mean, scale, gamma, has_gamma, beta if has_beta else scale, has_beta, folded_b
    )
    return folded_w, folded_b


@gpu_kernel()
def _fold_weights(w, F, scale, gamma, has_gamma, folded, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        value = w[i] * scale[i % F]
        folded[i] = value * gamma[i % F] if has_gamma else value


@gpu_kernel()
def _fold_bias(b, has_b, mean, scale, gamma, has_gamma, beta, has_beta, folded, n):
    for f in range(cuda.grid(1), n, cuda.gridsize(1)):
        value = ((b[f] if has_b else 0) - mean[f]) * scale[f]
        if has_gamma:
            value *= gamma[f]
        folded[f] = value + (beta[f] if has_beta else 0)


@gpu_kernel()
def _mean(total, count, mean, n):
    for c in range(cuda.grid(1), n, cuda.gridsize(1)):
        mean[c] = total[c] / count


@gpu_kernel()
def _squares(x, mean, M, C, pieces, partial, n):
    """partial[piece, c] = the sum of (x - mean)^2 over a share of the rows."""
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        piece, c = place // C, place % C
        first, last = piece * M // pieces, (piece + 1) * M // pieces
        difference = x[first * C + c] - mean[c]
        total = difference * difference
        for i in range(first + 1, last):
            difference = x[i * C + c] - mean[c]
            total += difference * difference
        partial[place] = total


@gpu_kernel()
def _statistics(total, count, mean, epsilon, momentum, scale, moving_mean, moving_variance, n):
    """scale = 1 / sqrt(variance + epsilon); the moving statistics move a step towards the batch's statistics."""
    for c in range(cuda.grid(1), n, cuda.gridsize(1)):
        variance = total[c] / count
        scale[c] = 1 / math.sqrt(variance + epsilon)
        moving_mean[c] = momentum * moving_mean[c] + (1 - momentum) * mean[c]
        moving_variance[c] = momentum * moving_variance[c] + (1 - momentum) * variance


@gpu_kernel()
def _moving_statistics(moving_mean, moving_variance, epsilon, mean, scale, n):
    for c in range(cuda.grid(1), n, cuda.gridsize(1)):
        mean[c] = moving_mean[c]
        scale[c] = 1 / math.sqrt(moving_variance[c] + epsilon)


@gpu_kernel()
def _normalize(x, C, mean, scale, gamma, has_gamma, beta, has_beta, relu, y, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        c = i % C
        value = type(x[i])(x[i] - mean[c]) * (gamma[c] * scale[c] if has_gamma else scale[c])
        value = value + beta[c] if has_beta else value
        y[i] = type(x[i])(0) if relu and value < 0 else value


def backward(dy, saved, need_dx=True):
    x, mean, scale, gamma, has_beta, training, y = saved
    if y is not None:
        dy = through_relu(dy, y)
    C = x.shape[-1]
    M, pieces = x.size // C, pieces_of(x.size // C, C)
    dgamma, dbeta = arrays.empty((C,), dy.dtype), arrays.empty((C,), dy.dtype)
    gammas, betas = arrays.empty((pieces, C), np.float64), arrays.empty((pieces, C), np.float64)
    _parameter_gradients.over(pieces * C, dy, x, mean, scale, M, C, pieces, gammas, betas)
    sum_pieces(gammas, pieces, C, dgamma)
    sum_pieces(betas, pieces, C, dbeta)
    dx = None
    if need_dx:
        dx = arrays.empty(x.shape, dy.dtype)
        has_gamma, per_number = gamma is not None, dy.dtype.type(1 / M if training else 0)
        _input_gradient.over(
            x.size, dy, x, C, mean, scale, gamma if has_gamma else scale, has_gamma, dgamma, dbeta, per_number, dx
        )
    return dx, (None if gamma is None else dgamma), (dbeta if has_beta else None)


@gpu_kernel()
def _parameter_gradients(dy, x, mean, scale, M, C, pieces, gammas, betas, n):
    """gammas[piece, c], betas[piece, c] = the sums of dy * x_hat and of dy over a share of the rows."""
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        piece, c = place // C, place % C
        first, last = piece * M // pieces, (piece + 1) * M // pieces
        beta = float64(dy[first * C + c])
        gamma = beta * ((x[first * C + c] - mean[c]) * scale[c])
        for i in range(first + 1, last):
            gradient = dy[i * C + c]
            gamma += gradient * ((x[i * C + c] - mean[c]) * scale[c])
            beta += gradient
        gammas[place], betas[place] = gamma, beta


@gpu_kernel()
def _input_gradient(dy, x, C, mean, scale, gamma, has_gamma, dgamma, dbeta, per_number, dx, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        c = i % C
        x_hat = type(x[i])(x[i] - mean[c]) * scale[c]
        factor = gamma[c] * scale[c] if has_gamma else scale[c]
        dx[i] = factor * (dy[i] - (dbeta[c] + x_hat * dgamma[c]) * per_number)
