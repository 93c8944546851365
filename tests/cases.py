"""Every variant of every operation computes its definition: forward and all gradients.

The definition is loops.py, or vectorized.py if there is no loops.py, in float64. In float64 fast variants must agree
with the definition to 1e-9. In float32 their error may be at most four times the error of vectorized.py in float32.

The files test_conv2d.py, test_pooling.py, ... (helpers.OPERATION_FILES) make the cases with `case`, and their two tests
with `both_tests`.
"""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np
import pytest
from helpers import OPERATION_FILES, VIRTUAL, AskedTwice, OnGPU, assert_close, drawing, package

from minicnn.backend import backends

CASES = {}  # {"operation-name": (operation, run)} of the files imported so far
GPU = "cuda" in backends()
VARIANTS = ("vectorized", *([] if VIRTUAL else ["tiled", "cpu"]), *(["gpu"] if GPU else []))


def case(operation, name):
    """Decorator: run(variant, dtype) -> {what: array} is one case of an operation."""

    def decorate(run):
        CASES[f"{operation}-{name}"] = (operation, run)
        return run

    return decorate


def all_cases() -> dict:
    """Import every file of OPERATION_FILES, and return CASES."""
    for file in OPERATION_FILES:
        importlib.import_module(file.removesuffix(".py"))
    return CASES


def both_tests(file):
    """The two tests of a file's cases, in float64 and in float32. The file calls this at its end, with `__name__`."""
    names = [name for name, (_, run) in CASES.items() if run.__module__ == file]

    @pytest.mark.parametrize("name", names)
    def in_float64(name):
        is_the_definition(*CASES[name])

    @pytest.mark.parametrize("name", names)
    def in_float32(name):
        is_as_near_the_definition_as_numpy(*CASES[name])

    return in_float64, in_float32


def module(operation, name):
    """A variant of an operation, or None. gpu.py is wrapped so that it takes and returns NumPy arrays."""
    full = f"{package(operation)}.{name}"
    found = importlib.import_module(full) if importlib.util.find_spec(full) else None
    return OnGPU(found) if name == "gpu" else found


def variants_of(operation):
    """The names in VARIANTS that the operation has. Every operation must have vectorized.py, cpu.py and gpu.py."""
    return [name for name in VARIANTS if name != "tiled" or module(operation, "tiled")]


def copied(result):
    return {what: np.array(value) for what, value in result.items() if value is not None}


def is_the_definition(operation, run):
    loops = module(operation, "loops")
    definition = copied(run(AskedTwice(loops or module(operation, "vectorized")), np.float64))
    for variant in variants_of(operation):
        found = copied(run(AskedTwice(module(operation, variant)), np.float64))
        assert found.keys() == definition.keys(), f"{variant}.py gives {list(found)}, not {list(definition)}"
        for what, value in found.items():
            assert_close(value, definition[what], 1e-9, f"{variant}.py, {what}")


# small arrays have few rounding errors: take the largest error of several draws, and of more draws for tiny arrays, or
# if five draws are too few to tell: which error is the largest is chance, and depends on the machine's vectors
DRAWS, FEW, DRAWS_OF_FEW = 5, 10, 25
DRAWS_OF_SLOW = {"loops": 1, **({"gpu": 2} if VIRTUAL else {})}  # variants that take part in the first draws only


def is_as_near_the_definition_as_numpy(operation, run):
    """Loops are slow, so the definition is vectorized.py in float64: the other test says that it equals loops.py."""
    names = [*variants_of(operation), *(["loops"] if module(operation, "loops") and not VIRTUAL else [])]
    errors, definition = {}, {}
    for draw in range(DRAWS_OF_FEW):
        if draw >= DRAWS and max(value.size for value in definition.values()) > FEW and not _too_large(errors):
            break
        with drawing(draw):
            definition = copied(run(module(operation, "vectorized"), np.float64))
            for variant in (name for name in names if draw < DRAWS_OF_SLOW.get(name, DRAWS_OF_FEW)):
                for what, value in copied(run(module(operation, variant), np.float32)).items():
                    exact = definition[what]
                    np.testing.assert_array_equal(np.isnan(value), np.isnan(exact))
                    # the error of the exact result rounded to float32
                    rounding = distance(np.asarray(exact, np.float32), exact)
                    _keep_largest(errors, ("rounding", what), rounding)
                    _keep_largest(errors, (variant, what), distance(value, exact))
    for variant, what, found, allowed in _too_large(errors):
        raise AssertionError(f"{variant}.py, {what}: {found:.2e} is more than {allowed:.2e}")


def _too_large(errors):
    """[(variant, what, its error, the largest that is allowed)] of those that are not near enough."""
    allowed = {what: 4 * max(errors["vectorized", what], errors["rounding", what]) for _, what in errors}
    return [(variant, what, e, allowed[what]) for (variant, what), e in errors.items() if not e <= allowed[what]]


def _keep_largest(errors, key, value):
    errors[key] = max(errors.get(key, 0.0), value)


def distance(a, b):
    difference = np.abs(np.nan_to_num(np.asarray(a, np.float64)) - np.nan_to_num(np.asarray(b, np.float64)))
    return float(difference.max()) if difference.size else 0.0
