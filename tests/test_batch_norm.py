"""The cases of ops/batch_norm."""

from __future__ import annotations

import numpy as np
import pytest
from cases import both_tests, case, copied, module
from helpers import assert_close, normal, probabilities


def _batch_norm(shape, gamma, beta, training, mean=0.0, relu=False):
    C = shape[-1]

    def run(op, dtype):
        x = (normal(*shape, seed=1, dtype=np.float32) + np.float32(mean)).astype(dtype)
        moving_mean, moving_variance = normal(C, seed=4, dtype=dtype), probabilities(C, seed=5, dtype=dtype)
        y, saved = op.forward(
            x,
            normal(C, seed=2, dtype=dtype) if gamma else None,
            normal(C, seed=3, dtype=dtype) if beta else None,
            moving_mean, moving_variance, 0.9, 1e-3, training, relu,
        )  # fmt: skip
        dx, dgamma, dbeta = op.backward(normal(*shape, seed=6, dtype=dtype), saved)
        return {
            "y": y, "dx": dx, "dgamma": dgamma, "dbeta": dbeta,
            "moving_mean": moving_mean, "moving_variance": moving_variance,
        }  # fmt: skip

    return run


for name, shape in {"images": (3, 4, 5, 6), "rows": (7, 3), "one channel": (2, 3, 2, 1), "one row": (1, 4)}.items():
    for training in (True, False):
        mode = "training" if training else "inference"
        case("batch_norm", f"{name}, {mode}")(_batch_norm(shape, True, True, training))
        case("batch_norm", f"{name}, {mode}, relu")(_batch_norm(shape, True, True, training, relu=True))
case("batch_norm", "relu, neither")(_batch_norm((3, 2, 2, 4), False, False, True, relu=True))
case("batch_norm", "no gamma")(_batch_norm((3, 2, 2, 4), False, True, True))
case("batch_norm", "no beta")(_batch_norm((3, 2, 2, 4), True, False, True))
case("batch_norm", "neither")(_batch_norm((3, 2, 2, 4), False, False, True))
case("batch_norm", "mean 1e4")(_batch_norm((16, 5, 5, 3), True, True, True, mean=1e4))


def _fold(w_shape, b, gamma, beta):
    F = w_shape[-1]

    def run(op, dtype):
        w, b_, g, beta_, mean = (normal(*shape, seed=i, dtype=dtype) for i, shape in enumerate([w_shape, *[(F,)] * 4]))
        variance = probabilities(F, seed=5, dtype=dtype)
        given = b_ if b else None, g if gamma else None, beta_ if beta else None
        folded_w, folded_b = op.fold(w, *given, mean, variance, 1e-3)
        return {"w": folded_w, "b": folded_b}

    return run


case("batch_norm", "folded")(_fold((3, 2, 4, 5), True, True, True))
case("batch_norm", "folded, nothing but statistics")(_fold((7, 3), False, False, False))
case("batch_norm", "folded into a large kernel")(_fold((3, 3, 40, 50), False, True, True))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)


@pytest.mark.cpu
@pytest.mark.parametrize("relu", [False, True], ids=["", "relu"])
@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("shape", [(7, 31, 1500), (5, 9, 5000), (90, 30, 100), (60000, 3)], ids=str)
def test_blocks_of_rows_give_the_numbers_of_all_rows(shape, training, relu):
    """With many numbers, each of a channel's sums is of several blocks of rows."""
    results = {}
    for name in ("vectorized", "cpu"):
        results[name] = copied(
            _batch_norm(shape, True, True, training, 0.5, relu)(module("batch_norm", name), np.float64)
        )
    for what, expected in results["vectorized"].items():
        assert_close(results["cpu"][what], expected, 1e-11, what)
