"""The optimizers' updates in NumPy: the definitions."""

from __future__ import annotations

import math

import numpy as np


def sgd(w, g, rate):
    w -= rate * g


def momentum(w, g, v, rate, momentum, nesterov=False):
    v[...] = momentum * v - rate * g
    w += momentum * v - rate * g if nesterov else v


def rmsprop(w, g, s, a, v, rate, rho, momentum, epsilon):
    s[...] = rho * s + (1 - rho) * np.square(g)
    denominator = s + epsilon
    if a is not None:
        a[...] = rho * a + (1 - rho) * g
        denominator = s - np.square(a) + epsilon
    step = rate * g / np.sqrt(denominator)
    if v is not None:
        v[...] = step = momentum * v + step
    w -= step


def adam(w, g, m, v, v_hat, rate, beta_1, beta_2, epsilon):
    m += (g - m) * (1 - beta_1)
    v += (np.square(g) - v) * (1 - beta_2)
    if v_hat is not None:
        np.maximum(v_hat, v, out=v_hat)
        v = v_hat
    w -= m * rate / (np.sqrt(v) + epsilon)


def adagrad(w, g, a, rate, epsilon):
    a += np.square(g)
    w -= rate * g / np.sqrt(a + epsilon)


def adadelta(w, g, a, d, rate, rho, epsilon):
    a[...] = rho * a + (1 - rho) * np.square(g)
    step = g * np.sqrt(d + epsilon) / np.sqrt(a + epsilon)
    d[...] = rho * d + (1 - rho) * np.square(step)
    w -= rate * step


def adamax(w, g, m, u, rate, beta_1, beta_2, epsilon):
    m += (g - m) * (1 - beta_1)
    np.maximum(beta_2 * u, np.abs(g), out=u)
    w -= m * rate / (u + epsilon)


def nadam(w, g, m, v, numbers, beta_1, beta_2, epsilon):
    a, b, c = numbers
    m += (g - m) * (1 - beta_1)
    v += (np.square(g) - v) * (1 - beta_2)
    w -= (a * m + b * g) / (np.sqrt(c * v) + epsilon)


def lamb(w, g, m, v, numbers, beta_1, beta_2, epsilon):
    rate, c_1, c_2 = numbers
    m += (g - m) * (1 - beta_1)
    v += (np.square(g) - v) * (1 - beta_2)
    step = m * c_1 / (np.sqrt(v * c_2) + epsilon)
    w_norm, step_norm = (math.sqrt(float(np.square(x).sum())) for x in (w, step))
    w -= (rate * w_norm / step_norm if w_norm > 0 and step_norm > 0 else rate) * step


def lion(w, g, m, rate, beta_1, beta_2):
    w -= rate * np.sign(beta_1 * m + (1 - beta_1) * g)
    m[...] = beta_2 * m + (1 - beta_2) * g


def ftrl(w, g, a, z, rate, power, l1, l2, shrinkage, beta):
    before, a[...] = np.power(a, -power), a + np.square(g)
    after = np.power(a, -power)
    z += g + 2 * shrinkage * w - (after - before) / rate * w
    w[...] = (np.clip(z, -l1, l1) - z) / (after / rate + 2 * l2 + beta / rate)


def adafactor(w, g, r, c, v, rate, beta_2, epsilon_1, epsilon_2, clip_threshold):
    squares = np.square(g) + epsilon_1
    if r is None:
        v[...] = beta_2 * v + (1 - beta_2) * squares
    else:
        r[...] = beta_2 * r + (1 - beta_2) * squares.mean(axis=-1)
        c[...] = beta_2 * c + (1 - beta_2) * squares.mean(axis=-2)
        v[...] = (r / r.mean(axis=-1, keepdims=True))[..., None] * c[..., None, :]
    step = g / np.sqrt(v)
    step /= max(1.0, float(np.sqrt(np.square(step).mean())) / clip_threshold)
    w -= max(epsilon_2, float(np.sqrt(np.square(w).mean()))) * rate * step


def muon(w, g, m, rate, momentum, nesterov, polynomial, steps):
    m += g + m * (momentum - 1)
    x = g + momentum * m if nesterov else m
    wide = w.shape[0] <= w.shape[1]  # the products are then of the shorter side
    x = x if wide else x.T
    x = x / (math.sqrt(float(np.square(x).sum())) + 1e-7)
    a, b, c = polynomial
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    w -= rate * (x if wide else x.T)


def average(w, a, share):
    a[...] = w if share == 0 else share * a + (1 - share) * w


def decay(w, rate):
    w -= w * rate


def clip_value(g, limit):
    return np.clip(g, -g.dtype.type(limit), g.dtype.type(limit))


def clip_norm(gs, limit):
    norm = math.sqrt(sum(float(np.square(g).sum()) for g in gs))
    return gs if norm <= limit else [g * g.dtype.type(limit / norm) for g in gs]


def penalty(w, l1, l2):
    return float(l1 * np.abs(w).sum() + l2 * np.square(w).sum())


def add_penalty_gradient(g, w, l1, l2):
    return g + w.dtype.type(l1) * np.sign(w) + w.dtype.type(2 * l2) * w
