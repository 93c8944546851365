"""Functions made of other functions, so that they take arrays and symbols and need no layer of their own."""

from __future__ import annotations

import builtins
import math

import numpy as np

from ..activation_functions import glu, hard_shrink, soft_shrink, sparse_plus, sparse_sigmoid, squareplus, threshold
from .apply import computed, draws, parts_of
from .elementwise import absolute, arctan, cos, erf, exp, expm1, log, log1p, rsqrt, sign, sin, sqrt, square
from .making import cast, shape
from .networks import one_hot, softmax
from .operators import (
    add,
    divide,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    maximum,
    minimum,
    mod,
    multiply,
    not_equal,
    subtract,
    where,
)
from .places import concatenate, expand_dims, flip, pad, reshape, split, transpose
from .products import einsum, matmul
from .reductions import max, mean, min, sum

__all__ = [
    "append", "arccos", "arccosh", "arcsin", "arcsinh", "arctan2", "arctanh", "array_split", "cbrt", "cond",
    "cosh", "cumsum", "deg2rad", "depth_to_space", "diff", "dot_product_attention", "dsplit", "dstack", "empty_like",
    "erfc", "exp2", "fabs", "fliplr", "flipud", "fmax", "fmin", "fmod", "fori_loop", "get_item",
    "glu", "hard_shrink", "heaviside", "hsplit", "hstack", "hypot", "isclose", "kron", "logaddexp", "logaddexp2",
    "multi_hot", "psnr", "ptp", "rad2deg", "rms_normalization", "saturate_cast", "sinc", "sinh", "slice",
    "slice_update", "soft_shrink", "space_to_depth", "sparse_plus", "sparse_sigmoid", "squareplus", "take_along_axis",
    "tan", "threshold", "trace", "vsplit", "vstack",
]  # fmt: skip


# Functions of one number


def tan(x):
    """The tangent."""
    return divide(sin(x), cos(x))


def arcsin(x):
    """The angle whose sine is x."""
    return arctan2(x, sqrt(multiply(subtract(1.0, x), add(1.0, x))))


def arccos(x):
    """The angle whose cosine is x."""
    return arctan2(sqrt(multiply(subtract(1.0, x), add(1.0, x))), x)


def sinh(x):
    """(exp(x) - exp(-x)) / 2."""
    grown = expm1(absolute(x))
    return multiply(sign(x), multiply(0.5, add(grown, divide(grown, add(grown, 1.0)))))


def cosh(x):
    """(exp(x) + exp(-x)) / 2."""
    grown = exp(absolute(x))
    return multiply(0.5, add(grown, divide(1.0, grown)))


def arcsinh(x):
    """The number whose sinh is x."""
    size = absolute(x)
    squared = square(x)
    return multiply(sign(x), log1p(add(size, divide(squared, add(1.0, sqrt(add(squared, 1.0)))))))


def arccosh(x):
    """The number, zero or more, whose cosh is x."""
    return log(add(x, multiply(sqrt(subtract(x, 1.0)), sqrt(add(x, 1.0)))))


def arctanh(x):
    """The number whose tanh is x."""
    return multiply(0.5, subtract(log1p(x), log1p(multiply(x, -1.0))))


def exp2(x):
    """2 to the power of x."""
    return exp(multiply(x, math.log(2)))


def cbrt(x):
    """The cube root."""
    size = absolute(x)
    nothing = equal(size, 0.0)
    return multiply(sign(x), where(nothing, 0.0, exp(divide(log(where(nothing, 1.0, size)), 3.0))))


def erfc(x):
    """1 - erf(x)."""
    return subtract(1.0, erf(x))


def sinc(x):
    """sin(pi x) / (pi x), and 1 where x is 0."""
    nothing = equal(x, 0.0)
    angle = multiply(math.pi, where(nothing, 1.0, x))
    return where(nothing, 1.0, divide(sin(angle), angle))


def deg2rad(x):
    """Degrees as radians."""
    return multiply(x, math.pi / 180)


