"""Losses of one row, each followed by its derivative: plain formulas that cpu.py and gpu.py compile.

A loss takes (p, t, i, K, epsilon): flat predictions, flat targets (or labels), the row's number, its length, and
epsilon. A derivative takes (p, t, i, K, epsilon, upstream, dp) and writes the row of dp. The order of operations keeps
digits where logits are large or probabilities are near 0 or 1. So the compiler must not change this order.
"""

from __future__ import annotations

import math


def largest_of(z, i, K):
    largest = z[i * K]
    for k in range(1, K):
        if z[i * K + k] > largest:
            largest = z[i * K + k]
    return largest


def largest_and_sum(z, i, K):
    """(largest z, sum of exp(z - largest)): softmax(z)_k = exp(z_k - largest) / sum."""
    largest = largest_of(z, i, K)
    total = z.dtype.type(0)
    for k in range(K):
        total += math.exp(z[i * K + k] - largest)
    return largest, total


def clip(p, epsilon):
    if p < epsilon:
        return epsilon
    highest = type(p)(1) - epsilon
    return highest if p > highest else p


def inside(p, epsilon):
    return p >= epsilon and p <= type(p)(1) - epsilon


def row_sum(p, i, K):
    total = p.dtype.type(0)
    for k in range(K):
        total += p[i * K + k]
    return total


def softmax_loss(z, t, i, K, epsilon):
    largest, total = largest_and_sum(z, i, K)
    loss = z.dtype.type(0)
    for k in range(K):
        loss += t[i * K + k] * (math.log(total) - (z[i * K + k] - largest))
    return loss


def softmax_gradient(z, t, i, K, epsilon, upstream, dz):
    largest, total = largest_and_sum(z, i, K)
    weight = row_sum(t, i, K)
    for k in range(K):
        dz[i * K + k] = upstream * (math.exp(z[i * K + k] - largest) / total * weight - t[i * K + k])


# Keras's sparse_categorical_crossentropy, computed from logits
def sparse_softmax_loss(z, labels, i, K, epsilon):
    largest, total = largest_and_sum(z, i, K)
    return math.log(total) - (z[i * K + labels[i]] - largest)


def sparse_softmax_gradient(z, labels, i, K, epsilon, upstream, dz):
    """dz of row i = upstream * (softmax(z) - one-hot(label)), for logits z with K classes, flat."""
    largest, total = largest_and_sum(z, i, K)
    for k in range(K):
        target = z.dtype.type(1 if k == labels[i] else 0)
        dz[i * K + k] = upstream * (math.exp(z[i * K + k] - largest) / total - target)


def categorical_loss(p, t, i, K, epsilon):
    total, loss = row_sum(p, i, K), p.dtype.type(0)
    for k in range(K):
        loss -= t[i * K + k] * math.log(clip(p[i * K + k] / total, epsilon))
    return loss


def categorical_gradient(p, t, i, K, epsilon, upstream, dp):
    total, shared = row_sum(p, i, K), p.dtype.type(0)
    for k in range(K):
        q = p[i * K + k] / total
        dp[i * K + k] = -t[i * K + k] / clip(q, epsilon) if inside(q, epsilon) else p.dtype.type(0)
        shared += dp[i * K + k] * q
    for k in range(K):
        dp[i * K + k] = upstream * (dp[i * K + k] - shared) / total


def clipped_sum(p, i, K, epsilon):
    total = p.dtype.type(0)
    for k in range(K):
        total += clip(p[i * K + k], epsilon)
    return total


def sparse_categorical_loss(p, labels, i, K, epsilon):
    return math.log(clipped_sum(p, i, K, epsilon)) - math.log(clip(p[i * K + labels[i]], epsilon))


def sparse_categorical_gradient(p, labels, i, K, epsilon, upstream, dp):
    total, one = clipped_sum(p, i, K, epsilon), p.dtype.type(1)
    for k in range(K):
        slope = one / total
        if k == labels[i]:
            slope -= one / clip(p[i * K + k], epsilon)
        dp[i * K + k] = upstream * slope if inside(p[i * K + k], epsilon) else p.dtype.type(0)


def sigmoid_loss(z, t, i, K, epsilon):
    loss = z.dtype.type(0)
    for k in range(K):
        value = z[i * K + k]
        positive = z.dtype.type(0) if value < 0 else value
        loss += positive - value * t[i * K + k] + math.log1p(math.exp(-abs(value)))
    return loss / z.dtype.type(K)


def sigmoid_gradient(z, t, i, K, epsilon, upstream, dz):
    one, count = z.dtype.type(1), z.dtype.type(K)
    for k in range(K):
        e = math.exp(-abs(z[i * K + k]))
        p = (e if z[i * K + k] < 0 else one) / (one + e)
        dz[i * K + k] = upstream * (p - t[i * K + k]) / count


def binary_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        q = clip(p[i * K + k], epsilon)
        one = type(q)(1)
        loss -= t[i * K + k] * math.log(q) + (one - t[i * K + k]) * math.log(one - q)
    return loss / p.dtype.type(K)


def binary_gradient(p, t, i, K, epsilon, upstream, dp):
    for k in range(K):
        q = clip(p[i * K + k], epsilon)
        slope = (q - t[i * K + k]) / (q * (type(q)(1) - q)) / p.dtype.type(K)
        dp[i * K + k] = upstream * slope if inside(p[i * K + k], epsilon) else p.dtype.type(0)


def squared_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        difference = p[i * K + k] - t[i * K + k]
        loss += difference * difference
    return loss / p.dtype.type(K)


