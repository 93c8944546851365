"""Break the code on purpose, in one place at a time, and see whether a test fails.

    python tests/mutations.py                               # every gradient and update
    python tests/mutations.py --list                        # what would be broken, line by line
    python tests/mutations.py --only ops/dense/vectorized   # the lines of the list that match this
    python tests/mutations.py --all --only metrics/ --sample 40 --seed 1

A mutation is (file, line, what): one place in the source, and the code that replaces it. Without `--all`, the place is
in a function named backward, gradient, derivative or update, and the mutation is

- a sign: + for -, - for +, and a minus left out; += for -= and the other way round
- a factor: * for /, / for *, *= and /= too, and every number one larger, which is also an index off by one

`--all` breaks every function in `PLACES`, and besides signs and factors

- the order: two operands of - / // @ ** or of < <= > >= swapped, two neighbouring arguments of a call, two results
- a choice: == for != and the other way round; `need_dx` False, so that a gradient is missing, and True, so that a
  gradient is computed that no caller wants

Error messages are left alone, and lines that only cut the work (`CUTS`).

Nothing is written to the source. This process collects the tests once, and forks for every mutation. The fork takes the
broken function's code, compiles again the kernels that are made of it, and runs the tests that `tests_of` names, until
one fails. Without the mutation these tests must pass. Code that runs only at import is "NOT REACHED".
"""

from __future__ import annotations

import argparse
import ast
import gc
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from helpers import OPERATION_FILES
from mutations_alike import CUTS, EQUIVALENT

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "minicnn"
SECONDS = 300  # a mutation that makes a loop endless is stopped, and counts as caught
GRADIENT = "backward|gradient|derivative|update"
EVERY = r"^(?!__init__$|get_config$|from_config$|check_|_?checked|__getattr__$)"
COMPILED = ("tiled.py", "cpu.py", "winograd.py", "pooled.py", "depthwise.py", "strided.py", "formulas.py", "tables.py")
PLACES = {  # files, and which of their functions: a regular expression that their names match
    **{f"ops/*/{name}": EVERY for name in ("vectorized.py", "loops.py")},
    "losses/*.py": EVERY, "metrics/*.py": EVERY, "optimizers/*.py": EVERY,
    "layers/*.py": GRADIENT, "ops/*/__init__.py": GRADIENT,
    **{f"ops/*/{name}": EVERY for name in COMPILED},
}  # fmt: skip
WORDS = {  # operation: the tests of its layers
    "activation": "activation or relu or elu or softmax", "avg_pool2d": "averagepool or avgpool",
    "batch_norm": "batchnorm or batch_norm", "conv2d": "conv2d", "dense": "dense", "dropout": "dropout",
    "global_pool2d": "global", "max_pool2d": "maxpool or max_pool", "noise": "noise or gaussian or alpha",
    "merge": "add or multiply or average or maximum or minimum or subtract or concatenate or arithmetic",
    "rescale": "rescaling or normalization", "resize": "resizing", "zero_pad2d": "zeropadding",
}  # fmt: skip
BEHIND_FUNCTIONS = {  # operations that functions of `minicnn.ops` use: the tests of these
    "merge": f"power or mod or divide or {WORDS['merge']}",
    **dict.fromkeys(("elementwise", "reduce", "moves", "matrix_product"), "keras_s"),
}  # fmt: skip
LAYERS = ("test_gradients.py", "test_keras_layers.py", "test_augmentation.py")
BEHIND_LAYERS = (
    "test_call*.py", "test_embedding.py", "test_functions.py", "test_own_models.py", "test_models.py",
    "test_schedule.py", "test_found_in_programs.py",
)  # fmt: skip
SURFACE = (
    "test_layers.py", "test_metrics.py", "test_optimizers.py", "test_constraints.py", "test_penalties.py",
    "test_variables.py", "test_own_models.py", "test_keras_habits.py",
)  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    file: str
    line: int
    function: str
    kind: str  # "sign", "factor", "order" or "choice"
    what: str
    new_source: str

    def __str__(self):
        return f"{self.file}:{self.line} {self.function}: {self.what}"

    def is_of_a_gradient(self):
        return self.kind in ("sign", "factor") and bool(re.search(GRADIENT, self.function))

    def is_equivalent(self):
        line = self.new_source.splitlines()[self.line - 1].split("  # ")[0]
        only_a_cut = self.file in CUTS and re.match(CUTS[self.file], line.strip())
        return bool(only_a_cut) or f"{self.file}: {line.strip()}" in EQUIVALENT