def rad2deg(x):
    """Radians as degrees."""
    return multiply(x, 180 / math.pi)


fabs = absolute


def saturate_cast(x, dtype):
    """x in another type; numbers beyond the type's limits become its limits."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        x = minimum(maximum(x, float(limits.min)), float(limits.max))
    return cast(x, dtype)


# Functions of two numbers


def arctan2(x1, x2):
    """The angle of the point (x2, x1), from -pi to pi."""
    if not draws(x1, x2):
        return computed(np.arctan2, x1, x2)
    steep = greater(absolute(x1), absolute(x2))
    above, below = where(steep, x2, x1), where(steep, x1, x2)
    angle = arctan(divide(above, where(equal(below, 0.0), 1.0, below)))
    turned = subtract(where(greater_equal(x1, 0.0), math.pi / 2, -math.pi / 2), angle)
    flat = add(angle, where(less(x2, 0.0), where(greater_equal(x1, 0.0), math.pi, -math.pi), 0.0))
    return where(steep, turned, flat)


def hypot(x1, x2):
    """The length of the vector (x1, x2)."""
    return sqrt(add(square(x1), square(x2)))


def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), without overflow."""
    return add(maximum(x1, x2), log1p(exp(multiply(absolute(subtract(x1, x2)), -1.0))))


def logaddexp2(x1, x2):
    """The logarithm to base 2 of 2^x1 + 2^x2."""
    return divide(logaddexp(multiply(x1, math.log(2)), multiply(x2, math.log(2))), math.log(2))


def fmax(x1, x2):
    """The larger one; the other one where one is NaN."""
    return where(not_equal(x1, x1), x2, where(not_equal(x2, x2), x1, maximum(x1, x2)))


def fmin(x1, x2):
    """The smaller one; the other one where one is NaN."""
    return where(not_equal(x1, x1), x2, where(not_equal(x2, x2), x1, minimum(x1, x2)))


def fmod(x1, x2):
    """What is left of x1 after a division by x2; it has x1's sign."""
    rest = mod(absolute(x1), absolute(x2))
    return multiply(sign(x1), rest)


def heaviside(x1, x2):
    """0 where x1 is negative, x2 where it is 0, 1 where it is positive."""
    return where(less(x1, 0.0), 0.0, where(equal(x1, 0.0), x2, 1.0))


