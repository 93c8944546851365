"""The first step's kernels are compiled in two processes. Nothing else of the second process is seen."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import contextmanager

import numpy as np
import pytest
from helpers import normal

import minicnn
from minicnn import layers
from minicnn.kernels.cpu import compile_ahead
from minicnn.models import inference, progress, trainer

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


def sequential():
    return minicnn.Sequential([
        minicnn.Input((8, 8, 2)), layers.Rescaling(0.5), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
        layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.5), layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def several():
    x, more = minicnn.Input((8, 8, 2)), minicnn.Input((3,))
    y = layers.GlobalAveragePooling2D()(layers.LayerNormalization()(layers.SeparableConv2D(4, 3, strides=2)(x)))
    y = layers.Dense(3, kernel_regularizer="l2")(layers.Concatenate()([y, more]))
    return minicnn.Model([x, more], [layers.Softmax()(y), layers.Softmax()(layers.Dense(3)(y))])


@pytest.mark.parametrize("make", [sequential, several])
@pytest.mark.parametrize("compiled", ["not compiled", "adam", "sgd"])
def test_a_rehearsal_calls_the_kernels_without_an_error(make, compiled):
    """In a copy of this process, in which no kernel computes: its arrays hold any numbers."""
    model, x, y = make(), normal(5, 8, 8, 2, dtype=np.float32), np.arange(5) % 3
    xs = [x, normal(5, 3, dtype=np.float32)] if model.takes_several else x
    tasks = [lambda: model.predict(xs, verbose=0)]
    if compiled != "not compiled":
        losses = ["sparse_categorical_crossentropy"] * (2 if model.gives_several else 1)
        model.compile(compiled, losses, metrics=[["accuracy"]] * len(losses))
        ys = [y, y] if model.gives_several else y
        tasks += [lambda: model.evaluate(xs, ys, verbose=0), lambda: model.fit(xs, ys, verbose=0)]
        tasks += [lambda: model.train_on_batch(xs, ys), lambda: model.test_on_batch(xs, ys)]
    for task in tasks:
        assert rehearsed(task) > 2


def rehearsed(task) -> int:
    """The number of kernels that the rehearsal of a task calls, in a copy of this process."""
    rehearsals, reading, writing = [], *os.pipe()

    @contextmanager
    def kept(rehearsal):
        rehearsals.append(rehearsal)
        yield

    with pytest.MonkeyPatch.context() as patch:
        for module in (progress, trainer, inference):
            patch.setattr(module, "compiled_in_two_processes", kept)
        task()
    child = os.fork()
    if child == 0:
        try:
            noted = compile_ahead.note_kernels()
            rehearsals[0]()()
            os.write(writing, str(len(noted)).encode())
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        return int(said.read())