def squared_gradient(p, t, i, K, epsilon, upstream, dp):
    factor = p.dtype.type(2) / p.dtype.type(K)
    for k in range(K):
        dp[i * K + k] = upstream * (p[i * K + k] - t[i * K + k]) * factor


def absolute_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        loss += abs(p[i * K + k] - t[i * K + k])
    return loss / p.dtype.type(K)


def absolute_gradient(p, t, i, K, epsilon, upstream, dp):
    one, count = p.dtype.type(1), p.dtype.type(K)
    for k in range(K):
        difference = p[i * K + k] - t[i * K + k]
        sign = one if difference > 0 else -one if difference < 0 else difference  # 0, or NaN
        dp[i * K + k] = upstream * sign / count


def percentage_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        size = abs(t[i * K + k])
        loss += abs(p[i * K + k] - t[i * K + k]) / (size if size > epsilon else epsilon)
    return p.dtype.type(100) * loss / p.dtype.type(K)


def percentage_gradient(p, t, i, K, epsilon, upstream, dp):
    one, factor = p.dtype.type(1), p.dtype.type(100) / p.dtype.type(K)
    for k in range(K):
        difference, size = p[i * K + k] - t[i * K + k], abs(t[i * K + k])
        sign = one if difference > 0 else -one if difference < 0 else difference  # 0, or NaN
        dp[i * K + k] = upstream * sign * factor / (size if size > epsilon else epsilon)


def at_least(value, epsilon):
    return epsilon if value < epsilon else value


def logarithmic_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        difference = math.log1p(at_least(p[i * K + k], epsilon)) - math.log1p(at_least(t[i * K + k], epsilon))
        loss += difference * difference
    return loss / p.dtype.type(K)


def logarithmic_gradient(p, t, i, K, epsilon, upstream, dp):
    factor = p.dtype.type(2) / p.dtype.type(K)
    for k in range(K):
        q = at_least(p[i * K + k], epsilon)
        slope = (math.log1p(q) - math.log1p(at_least(t[i * K + k], epsilon))) / (q + type(q)(1))
        dp[i * K + k] = p.dtype.type(0) if p[i * K + k] < epsilon else upstream * slope * factor


def huber_loss(p, t, i, K, delta):
    loss, half = p.dtype.type(0), p.dtype.type(0.5)
    for k in range(K):
        size = abs(p[i * K + k] - t[i * K + k])
        loss += delta * (size - half * delta) if size > delta else half * size * size
    return loss / p.dtype.type(K)


def huber_gradient(p, t, i, K, delta, upstream, dp):
    count = p.dtype.type(K)
    for k in range(K):
        difference = p[i * K + k] - t[i * K + k]
        slope = delta if difference > delta else -delta if difference < -delta else difference
        dp[i * K + k] = upstream * slope / count


def log_cosh_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        size = abs(p[i * K + k] - t[i * K + k])
        loss += size + math.log1p(math.exp(p.dtype.type(-2) * size)) - math.log(p.dtype.type(2))
    return loss / p.dtype.type(K)


def log_cosh_gradient(p, t, i, K, epsilon, upstream, dp):
    count = p.dtype.type(K)
    for k in range(K):
        dp[i * K + k] = upstream * math.tanh(p[i * K + k] - t[i * K + k]) / count


def clip_to_one(p, epsilon):
    one = type(p)(1)
    return epsilon if p < epsilon else one if p > one else p


def kl_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        target = clip_to_one(t[i * K + k], epsilon)
        loss += target * math.log(target / clip_to_one(p[i * K + k], epsilon))
    return loss


def kl_gradient(p, t, i, K, epsilon, upstream, dp):
    one = p.dtype.type(1)
    for k in range(K):
        value = p[i * K + k]
        slope = -clip_to_one(t[i * K + k], epsilon) / clip_to_one(value, epsilon)
        dp[i * K + k] = p.dtype.type(0) if value < epsilon or value > one else upstream * slope


def poisson_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        loss += p[i * K + k] - t[i * K + k] * math.log(p[i * K + k] + epsilon)
    return loss / p.dtype.type(K)


def poisson_gradient(p, t, i, K, epsilon, upstream, dp):
    one, count = p.dtype.type(1), p.dtype.type(K)
    for k in range(K):
        dp[i * K + k] = upstream * (one - t[i * K + k] / (p[i * K + k] + epsilon)) / count


def hinge_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        margin = p.dtype.type(1) - t[i * K + k] * p[i * K + k]
        loss += p.dtype.type(0) if margin < 0 else margin
    return loss / p.dtype.type(K)


def hinge_gradient(p, t, i, K, epsilon, upstream, dp):
    count = p.dtype.type(K)
    for k in range(K):
        margin = p.dtype.type(1) - t[i * K + k] * p[i * K + k]
        dp[i * K + k] = p.dtype.type(0) if margin < 0 else -upstream * t[i * K + k] / count


def squared_hinge_loss(p, t, i, K, epsilon):
    loss = p.dtype.type(0)
    for k in range(K):
        margin = p.dtype.type(1) - t[i * K + k] * p[i * K + k]
        loss += p.dtype.type(0) if margin < 0 else margin * margin
    return loss / p.dtype.type(K)


def squared_hinge_gradient(p, t, i, K, epsilon, upstream, dp):
    factor = p.dtype.type(-2) / p.dtype.type(K)
    for k in range(K):
        margin = p.dtype.type(1) - t[i * K + k] * p[i * K + k]
        dp[i * K + k] = p.dtype.type(0) if margin < 0 else upstream * factor * margin * t[i * K + k]
