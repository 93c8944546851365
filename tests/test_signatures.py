"""All variants of an operation define the same functions, with the signatures that its contract promises."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from pathlib import Path

import pytest
from cases import all_cases
from helpers import package

from minicnn import dispatch, ops, runtime
from minicnn.dispatch import variant

FOLDERS = sorted(
    folder for room in (ops, runtime) for folder in Path(room.__file__).parent.iterdir()
    if (folder / "__init__.py").exists()
)  # fmt: skip
OPERATIONS = [folder.name for folder in FOLDERS]
NUMBA_CUDA = importlib.util.find_spec("numba_cuda") is not None  # gpu.py imports it
VARIANTS = ("loops", "vectorized", "tiled", "cpu", *(["gpu"] if NUMBA_CUDA else []))


def public_functions(module):
    """{name: parameters} of the public functions in a module that its operation defines."""
    operation = ".".join(module.__name__.split(".")[:3])
    return {
        name: [(p.name, p.default) for p in inspect.signature(function).parameters.values()]
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__.startswith(operation) and not name.startswith("_")
    }


def existing(operation):
    folder = FOLDERS[OPERATIONS.index(operation)]
    return [name for name in VARIANTS if (folder / f"{name}.py").exists()]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_variants_define_what_the_contract_names(operation):
    contract = importlib.import_module(package(operation))
    promised = public_functions(contract)
    for name in existing(operation):
        functions = public_functions(importlib.import_module(f"{package(operation)}.{name}"))
        if hasattr(contract, "NAMES"):  # many functions: <name>_forward and <name>_backward for each name
            for one in contract.NAMES:
                for direction in ("forward", "backward"):
                    wanted, found = promised[direction][1:], functions[f"{one}_{direction}"]
                    assert len(found) == len(wanted)
                    assert found[-1][0] == wanted[-1][0]
                    assert [default for _, default in found] == [default for _, default in wanted]
        else:
            for function, parameters in promised.items():
                assert functions[function] == parameters, f"{operation}/{name}.py: {function}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_has_its_definition_and_its_fast_variant(operation):
    folder = FOLDERS[OPERATIONS.index(operation)]
    for name in ("vectorized", "cpu", "gpu"):
        assert (folder / f"{name}.py").exists(), f"{operation} has no {name}.py"


def test_a_missing_variant_is_an_error_that_names_the_file():
    dispatch._FILES["fast"] = ("fast",)
    try:
        dispatch.set_backend("fast")
        with pytest.raises(NotImplementedError, match=r"'fast' needs ops/dense/fast\.py"):
            variant("minicnn.ops.dense")
    finally:
        dispatch.set_backend("cpu")
        del dispatch._FILES["fast"]


def test_every_operation_has_cases():
    assert {operation for operation, _ in all_cases().values()} == set(OPERATIONS)
