"""The cases of the operations without gradients: runtime/gather, replay, transfer and weighted_sum."""

from __future__ import annotations

import numpy as np
from cases import both_tests, case
from helpers import normal


@case("weighted_sum", "with and without weights")
def _(op, dtype):
    x, weights = normal(300, dtype=dtype), normal(300, seed=1, dtype=dtype)
    return {"sum": op.forward(x), "weighted": op.forward(x, weights)}


@case("transfer", "there and back")
def _(op, dtype):
    x = normal(3, 4, dtype=dtype)
    counted = iter(range(7, 99))
    numbers = [np.ravel(op.number(lambda: next(counted), "float64")) for _ in range(2)]
    return {"x": op.to_host(op.to_device(x)), "filled": op.to_host(op.full_like(x, 0.25)), "numbers": np.ravel(numbers)}


@case("replay", "a function of two arrays, six times")
def _(op, dtype):
    steps, results = op.make(lambda x, y: [y, x], lambda: ([], [])), {}
    for i in range(6):
        y, x = steps(normal(3, 4, seed=i, dtype=dtype), normal(5, seed=i, dtype=dtype))
        results.update({f"x{i}": np.array(x), f"y{i}": np.array(y)})  # the next call may overwrite them
    return results


def _gather(x, index):
    return lambda op, dtype: {
        "y": op.forward(x, np.array(index), dtype), "slice": op.forward(x, slice(2, 5), dtype),
        "past the end": op.forward(x, slice(5, 9), dtype),
    }  # fmt: skip


_PIXELS = np.random.default_rng(0).integers(0, 256, (7, 3, 4))
for name, x in {
    "uint8": _PIXELS.astype(np.uint8),
    "int64": _PIXELS,
    "float64": _PIXELS / 7,
    "float32": (_PIXELS / 7).astype(np.float32),
    "float16": _PIXELS.astype(np.float16),
    "bool": _PIXELS > 100,
    "big-endian": (_PIXELS / 7).astype(">f4"),
    "Fortran order": np.asfortranarray(_PIXELS / 7),
    "every second row": np.repeat(_PIXELS, 2, axis=0)[::2],
    "backwards": (_PIXELS / 7)[::-1, :, ::-1],
}.items():
    case("gather", name)(_gather(x, [3, 0, 0, 6]))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
