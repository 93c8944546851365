"""Does minicnn learn as well as Keras? Both train the example's network on Fashion-MNIST.

    python benchmarks/accuracy.py

Three seeds train for 3 epochs, and the first of them continues until early stopping (patience 3, best weights
restored). Every run is a separate process with the same code, `train`, for both libraries: batches of 32, a tenth of
the training images held out. Prints a Markdown table of the accuracies on the 10,000 test images. Exits with an error
if minicnn's mean after 3 epochs is more than 0.003 below Keras's. Needs the real Fashion-MNIST (see MINICNN_DATA) and
`pip install -e ".[bench]"`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys

import machine
import network
import numpy as np

LIBRARIES = ("minicnn", "keras")
SEEDS = (0, 1, 2)  # the first one trains until early stopping
MOST_EPOCHS = 30


def train(library, seed, epochs):
    """Train once, and return the test accuracy after 3 epochs and at the end, the test loss, and the epochs."""
    k = importlib.import_module(library)
    from minicnn.datasets import fashion_mnist

    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    x_train, x_test = (x[..., None].astype(np.float32) / 255 for x in (x_train, x_test))
    k.utils.set_random_seed(seed)
    model = network.build(k)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    after_three = []

    class AfterThreeEpochs(k.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                after_three.append(model.evaluate(x_test, y_test, verbose=0)[1])

    stopping = k.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    history = model.fit(
        x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.1, verbose=0,
        callbacks=[AfterThreeEpochs(), stopping],
    )  # fmt: skip
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    return {
        "after three": after_three[0] if after_three else None, "accuracy": accuracy, "loss": loss,
        "epochs": len(history.epoch),
    }  # fmt: skip


def run_in_process(library, seed, epochs):
    """Run `train` in a new process, so that one library's threads do not disturb the other library."""
    command = [sys.executable, __file__, "--one", library, "--seed", str(seed), "--epochs", str(epochs)]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def table(results):
    """The results as a Markdown table."""
    heads = [*(f"3 epochs, seed {seed}" for seed in SEEDS), "mean of the three", f"early-stopped, seed {SEEDS[0]}"]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for library, runs in results.items():
        three = [run["after three"] for run in runs]
        cells = [*(f"{accuracy:.4f}" for accuracy in three), f"**{statistics.mean(three):.4f}**"]
        end = f"{runs[0]['accuracy']:.4f} (loss {runs[0]['loss']:.4f}, {runs[0]['epochs']} epochs)"
        lines.append(f"| {library} | {' | '.join(cells)} | {end} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", choices=LIBRARIES, help="do a single run, and print its result as JSON")
    parser.add_argument("--seed", type=int, default=SEEDS[0])
    parser.add_argument("--epochs", type=int, default=MOST_EPOCHS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(train(arguments.one, arguments.seed, arguments.epochs)))
        return
    results = {library: [] for library in LIBRARIES}
    for seed in SEEDS:
        for library in LIBRARIES:
            results[library].append(run_in_process(library, seed, MOST_EPOCHS if seed == SEEDS[0] else 3))
            print(f"{library}, seed {seed}: {results[library][-1]}", flush=True)
    print(f"\n{table(results)}\n\n{machine.described('numpy', 'numba', 'tensorflow_cpu', 'keras')}")
    means = {library: statistics.mean(run["after three"] for run in runs) for library, runs in results.items()}
    if means["minicnn"] < means["keras"] - 0.003:
        sys.exit("minicnn is less accurate than Keras: its mean accuracy is more than 0.003 lower")


if __name__ == "__main__":
    main()
