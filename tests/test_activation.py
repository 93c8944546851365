"""The cases of ops/activation: every function, also far from zero and with NaN."""

from __future__ import annotations

import numpy as np
from cases import both_tests, case
from helpers import normal, with_nan

from minicnn.ops import activation


def _activation(name, parameter, x):
    x = x.astype(np.float32)

    def run(op, dtype):
        y, saved = getattr(op, f"{name}_forward")(x.astype(dtype), parameter)
        return {"y": y, "dx": getattr(op, f"{name}_backward")(normal(*x.shape, seed=2, dtype=dtype), saved)}

    return run


_EXTREMES = np.array([[-800.0, -90.0, -20.0, -1e-9], [0.0, 1e-9, 20.0, 90.0], [800.0, -0.0, 0.3, -0.3]])
_PARAMETERS = {"leaky_relu": 0.2, "elu": 1.5, "clipped_relu": 0.7}
for name in activation.NAMES:
    extremes = np.minimum(_EXTREMES, 80) if name == "exponential" else _EXTREMES  # exp(90) is too large for float32
    for what, x in (("ordinary", 3 * normal(3, 4, 5)), ("extremes", extremes), ("NaN", with_nan(3, 5))):
        case("activation", f"{name}, {what}")(_activation(name, _PARAMETERS.get(name, 0.0), x))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
