"""The first step's kernels are compiled in two processes. Nothing else of the second process is seen."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a second process is made on Linux only")

PROGRAM = """
import os, signal
import numpy as np
import minicnn
from minicnn import layers
from minicnn.kernels.cpu import compile_ahead
from minicnn.kernels.cpu.compile import compile_clock

def children():
    return open(f"/proc/self/task/{os.getpid()}/children").read().split()

class Told(layers.Layer):
    def call(self, x):
        os.write(1, b"called\\n")
        return x

def trained(*more):
    minicnn.utils.set_random_seed(0)
    model = minicnn.Sequential([minicnn.Input((3,)), *more, layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.arange(24, dtype="f").reshape(8, 3) / 8
    model.fit(x, np.arange(8.0), verbose=0)
    return sum(float(np.sum(w)) for w in model.get_weights()), model.predict(x, verbose=0).sum()
"""


def run(python, folder, code):
    return python(PROGRAM + code, MINICNN_CACHE_DIR=str(folder), NUMBA_NUM_THREADS="2").split()


def test_the_first_process_compiles_fewer_kernels_and_gets_the_same_numbers(python, tmp_path):
    code = "\nresult = trained()\nassert not children()\nprint(*result, compile_clock.count)"
    *in_two, few = run(python, tmp_path / "two", code)
    *in_one, all_of_them = run(python, tmp_path / "one", "\ncompile_ahead.is_possible = lambda: False" + code)
    assert in_two == in_one
    assert int(few) < int(all_of_them)
    assert run(python, tmp_path / "two", code) == [*in_two, "0"]
    assert not [*tmp_path.rglob("*.tmp*")]


def test_a_users_code_runs_in_the_first_process_only(python, tmp_path):
    with_a_second_process = run(python, tmp_path, "\ntrained(Told())")
    without = run(python, tmp_path, "\ntrained(Told())")  # all kernels are stored now
    assert with_a_second_process == without and without.count("called") > 1


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "MemoryError"])
def test_the_second_process_ends_with_the_block(python, tmp_path, error):
    """Also if it would never end: this one waits for a signal."""
    code = f"""
try:
    with compile_ahead.compiled_in_two_processes(lambda: signal.pause):
        minicnn.ops.rescale.forward(np.ones((2, 3)), np.full(3, 2.0), np.ones(3))
        print(len(children()))
        raise {error}
except {error}:
    print(len(children()))
"""
    assert run(python, tmp_path, code) == ["1", "0"]
