"""The cases of ops/loss: every loss, row by row, of predictions or of logits."""

from __future__ import annotations

import numpy as np
from cases import both_tests, case
from helpers import labels, normal, probabilities

from minicnn.ops import loss


def _loss(name, predictions, target):
    def run(op, dtype):
        p = predictions()
        t = target if target.dtype.kind == "i" else target.astype(dtype)
        losses, saved = getattr(op, f"{name}_forward")(p.astype(dtype), t, 1e-7)
        return {"loss": losses, "dp": getattr(op, f"{name}_backward")(normal(len(p), seed=3, dtype=dtype), saved)}

    return run


def _some_zeros_and_ones(p):
    return np.clip(np.round(p * 4) / 4, 0, 1) + (np.arange(p.shape[1]) == 0) * 2.0**-10


for name in loss.NAMES:
    for M, K in ((6, 5), (1, 1), (3, 2)):
        t = labels(M, classes=K, seed=2) if name.startswith("sparse") else probabilities(M, K, seed=2)
        if name in ("softmax_cross_entropy", "sparse_softmax_cross_entropy", "sigmoid_cross_entropy"):
            case("loss", f"{name}, {M} x {K}")(_loss(name, lambda M=M, K=K: 4 * normal(M, K, seed=1), t))
            case("loss", f"{name}, {M} x {K}, raw pixels")(_loss(name, lambda M=M, K=K: 256 * normal(M, K, seed=1), t))
        elif name.startswith("mean") or name in ("huber", "log_cosh", "hinge", "squared_hinge"):
            case("loss", f"{name}, {M} x {K}")(_loss(name, lambda M=M, K=K: normal(M, K, seed=1), t))
            case("loss", f"{name}, {M} x {K}, some right")(_loss(name, lambda t=t: np.where(t < t.max(), t, 1.0), t))
        else:
            case("loss", f"{name}, {M} x {K}")(_loss(name, lambda M=M, K=K: probabilities(M, K, seed=1), t))
            case("loss", f"{name}, {M} x {K}, zeros and ones")(
                _loss(name, lambda M=M, K=K: _some_zeros_and_ones(probabilities(M, K, seed=1)), t)
            )


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
