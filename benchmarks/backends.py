"""How much faster is the Numba backend than the NumPy backend? Times training and inference of the example's network.

    python benchmarks/backends.py

First checks that both backends give the same losses. Then times them in turns on random images, so that a slow moment
of the machine affects both. Prints a Markdown table of median milliseconds per batch of 32.
"""

from __future__ import annotations

import argparse
import statistics
import time

import machine
import network
import numpy as np
from contestants import RATE

import minicnn
from minicnn import backend, optimizers, utils

BACKENDS, BATCH, STEPS, ROUNDS = ("cpu", "numpy"), 32, 40, 5


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rng = np.random.default_rng(0)
    x, y = rng.random((BATCH * STEPS, 28, 28, 1), np.float32), rng.integers(0, 10, BATCH * STEPS)
    models, losses = {}, {}
    for name in BACKENDS:
        backend.set_backend(name)
        utils.set_random_seed(0)
        models[name] = network.build(minicnn)
        models[name].compile("adam", "sparse_categorical_crossentropy")
        losses[name] = [models[name].train_on_batch(x[:BATCH], y[:BATCH]) for _ in range(3)]
        models[name].compile(optimizers.Adam(RATE), "sparse_categorical_crossentropy")
        models[name].evaluate(x, y, batch_size=BATCH, verbose=0)
    assert np.allclose(losses["cpu"], losses["numpy"], rtol=1e-4), losses

    times = {(name, what): [] for name in BACKENDS for what in ("training", "inference")}
    for _ in range(ROUNDS):
        for name in BACKENDS:
            backend.set_backend(name)
            for what, run in (("training", models[name].fit), ("inference", models[name].evaluate)):
                started = time.perf_counter()
                run(x, y, batch_size=BATCH, verbose=0)
                times[name, what].append((time.perf_counter() - started) / STEPS * 1e3)
    print("| ms per batch of 32 | cpu | numpy | ratio |\n|---|---|---|---|")
    for what in ("training", "inference"):
        cpu, numpy = (statistics.median(times[name, what]) for name in BACKENDS)
        print(f"| {what} | {cpu:.1f} | {numpy:.1f} | {numpy / cpu:.1f} |")
    print(f"\n{machine.described('numpy', 'numba')}")


if __name__ == "__main__":
    main()