def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |x1 - x2| is at most atol + rtol |x2|."""
    if not draws(x1, x2):
        return computed(lambda a, b: np.isclose(a, b, rtol, atol, equal_nan), x1, x2)
    return less_equal(absolute(subtract(x1, x2)), add(atol, multiply(rtol, absolute(x2))))


# Numbers in other places


def fliplr(x):
    """x with its second axis reversed."""
    return flip(x, 1)


def flipud(x):
    """x with its first axis reversed."""
    return flip(x, 0)


def _with_axes(x, count):
    while builtins.len(x.shape) < count:
        x = expand_dims(x, 0 if builtins.len(x.shape) < 2 else -1)
    return x


def hstack(xs):
    """Arrays side by side along the second axis, or the first if they have one."""
    xs = parts_of(*xs)
    return concatenate(xs, 0 if builtins.len(xs[0].shape) == 1 else 1)


def vstack(xs):
    """Arrays one below the other; vectors become rows."""
    return concatenate([_with_axes(x, 2) for x in parts_of(*xs)], 0)


def dstack(xs):
    """Arrays one behind the other, along the third axis."""
    return concatenate([_with_axes(x, 3) for x in parts_of(*xs)], 2)


def append(x1, x2, axis=None):
    """x2 after x1 along an axis; both in one row without one."""
    if axis is None:
        return concatenate([reshape(x, [-1]) for x in parts_of(x1, x2)], 0)
    return concatenate([x1, x2], axis)


def array_split(x, indices_or_sections, axis=0):
    """Parts along an axis, whose sizes differ by at most one."""
    if isinstance(indices_or_sections, int):
        size, count = x.shape[axis], indices_or_sections
        small, larger = divmod(size, count)
        indices_or_sections = np.cumsum([small + 1] * larger + [small] * (count - larger))[:-1].tolist()
    return split(x, indices_or_sections, axis)


def hsplit(x, indices_or_sections):
    """Parts along the second axis, or the first if there is one."""
    return split(x, indices_or_sections, 0 if builtins.len(x.shape) == 1 else 1)


def vsplit(x, indices_or_sections):
    """Parts along the first axis."""
    return split(x, indices_or_sections, 0)


def dsplit(x, indices_or_sections):
    """Parts along the third axis."""
    return split(x, indices_or_sections, 2)


def get_item(x, key):
    """x[key]."""
    return x[key]


def slice(inputs, start_indices, shape):
    """The part of this shape that begins at these places."""
    return inputs[tuple(builtins.slice(int(a), int(a) + int(n)) for a, n in zip(start_indices, shape, strict=True))]


def slice_update(inputs, start_indices, updates):
    """inputs with `updates` in the place that begins at these indices."""
    sides = [
        (0, 0) if size is None else (int(start), size - int(start) - new)
        for start, size, new in zip(start_indices, shape(inputs), shape(updates), strict=True)
    ]
    if draws(inputs, updates):
        here = np.pad(np.ones([size or 1 for size in shape(updates)], bool), sides)
        return where(here, pad(updates, sides), inputs)

    def updated(inputs, updates):
        made = np.array(inputs)
        made[tuple(builtins.slice(a, size - b) for (a, b), size in zip(sides, made.shape, strict=True))] = updates
        return made

    return computed(updated, inputs, updates)


def diff(a, n=1, axis=-1):
    """The differences of neighbours along an axis, n times."""
    for _ in range(n):
        before = [builtins.slice(None)] * builtins.len(a.shape)
        after = list(before)
        before[axis], after[axis] = builtins.slice(None, -1), builtins.slice(1, None)
        a = subtract(a[tuple(after)], a[tuple(before)])
    return a


def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of the numbers on a diagonal."""
    if not draws(x):
        return computed(lambda x: np.trace(x, offset, axis1, axis2), x)
    rank = builtins.len(x.shape)
    rest = [i for i in range(rank) if i not in (axis1 % rank, axis2 % rank)]
    here = np.eye(x.shape[axis1], x.shape[axis2], offset)
    return sum(multiply(transpose(x, [*rest, axis1 % rank, axis2 % rank]), here), (-2, -1))


def cumsum(x, axis=None, dtype=None):
    """The sums of all numbers up to each one, along an axis."""
    if not draws(x):
        return computed(lambda x: np.cumsum(x, axis, dtype), x)
    if axis is None:
        x, axis = reshape(x, [-1]), 0
    last = builtins.len(x.shape) - 1
    axes = list(range(last + 1))
    axes[axis], axes[last] = axes[last], axes[axis]
    return transpose(matmul(transpose(x, axes), np.triu(np.ones((x.shape[axis],) * 2))), axes)


def take_along_axis(x, indices, axis=None):
    """For each place the number of x at the index in it, along an axis."""
    if not draws(x, indices):
        return computed(lambda x, i: np.take_along_axis(x, i.astype(np.int64), axis), x, indices)
    if axis is None:
        x, indices, axis = reshape(x, [-1]), reshape(indices, [-1]), 0
    axis %= builtins.len(x.shape)
    chosen = one_hot(indices, x.shape[axis])  # one more axis, whose 1 is at the index
    order = [i for i in range(builtins.len(x.shape)) if i != axis] + [axis]
    return sum(multiply(chosen, expand_dims(transpose(x, order), axis)), -1)