# --- what is broken ---


def all_mutations():
    found, seen = [], set()
    for pattern, functions in PLACES.items():
        for path in sorted(PACKAGE.glob(pattern)):
            if path not in seen:
                found += mutations_of(path.relative_to(PACKAGE).as_posix(), path.read_text(), functions)
            seen.add(path)
    return found


def mutations_of(file, source, functions):
    lines, found = source.splitlines(keepends=True), {}

    def place(line, column):
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    for function in ast.walk(ast.parse(source)):
        if not (isinstance(function, ast.FunctionDef) and re.search(functions, function.name)):
            continue
        for node in (node for statement in function.body for node in _inside(statement)):
            for kind, new in _changes(node):
                start, end = place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)
                old, text = ast.unparse(node), ast.unparse(new)
                rest = "\n" * source[start:end].count("\n")  # kernels are cached by the line they begin at
                text_in_place = text + rest if isinstance(node, ast.stmt) else f"({text}{rest})"
                broken = source[:start] + text_in_place + source[end:]
                found.setdefault(broken, Mutation(file, node.lineno, function.name, kind, f"{old} -> {text}", broken))
    return list(found.values())


def _inside(node):
    """The nodes of a statement, without what is only said, promised or imported."""
    only_said = (ast.Raise, ast.Assert, ast.JoinedStr, ast.arguments, ast.Import, ast.ImportFrom)
    if isinstance(node, only_said) or (isinstance(node, ast.If) and all(isinstance(s, ast.Raise) for s in node.body)):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("reshape") and _is_the_rest(child)):
            yield from _inside(child)


def _is_the_rest(shape):
    """Whether these are a shape, or a part of one, with -1: reshape takes every negative size for -1."""
    return ast.unparse(shape) in ("-1", "(1, -1)", "(-1, 1)")


_OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.MatMult, ast.Pow, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_UNORDERED = ("maximum", "minimum", "max", "min", "isinstance", "getattr", "hasattr", "add_gradients")


def _changes(node):
    """(kind, node) for each node that replaces this one, one at a time."""
    match node:
        case ast.Name("need_dx", ast.Load()):
            yield from (("choice", ast.Constant(value)) for value in (False, True))
        case ast.Constant(int() | float() as value) if not isinstance(value, bool):
            yield "factor", ast.Constant(value + 1)
        case ast.UnaryOp(ast.USub(), operand):
            yield "sign", operand
        case ast.BinOp(left, operator, right):
            if type(operator) in _OTHER:
                yield _kind(operator), ast.BinOp(left, _OTHER[type(operator)](), right)
            if isinstance(operator, _ORDERED):
                yield "order", ast.BinOp(right, operator, left)
        case ast.AugAssign(target, operator, value) if type(operator) in _OTHER:
            yield _kind(operator), ast.AugAssign(target, _OTHER[type(operator)](), value)
        case ast.Compare(left, [operator], [right]):
            if type(operator) in _OTHER:
                yield "choice", ast.Compare(left, [_OTHER[type(operator)]()], [right])
            if isinstance(operator, _ORDERED):
                yield "order", ast.Compare(right, [operator], [left])
        case ast.Call(function, arguments, options) if ast.unparse(function).split(".")[-1] not in _UNORDERED:
            yield from (("order", ast.Call(function, swapped, options)) for swapped in _swapped(arguments))
        case ast.Return(ast.Tuple(parts)):
            yield from (("order", ast.Return(ast.Tuple(swapped, ast.Load()))) for swapped in _swapped(parts))


def _kind(operator):
    return "sign" if isinstance(operator, (ast.Add, ast.Sub)) else "factor"


def _swapped(parts):
    for i in range(len(parts) - 1):
        if ast.dump(parts[i]) != ast.dump(parts[i + 1]):
            yield [*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]]


# --- what is run ---


