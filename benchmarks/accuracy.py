"""Does minicnn learn as well as Keras? The README's network on Fashion-MNIST, trained by both, three seeds each.

    python benchmarks/accuracy.py

Every run is a process of its own and the same code, `train`, with either library. It trains with batches of 32, a
tenth of the training images held out, until early stopping (patience 3, best weights restored), and notes the test
accuracy after 3 epochs and at the end. Prints a Markdown table. Needs real Fashion-MNIST (see MINICNN_DATA) and
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
import numpy as np

LIBRARIES = ("minicnn", "keras")
SEEDS = (0, 1, 2)


def train(library, seed, epochs):
    """One run: test accuracy after 3 epochs and at the end, test loss, epochs."""
    k = importlib.import_module(library)
    from minicnn.datasets import fashion_mnist

    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    x_train, x_test = (x[..., None].astype(np.float32) / 255 for x in (x_train, x_test))
    k.utils.set_random_seed(seed)
    model = k.Sequential([
        k.Input((28, 28, 1)),
        k.layers.Conv2D(32, 3, padding="same", activation="relu"),
        k.layers.MaxPooling2D(2),
        k.layers.Conv2D(64, 3, padding="same", activation="relu"),
        k.layers.MaxPooling2D(2),
        k.layers.Flatten(),
        k.layers.Dense(100, activation="relu"),
        k.layers.Dropout(0.4),
        k.layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
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
    """`train` in a fresh process, so that neither library's threads disturb the other."""
    command = [sys.executable, __file__, "--one", library, "--seed", str(seed), "--epochs", str(epochs)]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def table(results):
    """The results as a Markdown table."""
    lines = ["| | seed | test accuracy, 3 epochs | early-stopped | test loss | epochs |", "|---|---|---|---|---|---|"]
    for library, runs in results.items():
        for seed, run in zip(SEEDS, runs, strict=True):
            lines.append(
                f"| {library} | {seed} | {run['after three']:.4f} | {run['accuracy']:.4f} | {run['loss']:.4f} "
                f"| {run['epochs']} |"
            )
        three, end = (statistics.mean(run[key] for run in runs) for key in ("after three", "accuracy"))
        lines.append(f"| {library} | mean | **{three:.4f}** | **{end:.4f}** | | |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30, help="at most so many")
    parser.add_argument("--one", choices=LIBRARIES, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(train(arguments.one, arguments.seed, arguments.epochs)))
        return
    results = {library: [] for library in LIBRARIES}
    for seed in SEEDS:
        for library in LIBRARIES:
            results[library].append(run_in_process(library, seed, arguments.epochs))
            print(f"{library}, seed {seed}: {results[library][-1]}", flush=True)
    print(f"\n{table(results)}\n\n{machine.described('numpy', 'numba', 'tensorflow_cpu', 'keras')}")
    three = {library: statistics.mean(run["after three"] for run in runs) for library, runs in results.items()}
    print(f"\nafter 3 epochs: minicnn {three['minicnn'] - three['keras']:+.4f} against Keras")
    if three["minicnn"] < three["keras"] - 0.003:
        sys.exit("minicnn learned less well than Keras: more than 0.003 below")


if __name__ == "__main__":
    main()