def kron(x1, x2):
    """x1 with every number replaced by that number times x2."""
    if not draws(x1, x2):
        return computed(np.kron, x1, x2)
    a, b = parts_of(x1, x2)
    rank = builtins.max(builtins.len(a.shape), builtins.len(b.shape))
    sizes_a, sizes_b = ([1] * (rank - builtins.len(p.shape)) + list(p.shape) for p in (a, b))
    apart = [[size for s in sizes for size in pairs(s)] for sizes, pairs in
             ((sizes_a, lambda s: (s, 1)), (sizes_b, lambda s: (1, s)))]  # fmt: skip
    product = multiply(reshape(a, apart[0]), reshape(b, apart[1]))
    return reshape(product, [m * n for m, n in zip(sizes_a, sizes_b, strict=True)])


def ptp(x, axis=None, keepdims=False):
    """The distance from the smallest to the largest number."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def empty_like(x, dtype=None):
    """Zeros in x's shape."""
    return multiply(x, 0.0) if draws(x) else computed(lambda x: np.zeros_like(x, dtype), x)


# For images and networks


def depth_to_space(x, block_size, data_format="channels_last"):
    """(N, H, W, B B C) to (N, H B, W B, C): the channels of a pixel become a block of pixels."""
    _, H, W, C = x.shape
    B = block_size
    x = reshape(x, [-1, H, W, B, B, C // (B * B)])
    return reshape(transpose(x, [0, 1, 3, 2, 4, 5]), [-1, H * B, W * B, C // (B * B)])


def space_to_depth(x, block_size, data_format="channels_last"):
    """The inverse of `depth_to_space`."""
    _, H, W, C = x.shape
    B = block_size
    x = reshape(x, [-1, H // B, B, W // B, B, C])
    return reshape(transpose(x, [0, 1, 3, 2, 4, 5]), [-1, H // B, W // B, B * B * C])


def psnr(x1, x2, max_val):
    """The peak signal-to-noise ratio in decibels: 20 log10(max_val) - 10 log10(the mean squared error)."""
    return 20 * math.log10(max_val) - multiply(10 / math.log(10), log(mean(square(subtract(x1, x2)))))


def rms_normalization(x, scale=1, axis=-1, epsilon=None):
    """x divided by the root of its mean square along axes, times `scale`."""
    epsilon = 1e-6 if epsilon is None else epsilon
    return multiply(multiply(x, rsqrt(add(mean(square(x), axis, True), epsilon))), 1.0 if scale is None else scale)


def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None,
                          attn_logits_soft_cap=None):  # fmt: skip
    """softmax(query key^T scale + bias) value, for query (N, T, heads, size), key and value (N, S, heads, size).

    Source: Vaswani et al., "Attention is all you need", 2017.
    """
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = multiply(einsum("btnh,bsnh->bnts", query, key), scale)
    if attn_logits_soft_cap is not None:
        from_cap = divide(scores, attn_logits_soft_cap)
        scores = multiply(subtract(divide(2.0, add(1.0, exp(multiply(from_cap, -2.0)))), 1.0), attn_logits_soft_cap)
    if bias is not None:
        scores = add(scores, bias)
    if is_causal:
        mask_here = np.tril(np.ones((query.shape[1], key.shape[1]), bool))
        mask = mask_here if mask is None else logical_and(mask, mask_here)
    if mask is not None:
        scores = where(mask, scores, -1e9)
    return einsum("bnts,bsnh->btnh", softmax(scores, -1), value)


def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False, **kwargs):
    """A row of zeros, with a 1 at each of several indices."""
    count = kwargs.get("num_tokens", num_classes)
    return max(one_hot(inputs, count, axis=axis, dtype=dtype), builtins.min(1, len(inputs.shape) - 1))


def cond(pred, true_fn, false_fn):
    """true_fn() if pred holds, else false_fn(). For a symbol both are computed, and `pred` chooses numbers."""
    if not draws(pred):
        return true_fn() if pred else false_fn()
    return where(pred, true_fn(), false_fn())


def fori_loop(lower, upper, body_fun, init_val):
    """body_fun(i, value) for i from lower to below upper, each given the value that the last one returned."""
    for i in range(int(lower), int(upper)):
        init_val = body_fun(i, init_val)
    return init_val