def tests_of(file):
    """[(files, words)]: the tests that concern a file, those whose names hold one of the words; the quickest first."""
    room, name = file.split("/")[0], file.split("/")[-1]
    if room == "ops":
        operation = file.split("/")[1]
        others = {
            "loss": (("test_keras_losses.py", "test_gradients.py"), "loss"),
            "optimizer_update": (("test_keras_losses.py",), "optimizers or regularizers"),
            "metric": (("test_keras_losses.py", *SURFACE), "metric"), "constraint": (SURFACE, "constraint"),
            **{name: (("test_gradients.py",), words) for name, words in WORDS.items()},
            **{name: (("test_functions.py", "test_gradients.py"), words) for name, words in BEHIND_FUNCTIONS.items()},
        }  # fmt: skip
        its_own = (OPERATION_FILES, f"[{operation} or test_{operation}.py")  # conv2d is behind conv2d_transpose, too
        return [its_own, others.get(operation, (LAYERS[2:], "gradients"))]
    if room == "layers":
        classes = re.findall(r"^class _?(\w+)", (PACKAGE / file).read_text(), re.MULTILINE)
        words = "activity or penalty" if name == "penalty.py" else " or ".join(classes)
        others = ("test_augmentation.py",) if "augmentation" in name else BEHIND_LAYERS
        return [((*LAYERS, "test_several.py"), words), (others, "")]
    if room == "optimizers":
        quick = (("test_schedules.py",), "") if name == "schedules.py" else (("test_keras_losses.py",), "optimizers")
        return [quick, (("test_schedules.py", "test_optimizers.py", "test_saving*.py"), "optimizer")]
    if room == "metrics":
        return [(("test_keras_losses.py", *SURFACE), "metric or score"), ((*SURFACE, "test_training.py"), "")]
    return [(("test_keras_losses.py", "test_gradients.py"), "loss"), ((*SURFACE, "test_training.py"), "")]


def chosen_items(items, file, function):
    """The tests of a file, those first whose names hold the function's: `elu` of `elu_backward`."""
    found, stem = {}, re.sub("_(forward|backward|derivative|gradient|loss)$", "", function).strip("_")
    for patterns, words in tests_of(file):
        for item in items:
            named = any(word in item.nodeid.lower() for word in words.lower().split(" or "))
            if named and any(fnmatch(item.path.name, pattern) for pattern in patterns):
                found[item.nodeid] = item
    return sorted(found.values(), key=lambda item: stem not in item.nodeid)


