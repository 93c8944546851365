"""How do time and memory grow with the batch, the image, the channels and the threads?

    python benchmarks/scaling.py [--rounds 3]

First measures a small convolutional network in which one size at a time grows. Then measures the five networks of
`models.py` at batches from 32 to 512: the milliseconds per image, where batch sizes take turns, and the peak memory.
Peak memory (VmHWM) is that of a separate process for each size. Writes benchmarks/results/scaling.json and scaling.png,
and the table of the five networks in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import machine
import numba
import numpy as np
from contestants import RATE, peak_memory
from models import FIRST, WORKLOADS, keras_model

HERE = Path(__file__).resolve().parent
CORES = numba.config.NUMBA_NUM_THREADS
USUAL = {"batch": 32, "side": 32, "channels": 32, "threads": CORES}
AXES = {
    "batch": [8, 16, 32, 64, 128, 256, 512],
    "side": [16, 32, 64, 128, 256],
    "channels": [8, 16, 32, 64, 128, 256],
    "threads": [threads for threads in (1, 2, 4, 8, 16, 32) if threads < CORES] + [CORES],
}
BATCHES = [32, 64, 128, 256, 512]
EPOCH = {"fashion": 4096, "mlp": 16384, "mnistcnn": 2048, "cifar": 2048, "catdog": 512}
"""The number of images that each batch size trains on, for about a second of work."""


def compiled(model, minicnn):
    loss = minicnn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(minicnn.optimizers.Adam(RATE), loss, metrics=["accuracy"])
    return model


def random_images(n, image, classes):
    rng = np.random.default_rng(0)
    return rng.random((n, *image), np.float32), rng.integers(0, classes, n)


def grown(batch, side, channels, threads):
    """Milliseconds per training step of the small network, and the peak memory of this process in megabytes."""
    import minicnn
    from minicnn import layers

    numba.set_num_threads(threads)
    x, y = random_images(batch, (side, side, 3), 10)
    model = compiled(
        minicnn.Sequential([
            layers.Input((side, side, 3)),
            layers.Conv2D(channels, 3, padding="same", activation="relu"),
            layers.Conv2D(channels, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ]),
        minicnn,
    )  # fmt: skip
    times = []
    for _ in range(12):
        started = time.perf_counter()
        model.train_on_batch(x, y)
        times.append(time.perf_counter() - started)
    return statistics.median(times[2:]) * 1e3, peak_memory()


def memory(name, batch):
    """The peak memory of this process, in megabytes, after a few training steps of one network."""
    import minicnn

    work = WORKLOADS[name]
    x, y = random_images(batch, work.image, work.outputs)
    compiled(keras_model(minicnn, name), minicnn).fit(x, y, batch, epochs=4, verbose=0)
    return peak_memory()


def milliseconds_per_image(name, rounds):
    """[milliseconds per image in training, one for each of BATCHES]. The batch sizes take turns."""
    import minicnn

    class Timer(minicnn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds = time.perf_counter() - self.started

    work, timer = WORKLOADS[name], Timer()
    x, y = random_images(EPOCH[name], work.image, work.outputs)
    model = compiled(keras_model(minicnn, name), minicnn)
    times = {batch: [] for batch in BATCHES}
    for _ in range(rounds):
        for batch in BATCHES:  # time the second of two epochs: the first makes the buffers for this batch size
            model.fit(x, y, batch, epochs=2, verbose=0, callbacks=[timer])
            times[batch].append(timer.seconds / len(x) * 1e3)
    return [statistics.median(times[batch]) for batch in BATCHES]


MEASUREMENTS = {"grown": grown, "memory": memory, "milliseconds_per_image": milliseconds_per_image}


def in_a_process(measurement, **arguments):
    """The result of one of MEASUREMENTS in a separate process."""
    command = [sys.executable, __file__, "--measure", measurement, "--arguments", json.dumps(arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def growth_table(axis, found):
    lines = [f"| {axis} | ms per step | peak MB |", "|---|---|---|"]
    return "\n".join(lines + [f"| {value} | {ms:.1f} | {peak:.0f} |" for value, (ms, peak) in found.items()])


def networks_table(networks):
    """Time per image and memory of the five networks, and the slowest time divided by that of the first batch size."""
    lines = [
        f"| network | {' | '.join(f'batch {batch}' for batch in BATCHES)} | slowest / batch 32 |",
        f"|---{'|---' * len(BATCHES)}|---|",
    ]
    for name, found in networks.items():
        cells = [f"{ms:.3f} ms, {peak:.0f} MB" for ms, peak in zip(found["ms"], found["MB"], strict=True)]
        lines.append(f"| {name} | {' | '.join(cells)} | {max(found['ms']) / found['ms'][0]:.2f} |")
    return "\n".join(lines)


def draw(growth, networks, file):
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure((15, 6), layout="constrained")
    columns = figure.subplots(2, len(growth) + 1).T
    for (axis, found), column in zip(growth.items(), columns, strict=False):
        for place, (axes, label) in enumerate(zip(column, ("ms per step", "peak MB"), strict=True)):
            axes.plot(list(found), [pair[place] for pair in found.values()], "o-")
            axes.set_xlabel(axis)
            axes.set_ylabel(label)
            axes.set_ylim(0, 1.1 * max(pair[place] for pair in found.values()))
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for name, found in networks.items():
        columns[-1][0].plot(BATCHES, np.divide(found["ms"], found["ms"][0]), "o-", label=name)
        columns[-1][1].plot(BATCHES, np.divide(found["MB"], found["MB"][0]), "o-", label=name)
    for axes, label in zip(columns[-1], ("ms per image / batch 32's", "peak MB / batch 32's"), strict=True):
        axes.set_xlabel("batch of the five networks")
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
    columns[-1][1].legend(fontsize=8)
    figure.savefig(file, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)  # for `in_a_process`
    parser.add_argument("--arguments", type=json.loads, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(MEASUREMENTS[chosen.measure](**chosen.arguments)))
        return
    growth = {}
    for axis, values in AXES.items():
        growth[axis] = {value: in_a_process("grown", **{**USUAL, axis: value}) for value in values}
        print(growth_table(axis, growth[axis]), flush=True)
    networks = {}
    for name in FIRST:
        networks[name] = {
            "ms": in_a_process("milliseconds_per_image", name=name, rounds=chosen.rounds),
            "MB": [in_a_process("memory", name=name, batch=batch) for batch in BATCHES],
        }
        print(networks_table({name: networks[name]}), flush=True)
    where = machine.described("numpy", "numba")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    record = {"machine": where, "growth": growth, "batches": BATCHES, "networks": networks}
    (results / "scaling.json").write_text(json.dumps(record, indent=1) + "\n")
    draw(growth, networks, results / "scaling.png")
    machine.put(HERE / "README.md", "scaling", f"{networks_table(networks)}\n\n{where}")


if __name__ == "__main__":
    main()
