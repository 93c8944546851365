"""The floors of minicnn: a module imports only from its own floor and from lower ones.

Operations import even less: operations, kernels, shapes, dispatch and the packages in OPS_MAY_IMPORT.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import minicnn

PACKAGE = Path(minicnn.__file__).parent
FLOORS = {
    "config": 0, "shapes": 0, "nest": 0, "kept_graphs": 0, "notebook": 0, "registry": 0, "arguments": 0, "results": 0,
    "dtype_policy": 0, "printing": 0, "figures": 1,
    "kernels": 1, "dispatch": 1,
    "ops": 2, "runtime": 2,
    "variable": 3, "symbol": 3, "initializers": 3, "regularizers": 3, "constraints": 3, "activations": 3,
    "activation_functions": 3, "losses": 3,
    "metrics": 3, "optimizers": 3, "running_mean": 3,
    "layers": 4, "callbacks": 4,
    "functions": 5, "random": 5, "models": 6, "backend_functions": 6,
    "applications": 7, "datasets": 7, "preprocessing": 7, "saving": 7, "utils": 7, "visualize": 7, "warmup": 7,
    "backend": 7, "mixed_precision": 7,
}  # fmt: skip
OPS_MAY_IMPORT = {"numpy", "numba", "math", "functools", "typing", "contextlib", "__future__"}
LATE_IMPORTS = {
    "rich",
    "tensorflow_datasets",
    "PIL",
    "tfds_source",
    "cuda",
    "gpu",
    "atomic",
    "matplotlib",
    "tensorboardX",
    "array_record",
    "h5py",
}  # heavy, or optional

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name != "__init__.py")


def imports(path):
    """Yield (package of minicnn or None, top-level name, whether inside a function) for every import in a file."""
    here = path.relative_to(PACKAGE).with_suffix("").parts
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield None, alias.name.split(".")[0], id(node) in inside
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield None, node.module.split(".")[0], id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            parts = [*here[: len(here) - node.level], *(node.module or "").split(".")]
            parts = [part for part in parts if part]
            names = parts[:1] or [alias.name for alias in node.names]
            for name in names:
                late = node.module or node.names[0].name
                yield name, late.split(".")[-1], id(node) in inside


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_module_imports_lower_floors_only(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    assert parts[0] in FLOORS, f"{parts[0]} has no floor: give it one in FLOORS"
    for package, top_level, inside_function in imports(path):
        if package is not None:
            assert FLOORS[package] <= FLOORS[parts[0]], f"{'/'.join(parts)} imports {package}, which is a floor above"
            if parts[0] in ("ops", "runtime"):
                assert package in (parts[0], "kernels", "shapes", "dispatch"), f"{'/'.join(parts)} imports {package}"
        elif parts[0] in ("ops", "runtime"):
            assert top_level in OPS_MAY_IMPORT, f"an operation imports {top_level}"
        if inside_function:
            assert top_level in LATE_IMPORTS, f"{'/'.join(parts)} hides the import of {top_level} in a function"


COMPILED = [path for path in MODULES if path.parts[-3] in ("ops", "runtime") and "cpu.compile" in path.read_text()]


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_kernels_take_no_function_from_another_operation(path):
    """The folder of compiled code depends on the kernel's own folder and on what all kernels share, on no other."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            assert [alias.name for alias in node.names] == ["cpu"], (
                f"line {node.lineno}: import the module, not from it"
            )


def test_packages_have_no_cycles():
    arrows = {name: set() for name in FLOORS}
    for path in MODULES:
        name = path.relative_to(PACKAGE).with_suffix("").parts[0]
        arrows[name] |= {package for package, _, _ in imports(path) if package not in (None, name)}
    finished: list[str] = []

    def visit(name, above=()):
        assert name not in above, f"a cycle of imports: {' -> '.join((*above, name))}"
        if name not in finished:
            for below in sorted(arrows[name]):
                visit(below, (*above, name))
            finished.append(name)

    for name in FLOORS:
        visit(name)


def test_only_declared_packages_are_imported():
    third_party = {
        top_level
        for path in MODULES
        for package, top_level, _ in imports(path)
        if package is None and top_level not in sys.stdlib_module_names
    }
    assert third_party <= {
        "numpy",
        "tensorboardX",
        "numba",
        "llvmlite",
        "rich",
        "tensorflow_datasets",
        "array_record",
        "PIL",
        "cuda",
        "h5py",
        "matplotlib",
        "mpmath",
    }


LOOKED_UP = {  # {file that loads modules by name, which the tests above do not see: what it loads}
    "dispatch.py": "the variants of an operation, and whether there is a GPU",
    "models/files.py": "minicnn.saving, the one arrow up: Model.save",
    "utils/__init__.py": "Keras's names of utils that we build elsewhere",
    "__init__.py": "packages that are loaded when they are first asked for",
}


def test_modules_are_looked_up_by_name_only_where_it_is_meant():
    names = {"importlib", "__import__", "exec", "eval"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "id")}
        if called & names or any(top_level == "importlib" for _, top_level, _ in imports(path)):
            found.add(path.relative_to(PACKAGE).as_posix())
    assert found == LOOKED_UP.keys()
