"""Processes that `os.fork` makes after minicnn has computed: GNU OpenMP would end them at their first kernel."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

MODEL = """
import multiprocessing, os, sys
import numpy as np
import minicnn
from minicnn import layers
model = minicnn.Sequential([
    layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
    layers.Dropout(0.2, seed=1), layers.Dense(3, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
x, y = np.random.default_rng(0).normal(size=(96, 8, 8, 1)).astype("f"), np.arange(96) % 3
model.fit(x, y, epochs=2, verbose=0)
for _ in range(4):  # the forward passes are recorded and replayed
    expected, expected_of_one = model.predict(x, verbose=0), model(x[:1])
"""


def test_a_pool_of_forked_processes_predicts(python):
    code = f"""{MODEL}
def same(i):
    return [np.array_equal(model.predict(x, verbose=0), expected), np.array_equal(model(x[:1]), expected_of_one)]

with multiprocessing.get_context("fork").Pool(2) as pool:
    assert np.all(pool.map(same, range(6)))
assert same(0) == [True, True]
print("done")
"""
    assert python(code).split()[-1] == "done"


def test_a_forked_process_trains_and_says_that_it_has_one_thread(python):
    """The child goes on where the parent is, and so does a child of this child."""
    code = f"""{MODEL}
def trained():
    return [float(loss) for loss in model.fit(x, y, epochs=3, verbose=0).history["loss"]]

def in_a_child(work):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, repr(work()).encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return eval(os.read(reading, 1000))

sys.stderr = sys.stdout
losses = in_a_child(trained)
assert in_a_child(lambda: in_a_child(trained)) == losses
assert trained() == losses
print("done")
"""
    said = python(code).strip().splitlines()
    assert said[-1] == "done"
    assert sum("computes on one thread" in line for line in said) == 2


def test_a_process_that_is_forked_before_anything_is_computed_uses_all_threads(python):
    code = """
import os, sys
import numpy as np
import minicnn
sys.stderr = sys.stdout
child = os.fork()
if child == 0:
    model = minicnn.Sequential([minicnn.Input((4,)), minicnn.layers.Dense(3, activation="tanh")])
    print(model.predict(np.ones((5, 4)), verbose=0).shape, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    said = python(code)
    assert "(5, 3)" in said and "one thread" not in said
