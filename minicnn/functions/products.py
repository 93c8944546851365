"""Products of vectors and matrices."""

from __future__ import annotations

import builtins
import string

import numpy as np

from ..layers.operations import Matmul
from .apply import computed, draws, parts_of, symbols_of
from .elementwise import absolute, rsqrt, square
from .operators import OPERATORS, divide, maximum, multiply, power
from .places import expand_dims, reshape, squeeze, transpose
from .reductions import sum

__all__ = ["dot", "einsum", "inner", "matmul", "normalize", "outer", "tensordot", "vdot"]


def matmul(x1, x2):
    """The product of matrices, in the last two axes; of a vector and a matrix as in NumPy."""
    if not draws(x1, x2):
        return computed(np.matmul, x1, x2)
    a, b = parts_of(x1, x2)
    if builtins.len(a.shape) == 1:
        return squeeze(matmul(expand_dims(a, 0), b), -2)
    if builtins.len(b.shape) == 1:
        return squeeze(matmul(a, expand_dims(b, -1)), -1)
    a, b = symbols_of(a, b)
    return Matmul(dtype=a.dtype)([a, b])


def dot(x1, x2):
    """The product of vectors, of matrices, or of a number and an array, as in NumPy."""
    if not draws(x1, x2):
        return computed(np.dot, x1, x2)
    a, b = parts_of(x1, x2)
    if not a.shape or not b.shape:
        return multiply(a, b)
    if builtins.len(b.shape) > 2:
        raise NotImplementedError(f"minicnn has ops.dot for a second input of at most two axes; received {b.shape}.")
    return matmul(a, b)


def outer(x1, x2):
    """All products of a number of x1 and a number of x2."""
    if not draws(x1, x2):
        return computed(np.outer, x1, x2)
    a, b = parts_of(x1, x2)
    return multiply(reshape(a, [-1, 1]), reshape(b, [1, -1]))


def vdot(x1, x2):
    """The sum of the products of all numbers, one with one."""
    return sum(multiply(x1, x2)) if draws(x1, x2) else computed(np.vdot, x1, x2)


def inner(x1, x2):
    """The sum of products along the last axis of both."""
    if not draws(x1, x2):
        return computed(np.inner, x1, x2)
    a, b = parts_of(x1, x2)
    return sum(multiply(a, b)) if builtins.len(b.shape) == 1 == builtins.len(a.shape) else matmul(a, transpose(b))


def tensordot(x1, x2, axes=2):
    """The sums of products along pairs of axes."""
    if not draws(x1, x2):
        return computed(np.tensordot, x1, x2, axes)
    a, b = parts_of(x1, x2)
    rank_a, rank_b = builtins.len(a.shape), builtins.len(b.shape)
    if isinstance(axes, int):
        axes = [list(range(rank_a - axes, rank_a)), list(range(axes))]
    of_a, of_b = ([axes_of] if isinstance(axes_of, int) else list(axes_of) for axes_of in axes)
    letters = "abcdefghijklmnopqrstuvwxyz"
    first, second = list(letters[:rank_a]), list(letters[rank_a : rank_a + rank_b])
    for i, j in zip(of_a, of_b, strict=True):
        second[j] = first[i]
    kept = [c for c in first if c not in second] + [c for c in second if c not in first]
    return einsum(f"{''.join(first)},{''.join(second)}->{''.join(kept)}", a, b)


def einsum(subscripts, *operands):
    """Sums of products by letters, such as "bij,bjk->bik"; of symbols, two at most, each letter once in an input."""
    if not draws(*operands):
        return computed(lambda *arrays: np.einsum(subscripts, *arrays), *operands)
    symbols = parts_of(*operands)
    subscripts = _without_dots(subscripts.replace(" ", ""), [builtins.len(symbol.shape) for symbol in symbols])
    inputs, _, output = subscripts.partition("->")
    parts = inputs.split(",")
    if "->" not in subscripts:
        output = "".join(sorted(c for c in inputs if c != "," and inputs.count(c) == 1))
    if (
        "." in subscripts
        or builtins.len(parts) > 2
        or builtins.any(builtins.len(set(p)) != builtins.len(p) for p in parts)
    ):
        raise NotImplementedError(
            f"minicnn has ops.einsum of one or two symbols with each letter once; received {subscripts!r}."
        )
    if builtins.len(parts) == 1:
        return _ordered(symbols[0], parts[0], output)
    (a, b), (first, second) = symbols, parts
    a, first = _without(a, first, second + output)
    b, second = _without(b, second, first + output)
    together = [c for c in first if c in second and c in output]
    summed = [c for c in first if c in second and c not in output]
    rows, columns = [c for c in first if c not in second], [c for c in second if c not in first]
    sizes = {**dict(zip(first, a.shape, strict=True)), **dict(zip(second, b.shape, strict=True))}
    a = _grouped(_ordered(a, first, [*together, *rows, *summed]), sizes, together, rows, summed)
    b = _grouped(_ordered(b, second, [*together, *summed, *columns]), sizes, together, summed, columns)
    y = matmul(a, b)
    y = reshape(y, _sizes(sizes, [*together, *rows, *columns]))
    return _ordered(y, "".join([*together, *rows, *columns]), output)


def _without_dots(subscripts, ranks):
    """The same with letters for "...": the axes that the other letters leave, those at the end first."""
    if "..." not in subscripts:
        return subscripts
    inputs, arrow, output = subscripts.partition("->")
    parts = inputs.split(",")
    left = [rank - builtins.len(part.replace("...", "")) for part, rank in zip(parts, ranks, strict=True)]
    free = [c for c in string.ascii_letters if c not in subscripts][: builtins.max(left)]
    made = [part.replace("...", "".join(free[builtins.len(free) - n :])) for part, n in zip(parts, left, strict=True)]
    if not arrow:
        letters = inputs.replace("...", "").replace(",", "")
        output = "..." + "".join(sorted(c for c in letters if letters.count(c) == 1))
    return f"{','.join(made)}->{output.replace('...', ''.join(free))}"


def _without(x, letters, needed):
    """x summed over the letters that nothing else needs."""
    alone = [i for i, c in enumerate(letters) if c not in needed]
    return (sum(x, alone), "".join(c for c in letters if c in needed)) if alone else (x, letters)


def _ordered(x, letters, wanted):
    """x with its axes in the order of `wanted`; letters that are not wanted are summed."""
    x, letters = _without(x, letters, wanted)
    axes = [letters.index(c) for c in wanted]
    return x if axes == sorted(axes) else transpose(x, axes)


def _sizes(sizes, letters):
    known = [sizes[c] for c in letters]
    return [-1 if size is None else size for size in known]


def _grouped(x, sizes, *groups):
    """x with one axis for each group of letters, and no axis for an empty first group."""
    together, *others = groups
    return reshape(x, [*_sizes(sizes, together), *(_product(sizes, letters) for letters in others)])


def _product(sizes, letters):
    known = [sizes[c] for c in letters]
    return -1 if None in known else int(np.prod(known, dtype=np.int64))


def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by the length of its vectors along an axis."""
    if order != 2:
        least = 1e-12 if epsilon is None else epsilon
        return divide(x, maximum(power(sum(power(absolute(x), order), axis, True), 1.0 / order), least))
    length = rsqrt(maximum(sum(square(x), axis, True), 1e-12 if epsilon is None else epsilon**2))
    return multiply(x, length)


OPERATORS["matmul"] = matmul
