"""The first step's kernels are compiled in two processes. Nothing else of the second process is seen."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a second process is made on Linux only")

PROGRAM = """
import multiprocessing, os, signal, sys
import numpy as np
import minicnn
from minicnn import layers
from minicnn.kernels.cpu import compile_ahead
from minicnn.kernels.cpu.compile import compile_clock

class Told(layers.Layer):
    def call(self, x):
        os.write(1, b"called\\n")
        return x

def trained(*more, epochs=1):
    minicnn.utils.set_random_seed(0)
    model = minicnn.Sequential([
        minicnn.Input((3,)), *more, layers.Dense(4, activation="tanh"), layers.Dense(3, activation="softmax"),
    ])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = np.arange(24, dtype="f").reshape(8, 3) / 8
    model.fit(x, np.arange(8) % 3, epochs=epochs, verbose=0)
    return sum(float(np.sum(w)) for w in model.get_weights()), model.predict(x, verbose=0).sum()
"""


def run(python, folder, code):
    return python(PROGRAM + code, MINICNN_CACHE_DIR=str(folder), NUMBA_NUM_THREADS="2").split()


def test_the_first_process_compiles_fewer_kernels_and_gets_the_same_numbers(python, tmp_path):
    code = "\nresult = trained()\nassert not multiprocessing.active_children()\nprint(*result, compile_clock.count)"
    *in_two, few = run(python, tmp_path / "two", code)
    *in_one, all_of_them = run(python, tmp_path / "one", "\ncompile_ahead.is_possible = lambda: False" + code)
    assert in_two == in_one
    assert int(few) < int(all_of_them)
    assert run(python, tmp_path / "two", code) == [*in_two, "0"]
    assert not [*tmp_path.rglob("*.tmp*")]


def test_a_users_code_runs_in_the_first_process_only(python, tmp_path):
    code = "\ntrained(Told())\nprint(compile_clock.count)"
    in_two = run(python, tmp_path / "two", code)
    in_one = run(python, tmp_path / "one", "\ncompile_ahead.is_possible = lambda: False" + code)
    assert in_two == in_one and in_two.count("called") > 1


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "MemoryError"])
def test_the_second_process_ends_with_the_block(python, tmp_path, error):
    """Also if it would never end: this one waits for a signal."""
    code = f"""
try:
    with compile_ahead.compiled_in_two_processes(signal.pause):
        minicnn.ops.rescale.forward(np.ones((2, 3)), np.full(3, 2.0), np.ones(3))
        (second,) = multiprocessing.active_children()
        raise {error}
except {error}:
    assert not multiprocessing.active_children()
    print(second.exitcode == -signal.SIGKILL)
"""
    assert run(python, tmp_path, code) == ["True"]


def test_processes_of_a_pool_compile_alone(python, tmp_path):
    code = """
with multiprocessing.get_context("fork").Pool(1) as pool:
    print(pool.apply(trained))
    print(pool.apply(compile_ahead.is_possible))
"""
    assert run(python, tmp_path, code)[-1] == "False"
