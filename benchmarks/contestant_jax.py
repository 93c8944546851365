"""JAX: the networks of `models.py` as functions of images (N, H, W, C) and arrays. Started by `contestants.py`."""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import models
import numpy as np
import optax
from contestants import CHECKED_STEPS, RATE, Contestant
from jax import lax

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "elu": jax.nn.elu, None: lambda x: x}
MOMENTUM, EPSILON = 0.99, 1e-3  # of batch normalization


class Network:
    """A network as `apply`. Its weights are a list in the description's order; `split` tells which of them learn."""

    def __init__(self, name, dropout=True):
        self.layers = models.layers(name, dropout)

    def split(self, weights):
        """(the arrays that learn, the moving means and variances)"""
        moving = list(self._moving(self.layers))
        pairs = list(zip(weights, moving, strict=True))
        return [jnp.array(a) for a, m in pairs if not m], [jnp.array(a) for a, m in pairs if m]

    def _moving(self, network):
        """For each array of the weights: is it a moving mean or variance?"""
        for layer in network:
            match layer:
                case models.Residual(body, shortcut):
                    yield from self._moving([*body, *shortcut])
                case models.Concatenate(body):
                    yield from self._moving(body)
                case models.Norm():
                    yield from (False, False, True, True)
                case models.Dense():
                    yield from (False, False)
                case models.Conv():
                    yield from (False, False) if layer.bias else (False,)
                case models.Depthwise():
                    yield False

    def apply(self, weights, moving, x, key=None):
        """(outputs, new moving means and variances). With a key for dropout this is training, else inference."""
        weights, moving, moved = iter(weights), iter(moving), []

        def through(x, network):
            nonlocal key
            for layer in network:
                match layer:
                    case models.Residual(body, shortcut):
                        x = through(x, body) + through(x, shortcut)
                    case models.Concatenate(body):
                        x = jnp.concatenate((x, through(x, body)), -1)
                    case models.Conv(_, _, padding, strides, activation, bias):
                        x = convolution(x, next(weights), strides, padding)
                        x = ACTIVATIONS[activation](x + next(weights) if bias else x)
                    case models.Depthwise(_, strides):
                        kernel, C = next(weights), x.shape[-1]
                        x = convolution(x, kernel.reshape(*kernel.shape[:2], 1, C), strides, "same", groups=C)
                    case models.Dense(_, activation):
                        x = ACTIVATIONS[activation](x @ next(weights) + next(weights))
                    case models.Pool(size, strides, kind):
                        x = pooled(x, size, strides, kind)
                    case models.GlobalPool():
                        x = x.mean((1, 2))
                    case models.Norm():
                        gamma, beta, mean, variance = (next(a) for a in (weights, weights, moving, moving))
                        if key is not None:
                            now = x.mean((0, 1, 2)), x.var((0, 1, 2))
                            old, (mean, variance) = (mean, variance), now
                            moved.extend(MOMENTUM * a + (1 - MOMENTUM) * b for a, b in zip(old, now, strict=True))
                        scale = gamma * lax.rsqrt(variance + EPSILON)
                        x = x * scale + (beta - mean * scale)
                    case models.Activation(activation):
                        x = ACTIVATIONS[activation](x)
                    case models.Flatten():
                        x = x.reshape(len(x), -1)
                    case models.Dropout(rate) if key is not None:
                        key, used = jax.random.split(key)
                        x = jnp.where(jax.random.bernoulli(used, 1 - rate, x.shape), x / (1 - rate), 0)
            return x

        return through(x, self.layers), moved


def convolution(x, kernel, strides, padding, groups=1):
    return lax.conv_general_dilated(
        x, kernel, (strides, strides), padding.upper(), dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )  # fmt: skip


def pooled(x, size, strides, kind):
    window, steps = (1, size, size, 1), (1, strides, strides, 1)
    if kind == "max":
        return lax.reduce_window(x, -jnp.inf, lax.max, window, steps, "VALID")
    return lax.reduce_window(x, 0.0, lax.add, window, steps, "VALID") / size**2


class Jax(Contestant):
    def __init__(self, library, name):
        super().__init__(library, name)
        self.images, self.targets = jnp.array(self.x), jnp.array(self.y)
        network = Network(name)
        self.infer = jax.jit(lambda weights, moving, x: network.apply(weights, moving, x)[0])
        self.step, self.optimizer = self._made(network, RATE)

    def _made(self, network, rate):
        """(a compiled training step, its optimizer)"""
        optimizer = optax.adam(rate, eps=1e-7)

        def loss(weights, moving, x, y, key):
            outputs, moving = network.apply(weights, moving, x, key)
            if self.work.loss != "cross-entropy":
                return jnp.mean((outputs - y) ** 2), (moving, 0)
            value = optax.softmax_cross_entropy_with_integer_labels(outputs, y).mean()
            return value, (moving, (outputs.argmax(1) == y).sum())

        def step(state, images, targets, rows):
            weights, moving, memory, key, total, right = state
            key, used = jax.random.split(key)
            (value, (moving, correct)), gradients = jax.value_and_grad(loss, has_aux=True)(
                weights, moving, images[rows], targets[rows], used
            )
            updates, memory = optimizer.update(gradients, memory)
            return optax.apply_updates(weights, updates), moving, memory, key, total + value, right + correct

        return jax.jit(step, donate_argnums=0), optimizer

    def use(self, weights):
        self.state = self._state(Network(self.name), self.optimizer, weights)

    def _state(self, network, optimizer, weights):
        """Weights, moving means and variances, Adam's memory, the key of dropout, the sum of losses, the right ones."""
        weights, moving = network.split(weights)
        return weights, moving, optimizer.init(weights), jax.random.key(0), jnp.zeros(()), jnp.zeros((), int)

    def check(self):
        network = Network(self.name, dropout=False)
        step, optimizer = self._made(network, 1e-3)
        state, rows, totals = self._state(network, optimizer, self.weights), np.arange(self.work.batch), [0.0]
        logits = self.infer(*state[:2], self.images[rows]).tolist()
        for _ in range(CHECKED_STEPS):
            state = step(state, self.images, self.targets, rows)
            totals.append(float(state[4]))
        return {"logits": logits, "losses": np.diff(totals).tolist()}

    def train(self):
        batch = self.work.batch
        started = time.perf_counter()
        order = np.random.permutation(len(self.x))
        for start in range(0, len(order), batch):
            self.state = self.step(self.state, self.images, self.targets, order[start : start + batch])
        jax.block_until_ready(self.state)
        return (time.perf_counter() - started) / self.work.batches * 1e3

    def outputs(self, x):
        return np.asarray(self.infer(*self.state[:2], x))

    def caller(self):
        image = self.images[:1]
        return lambda: self.outputs(image)
