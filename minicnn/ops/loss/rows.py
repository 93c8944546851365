"""Losses of one row, each above its derivative: plain formulas that cpu.py and gpu.py compile.

A loss takes (p, t, i, K, epsilon): flat predictions and targets (or labels), the row's number, its length. A derivative
takes (p, t, i, K, epsilon, upstream, dp), and writes the row of dp. The formulas are arranged to keep digits where
logits are large and probabilities near 0 or 1: the compiler must leave the order of operations alone.
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


def sparse_softmax_loss(z, labels, i, K, epsilon):
    largest, total = largest_and_sum(z, i, K)
    return math.log(total) - (z[i * K + labels[i]] - largest)


def sparse_softmax_gradient(z, labels, i, K, epsilon, upstream, dz):
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