def breaks(mutation):
    """Give the functions of the imported module the code of the broken source; whether one of them has changed."""
    module = import_module("minicnn." + mutation.file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    whole, broken, changed = _codes((PACKAGE / mutation.file).read_text()), _codes(mutation.new_source), []
    for function in _functions(vars(module), module.__name__):
        place = function.__qualname__, function.__code__.co_firstlineno
        if function.__code__ == whole.get(place) and broken[place] != whole[place]:
            for same in _made_of(function.__code__):
                same.__code__ = broken[place]
                changed.append(same)
    if mutation.file.endswith(COMPILED):
        _compile_again(module, changed)
    return bool(changed)


def _compile_again(module, changed):
    """Load no machine code that is made of the changed functions: kernels, what makes kernels, or what kernels call.

    The last, a helper or a formula, may be in every kernel of its folder.
    """
    from minicnn.kernels.cpu.compile import _KernelCache

    dispatchers = [value for value in vars(module).values() if hasattr(value, "py_func")]
    helpers = {d.py_func for d in dispatchers if not isinstance(d._cache, _KernelCache)}
    called = helpers & {*changed} or module.__name__.endswith(("formulas", "tables"))
    places = (module.__package__,) if called else ()
    made = tuple(f"{function.__qualname__}.<locals>" for function in changed)
    load = _KernelCache.load_overload

    def unless_stale(self, *signature):
        function = self._py_func
        here = function.__module__ == module.__name__
        stale = function in changed or function.__module__.startswith(places)
        return None if stale or (here and function.__qualname__.startswith(made)) else load(self, *signature)

    _KernelCache.load_overload = unless_stale
    _KernelCache.save_overload = lambda self, *a: None


def _made_of(code):
    """The function of this code and its copies: `kernels.formulas.compiled` copies a formula for each backend."""
    return [owner for owner in gc.get_referrers(code) if isinstance(owner, FunctionType)]


def _codes(source):
    """{(qualified name, first line): code} of every function of a source."""
    codes, waiting = {}, [compile(source, "", "exec", dont_inherit=True)]
    while waiting:
        inner = [constant for constant in waiting.pop().co_consts if isinstance(constant, CodeType)]
        codes.update({(code.co_qualname, code.co_firstlineno): code for code in inner})
        waiting += inner
    return codes


def _functions(names, module):
    """The Python functions that a module defines, also those in classes and within decorators."""
    for value in list(names.values()):
        if isinstance(value, type) and value.__module__ == module:
            yield from _functions(vars(value), module)
        value = getattr(value, "dispatcher", value)
        for wrapper in ("fget", "__wrapped__", "__func__", "py_func"):
            value = getattr(value, wrapper, value)
        if getattr(value, "__module__", None) == module and hasattr(value, "__code__"):
            yield value


class Mutations:
    """A plugin of pytest: instead of running the tests once, run those of every mutation."""

    def __init__(self, mutations):
        self.mutations, self.run, self.survived, self.sound = mutations, Counter(), Counter(), set()

    def pytest_runtestloop(self, session):
        for mutation in self.mutations:
            items = chosen_items(session.items, mutation.file, mutation.function)
            unknown = [item for item in items if item not in self.sound]
            if unknown and self._run(session, unknown, None) != "NOT CAUGHT":
                pytest.exit(f"The tests of {mutation.file} fail where nothing is broken.", 2)
            self.sound.update(unknown)
            started = time.perf_counter()
            said = self._run(session, items, mutation)
            self.run[mutation.file] += 1
            self.survived[mutation.file] += said != "caught"
            print(f"{said:12}{time.perf_counter() - started:5.1f} s  {mutation}", flush=True)
        for file, count in sorted(self.run.items()):
            print(f"{file}: {count - self.survived[file]} of {count} caught")
        print(f"{self.run.total()} mutations, {self.run.total() - self.survived.total()} caught")
        return True

    def _run(self, session, items, mutation):
        """What a fork of this process finds in which the tests run until one fails; what ends it is caught, too."""
        process = os.fork()
        if process == 0:
            answer = 2
            try:
                silent = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silent, 1), os.dup2(silent, 2)
                if mutation is None or breaks(mutation):
                    answer = 1
                    signal.alarm(SECONDS if mutation else 0)
                    for item, following in zip(items, [*items[1:], None], strict=True):
                        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                        if session.testsfailed:
                            break
                    answer = int(session.testsfailed > 0)
            finally:
                os._exit(answer)
        return {0: "NOT CAUGHT", 2: "NOT REACHED"}.get(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), "caught")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every function, and the order and choices too")
    parser.add_argument("--list", action="store_true", help="list the mutations and run nothing")
    parser.add_argument("--only", default="", metavar="PATTERN", help="a regular expression, of what --list shows")
    parser.add_argument("--sample", type=int, metavar="N", help="draw N of them")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    arguments = parser.parse_args()
    chosen = [
        m for m in all_mutations()
        if (arguments.all or m.is_of_a_gradient()) and re.search(arguments.only, str(m)) and not m.is_equivalent()
    ]  # fmt: skip
    if arguments.sample is not None and arguments.sample < len(chosen):
        chosen = [chosen[i] for i in sorted(random.Random(arguments.seed).sample(range(len(chosen)), arguments.sample))]
    if arguments.list:
        return print(*chosen, f"{len(chosen)} mutations", sep="\n")
    plugin = Mutations(chosen)
    patterns = {pattern for m in chosen for files, _ in tests_of(m.file) for pattern in files}
    files = sorted({str(path) for pattern in patterns for path in (ROOT / "tests").glob(pattern)})
    if any(not m.file.startswith("ops/") for m in chosen):
        import tensorflow  # noqa: F401 - before the forks, which take it from here

    code = pytest.main(["-o", "addopts=-q", "-s", "-p", "no:cacheprovider", *files], plugins=[plugin])
    return code or int(plugin.survived.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
