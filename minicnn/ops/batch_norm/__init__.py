"""Batch normalization, per channel (the last axis).

    training:   mean[c], variance[c] = over all of x[..., c]         (the biased variance: divided by the count)
    inference:  mean, variance = the moving statistics
    x_hat = (x - mean) / sqrt(variance + epsilon)        y = gamma * x_hat + beta

In training, the moving statistics move a step towards the statistics of the batch, in place:
moving = momentum * moving + (1 - momentum) * batch.

    x, y (..., C)       gamma, beta (C,) or None       moving_mean, moving_variance (C,)

Backward in training, with M numbers per channel and sums over all axes but the last:

    dbeta = sum dy      dgamma = sum dy * x_hat
    dx = gamma / sqrt(variance + epsilon) * (dy - dbeta / M - x_hat * dgamma / M)

In inference mean and variance are constants, so dx = gamma / sqrt(variance + epsilon) * dy.

The variance is computed in a second pass, over x - mean. One pass could compute it as the mean of the squares minus the
square of the mean, but this loses all digits when the mean is large.

**Folding.** In inference batch normalization only scales and shifts each channel. Behind a convolution or a dense layer
the product can do this itself, with other weights and another bias:

    (x * w + b - mean) * s + beta  =  x * (w s) + ((b - mean) s + beta)      with s = gamma / sqrt(variance + epsilon)

Source: Ioffe and Szegedy, "Batch Normalization", 2015.

Reading order: `loops.py` (the definition), `vectorized.py`, `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(
    x, gamma, beta, moving_mean, moving_variance, momentum=0.99, epsilon=1e-3, training=False, relu=False,
    need_saved=True,
):  # fmt: skip
    """y and what `backward` needs. In training moving_mean and moving_variance are updated in place. With relu=True
    negative outputs become zero in the same call."""
    return variant(__name__).forward(
        x, gamma, beta, moving_mean, moving_variance, momentum, epsilon, training, relu, need_saved
    )


def fold(w, b, gamma, beta, moving_mean, moving_variance, epsilon=1e-3):
    """(w, b) of the product that also does the normalization behind it in inference. w (..., F), b (F,) or None; the
    others (F,), gamma and beta may be None."""
    return variant(__name__).fold(w, b, gamma, beta, moving_mean, moving_variance, epsilon)


def backward(dy, saved, need_dx=True):
    """(dx, dgamma, dbeta); dx is None unless need_dx, dgamma None without gamma, dbeta None without beta."""
    return variant(__name__).backward(dy, saved, need_dx)
