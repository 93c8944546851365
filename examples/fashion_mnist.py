"""Train a convolutional network on Fashion-MNIST, test it, and draw what it learned.

    python examples/fashion_mnist.py                            the full run: real images, early stopping
    python examples/fashion_mnist.py --epochs 3 --limit 5000    a short run

If no copy of Fashion-MNIST is found, the example trains on the drawn garments of `synthetic_fashion`. Then every line
and every figure says "synthetic". `minicnn.visualize` draws the figures, and writes a page on which the trained network
computes; --output names their folder.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from minicnn import Sequential, backend, layers, models, utils, visualize
from minicnn.callbacks import EarlyStopping, ExploreRecorder
from minicnn.datasets import fashion_mnist, sources, synthetic_fashion


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=positive, default=30, help="at most this many; early stopping may end sooner")
    parser.add_argument("--limit", type=positive, help="training images to use; the test uses a fifth of this number")
    parser.add_argument("--batch-size", type=positive, default=32)
    parser.add_argument("--data-dir", help="a folder with fashion-mnist/*.gz; else MINICNN_DATA, caches, a download")
    parser.add_argument("--backend", default=backend.backend(), choices=backend.NAMES)
    parser.add_argument("--output", type=Path, default=Path("output"), help="the folder of the figures")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more; received {text}")
    return number


def load(data_dir):
    """(the real data set, None), or (None, the error that says why it was not found)."""
    try:
        return fashion_mnist.load_data(data_dir), None
    except sources.DataNotFoundError as error:
        return None, error


def prepare(x, y, limit):
    """The first `limit` images as float32 (n, 28, 28, 1) from 0 to 1, and their labels."""
    return x[:limit, ..., None].astype(np.float32) / 255, y[:limit]


def build():
    return Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dropout(0.4),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def run(arguments, data, source):
    """Train and test the network, draw the figures, and return (test loss, test accuracy)."""
    (x_train, y_train), (x_test, y_test) = data
    x_train, y_train = prepare(x_train, y_train, arguments.limit)
    x_test, y_test = prepare(x_test, y_test, arguments.limit and max(1, arguments.limit // 5))

    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    untrained = models.clone_model(model)
    untrained.set_weights(model.get_weights())
    recorder = ExploreRecorder()
    history = model.fit(
        x_train, y_train, batch_size=arguments.batch_size, epochs=arguments.epochs, validation_split=0.1,
        callbacks=[EarlyStopping(patience=3, restore_best_weights=True), recorder],
    )  # fmt: skip
    loss, accuracy = model.evaluate(x_test, y_test)

    probabilities = model.predict(x_test, verbose=0)
    names, data_name = fashion_mnist.CLASS_NAMES, "synthetic garments" if source == "synthetic" else "Fashion-MNIST"
    shown = first_right_and_wrong(probabilities.argmax(axis=1) == y_test)
    drawings = {
        "curves": ("Training", visualize.history(history)),
        "predictions": (
            "The first right predictions and the first mistakes",
            visualize.predictions(x_test[shown], probabilities[shown], y_test[shown], names),
        ),
        "confusion": ("Confusion matrix", visualize.confusion_matrix(y_test, probabilities, names)),
        "filters": ("The first layer's filters", visualize.filters(model.layers[0])),
        "maps": (
            "The first layer's feature maps of the first test image",
            visualize.feature_maps(model, x_test[0], 0, before=untrained),
        ),
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, (title, figure) in drawings.items():
        figure.suptitle(f"{title}, {data_name}", fontsize=11)
        path = arguments.output / f"{source}_{name}.png"
        figure.savefig(path, dpi=120)
        print(f"drew {path}")
    path = arguments.output / f"{source}_explore.html"
    visualize.explore(model, x_test[shown], y_test[shown], names, history=recorder, file=path)
    print(f"open {path} in a browser: the network computes there, and every number can be clicked")
    return loss, accuracy


def first_right_and_wrong(right, count=18):
    """The indices of `count` predictions. Half of them are mistakes, if there are so many."""
    wrong = np.flatnonzero(~right)[: count // 2]
    return np.sort(np.concatenate([np.flatnonzero(right)[: count - len(wrong)], wrong]))


class EveryLine:
    """A stream that writes a label at the beginning of every line."""

    def __init__(self, stream, label):
        self.stream, self.label, self.at_start = stream, label, True

    def write(self, text):
        for line in text.splitlines(keepends=True):
            self.stream.write(f"{self.label}{line}" if self.at_start else line)
            self.at_start = line.endswith("\n")
        return len(text)

    def flush(self):
        self.stream.flush()

    def isatty(self):
        return False


def main():
    arguments = parse_arguments()
    try:
        backend.set_backend(arguments.backend)
    except RuntimeError as error:
        raise SystemExit(str(error)) from None
    utils.set_random_seed(arguments.seed)
    data, reason = load(arguments.data_dir)
    if data is not None:
        source = "fashion_mnist"
        loss, accuracy = run(arguments, data, source)
    else:
        source = "synthetic"
        with redirect_stdout(EveryLine(sys.stdout, "synthetic: ")):
            print(reason)
            print(
                "There are no real images, so this run trains on drawn garments (minicnn.datasets.synthetic_fashion)."
            )
            limit = arguments.limit
            sizes = {"train": limit, "test": max(1, limit // 5)} if limit else {}  # no more than this run uses
            loss, accuracy = run(arguments, synthetic_fashion.load_data(arguments.seed, **sizes), source)
    print(f"test accuracy {accuracy:.4f}  test loss {loss:.4f}  data {source}  backend {backend.backend()}")


if __name__ == "__main__":
    main()
