"""The cases of ops/optimizer_update and ops/constraint, which change the weights in every step."""

from __future__ import annotations

import math

import numpy as np
from cases import both_tests, case
from helpers import normal


def _optimizer(name, steps=3, shape=(4, 5), **options):
    def run(op, dtype):
        w, memories = normal(*shape, dtype=dtype), {}
        for t in range(1, steps + 1):
            g = normal(*shape, seed=t, dtype=dtype)

            def memory(label, wanted=True):
                return memories.setdefault(label, np.zeros_like(w)) if wanted else None

            if name == "sgd":
                op.sgd(w, g, 0.1)
            elif name == "momentum":
                op.momentum(w, g, memory("v"), 0.1, 0.9, options["nesterov"])
            elif name == "rmsprop":
                a, v = memory("a", options["centered"]), memory("v", options["momentum"] > 0)
                op.rmsprop(w, g, memory("s"), a, v, 0.01, 0.9, options["momentum"], 1e-7)
            elif name == "adam":
                v_hat = memory("v_hat", options["amsgrad"])
                rate = 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
                op.adam(w, g, memory("m"), memory("v"), v_hat, rate, 0.9, 0.999, 1e-7)
            elif name == "adagrad":
                op.adagrad(w, g, memory("a"), 0.01, 1e-7)
            elif name == "adadelta":
                op.adadelta(w, g, memory("a"), memory("d"), 1.0, 0.95, 1e-7)
            elif name == "adamax":
                op.adamax(w, g, memory("m"), memory("u"), 0.01 / (1 - 0.9**t), 0.9, 0.999, 1e-7)
            elif name == "nadam":
                op.nadam(w, g, memory("m"), memory("v"), (0.02 / t, 0.01 * t, 1.5 + t), 0.9, 0.99, 1e-7)
            elif name == "lamb":
                numbers = 0.01, 1 / (1 - 0.9**t), 1 / (1 - 0.99**t)
                op.lamb(w, g, memory("m"), memory("v"), numbers, 0.9, 0.99, 1e-7)
            elif name == "lion":
                op.lion(w, g, memory("m"), 0.01, 0.9, 0.99)
            elif name == "ftrl":
                a = memories.setdefault("a", np.full_like(w, 0.1))
                op.ftrl(w, g, a, memory("z"), 0.1, *options["numbers"])
            elif name == "adafactor":
                r, c = (memories.setdefault(label, np.zeros(n, dtype)) for label, n in (("r", 4), ("c", 5)))
                op.adafactor(w, g, r, c, memory("v"), 0.1, 1 - t**-0.8, 1e-30, 1e-3, options["clip_threshold"])
            elif name == "adafactor of a vector":
                op.adafactor(w[0], g[0], None, None, memory("v")[0], 0.1, 1 - t**-0.8, 1e-30, 1e-3, 1.0)
            elif name == "muon":
                m, polynomial = memories.setdefault("m", np.zeros(w.shape, dtype)), (3.4, -4.8, 2.0)
                op.muon(w, g, m, 0.1, 0.9, options["nesterov"], polynomial, 3)
            elif name == "average":
                a = memories.setdefault("a", np.full_like(w, np.nan))  # forgotten by a share of 0
                op.average(g, a, 0.9 if t > 1 else 0.0)
            elif name == "decay":
                op.decay(w, 0.03)
        return {"w": w, **memories}

    return run


for name in ("sgd", "adagrad", "adadelta", "adamax", "nadam", "lamb", "lion", "average", "decay"):
    case("optimizer_update", name)(_optimizer(name))
case("optimizer_update", "adafactor of a vector")(_optimizer("adafactor of a vector"))
for limit in (0.5, 2.0):
    case("optimizer_update", f"adafactor, clip_threshold={limit}")(_optimizer("adafactor", clip_threshold=limit))
for nesterov in (False, True):
    for shape in ((4, 5), (5, 3), (3, 3)):
        case("optimizer_update", f"muon, {nesterov=}, {shape=}")(_optimizer("muon", shape=shape, nesterov=nesterov))
for numbers in ((-0.5, 0.0, 0.0, 0.0, 0.0), (-0.3, 0.4, 0.2, 0.1, 0.5), (0.0, 0.1, 0.0, 0.0, 0.0)):
    case("optimizer_update", f"ftrl {numbers}")(_optimizer("ftrl", numbers=numbers))


@case("optimizer_update", "lamb of zeros")
def _(op, dtype):
    """A norm of 0 leaves the step as it is."""
    w, m, v = (np.zeros((2, 3), dtype) for _ in range(3))
    op.lamb(w, normal(2, 3, dtype=dtype), m, v, (0.1, 10.0, 100.0), 0.9, 0.99, 1e-7)
    still, zeros = normal(2, 3, seed=2, dtype=dtype), [np.zeros((2, 3), dtype) for _ in range(3)]
    op.lamb(still, *zeros, (0.1, 10.0, 100.0), 0.9, 0.99, 1e-7)
    return {"w": w, "still": still}


for nesterov in (False, True):
    case("optimizer_update", f"momentum, nesterov={nesterov}")(_optimizer("momentum", nesterov=nesterov))
for centered in (False, True):
    for momentum in (0.0, 0.9):
        case("optimizer_update", f"rmsprop, centered={centered}, momentum={momentum}")(
            _optimizer("rmsprop", centered=centered, momentum=momentum)
        )
for amsgrad in (False, True):
    case("optimizer_update", f"adam, amsgrad={amsgrad}")(_optimizer("adam", amsgrad=amsgrad))


@case("optimizer_update", "clipping and penalties")
def _(op, dtype):
    g, w = normal(300, dtype=dtype), normal(300, seed=1, dtype=dtype)
    w[:3] = 0
    return {
        "clip_value": op.clip_value(g, 0.5), "inside": op.clip_norm([g], 100.0)[0],
        "shrunk": np.concatenate(op.clip_norm([g, w], 3.0)), "penalty": op.penalty(w, 0.1, 0.01),
        "add_penalty_gradient": op.add_penalty_gradient(g, w, 0.1, 0.01),
    }  # fmt: skip


@case("constraint", "all")
def _(op, dtype):
    ws = {name: 2 * normal(3, 2, 4, seed=1, dtype=dtype) for name in ("positive", "norm", "unit", "between")}
    op.non_negative(ws["positive"])
    op.limit_norm(ws["norm"], (0,), 0.0, 2.0)
    op.limit_norm(ws["unit"], (0, 1), 1.0, 1.0)
    op.limit_norm(ws["between"], (1,), 0.5, 1.5, 0.3)
    return ws


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
