"""Functions that many tests use: they compare arrays, and make reproducible random numbers."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import os
from contextlib import contextmanager

import numpy as np

# Whether this process uses the virtual GPU of virtual_gpu/; tests that need no GPU run in other processes. "virtual,
# small grids" gives every kernel few and small blocks.
VIRTUAL = os.environ.get("MINICNN_TEST_GPU", "").startswith("virtual")
SMALL_GRIDS = os.environ.get("MINICNN_TEST_GPU") == "virtual, small grids"


OPERATION_FILES = (  # the files with the operations' cases
    "test_conv2d.py", "test_conv2d_transpose.py", "test_pooling.py", "test_batch_norm.py", "test_dense.py",
    "test_activation.py", "test_loss.py",
    "test_metric.py", "test_optimizer_update.py", "test_noise.py", "test_merge.py", "test_image_operations.py",
    "test_numbers.py", "test_runtime.py",
)  # fmt: skip


def package(operation: str) -> str:
    """The module name of an operation: in ops, or in runtime if it has no gradient."""
    room = "ops" if importlib.util.find_spec(f"minicnn.ops.{operation}") else "runtime"
    return f"minicnn.{room}.{operation}"


def error(a, b) -> float:
    """max|a - b| / max(1, max|b|), or NaN if a number is NaN in only one array. Different shapes fail an assertion."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape, f"shapes differ: {a.shape} and {b.shape}"
    if a.size == 0:
        return 0.0
    if (np.isnan(a) != np.isnan(b)).any():
        return np.nan
    a, b = np.nan_to_num(a), np.nan_to_num(b)
    return float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))


def assert_close(a, b, tolerance, what="") -> None:
    """Check that a and b are equal within a tolerance: max|a - b| <= tolerance * max(1, max|b|)."""
    found = error(a, b)
    assert found <= tolerance, f"{what}: error {found:.2e} is more than {tolerance:g}"


_draw = 0  # the number of the draw that `drawing` has chosen


@contextmanager
def drawing(number: int):
    """Within this block `normal` and `probabilities` draw other numbers for the same seeds."""
    global _draw
    _draw = number
    try:
        yield
    finally:
        _draw = 0


def normal(*shape, seed=0, dtype=np.float64) -> np.ndarray:
    """Normal random numbers, the same for the same seed. float32 can hold them, so both types get equal numbers."""
    return np.random.default_rng([seed, _draw]).standard_normal(shape, np.float32).astype(dtype)


def probabilities(*shape, seed=0, dtype=np.float64) -> np.ndarray:
    """Positive rows that add up to one along the last axis, of numbers that float32 can hold."""
    raw = np.random.default_rng([seed, _draw]).uniform(0.05, 1, shape)
    return (raw / raw.sum(axis=-1, keepdims=True)).astype(np.float32).astype(dtype)


def with_nan(*shape) -> np.ndarray:
    """Normal random numbers and a few NaN among them."""
    x = normal(*shape, seed=1)
    x.flat[:: max(1, x.size // 7)] = np.nan
    return x


def labels(*shape, classes=10, seed=0) -> np.ndarray:
    """Random integer labels below `classes`."""
    return np.random.default_rng(seed).integers(0, classes, shape)


class AskedTwice:
    """A variant of an operation whose backward functions run twice: first with need_dx=False, then with dx.

    Without dx they must return None for it, and the same other gradients.
    """

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        function = getattr(self._module, name)

        def call(dy, saved):
            if "need_dx" not in inspect.signature(function).parameters:
                return function(dy, saved)
            without = function(dy, saved, need_dx=False)
            dx, *others = without if isinstance(without, tuple) else (without,)
            assert dx is None, f"{name} with need_dx=False gives a dx"
            others = [other if other is None else np.array(other) for other in others]
            result = function(dy, saved, True)
            for found, expected in zip(others, result[1:] if others else [], strict=True):
                np.testing.assert_array_equal(found, expected, name)
            return result

        return call if name.endswith("backward") else function


class OnGPU:
    """A gpu.py that tests call with NumPy arrays: each call uploads its arguments and downloads its results.

    It also downloads arguments that were changed in place. `saved` stays on the GPU, and the arguments in _ON_THE_HOST
    stay on the host.
    """

    _ON_THE_HOST = {"gather": (0, 1), "transfer": (0, 1), "rescale": (1, 2)}  # noqa: RUF012 (by position)

    def __init__(self, module):
        self._module = module
        self._stay = self._ON_THE_HOST.get(module.__name__.split(".")[-2], ())

    def __getattr__(self, name):
        from minicnn.kernels.gpu.arrays import DeviceArray, upload
        from minicnn.kernels.gpu.readings import Reading

        function = getattr(self._module, name)

        def up(value):
            if isinstance(value, np.ndarray):
                return upload(value)
            return [up(v) for v in value] if isinstance(value, list) else value

        def down(value):
            if isinstance(value, DeviceArray):
                return value.to_host()
            if isinstance(value, Reading):
                return float(value)
            if callable(value):
                return lambda *arrays: down(value(*(up(array) for array in arrays)))
            return [down(v) for v in value] if isinstance(value, list) else value

        @functools.wraps(function)
        def call(*arguments, **options):
            there = [a if i in self._stay else up(a) for i, a in enumerate(arguments)]
            options = {name: up(value) for name, value in options.items()}
            result = function(*there, **options)
            for argument, copy in zip(arguments, there, strict=True):
                if isinstance(copy, DeviceArray) and isinstance(argument, np.ndarray):
                    argument[...] = copy.to_host()
            forward = name.endswith("forward")  # returns (y, saved)
            if isinstance(result, tuple):
                return tuple(part if forward and i == 1 else down(part) for i, part in enumerate(result))
            return down(result)

        return call
