"""Train a residual network on CIFAR-10, with augmentation during training, and draw what it learned.

    python examples/cifar10.py                            the full run
    python examples/cifar10.py --epochs 1 --limit 2000    a short run

The example shows more than `fashion_mnist.py`: batches from a `PyDataset`, which shifts and mirrors images while the
model trains on the previous batch; a functional model with shortcuts and batch normalization; a learning rate that
rises and falls; label smoothing. All settings were chosen by the accuracy on 5,000 training images held out. The test
images are used only once, at the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import minicnn as keras
from minicnn import layers, utils, visualize
from minicnn.datasets import cifar10

HELD_OUT = 5000


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--limit", type=int, help="training images to use; the test uses a fifth of this number")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--data-dir", help="a folder with cifar10/cifar10.npz; else MINICNN_DATA, caches, a download")
    parser.add_argument("--output", type=Path, default=Path("output"), help="the folder of the figures")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


class Augmented(utils.PyDataset):
    """Batches in a new order in every epoch. Each image is moved by up to four pixels, and about half are mirrored."""

    def __init__(self, x, y, batch_size, seed):
        super().__init__()
        self.x = np.pad(x, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
        self.y, self.batch_size = y, batch_size
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.x) // self.batch_size

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(self.x))

    def __getitem__(self, index):
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        # All windows of 32 x 32 pixels, (n, 9, 9, 3, 32, 32). This is a view: nothing is copied yet.
        windows = np.lib.stride_tricks.sliding_window_view(self.x, (32, 32), axis=(1, 2))
        down, right = self.rng.integers(0, 9, (2, len(rows)))
        x = np.ascontiguousarray(windows[rows, down, right].transpose(0, 2, 3, 1))
        mirrored = self.rng.random(len(rows)) < 0.5
        x[mirrored] = x[mirrored, :, ::-1]
        return x, self.y[rows]


def build(widths=(32, 64, 128, 256)):
    """Four stages of convolutions, at 32, 16, 8 and 4 pixels. The middle two have shortcuts around two convolutions."""

    def convolution(x, filters):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling([1 / 63] * 3, [-1.97, -1.91, -1.76])(inputs)  # each channel to about mean 0, deviation 1
    x = convolution(convolution(x, widths[0]), widths[0])
    for filters in widths[1:3]:
        x = convolution(layers.MaxPooling2D(2)(x), filters)
        x = layers.Add()([x, convolution(convolution(x, filters), filters)])
    x = convolution(layers.MaxPooling2D(2)(x), widths[3])
    x = layers.Dropout(0.2)(layers.GlobalMaxPooling2D()(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def main():
    arguments = parse_arguments()
    utils.set_random_seed(arguments.seed)
    (x, y), (x_test, y_test) = cifar10.load_data(arguments.data_dir)
    limit = arguments.limit
    x, y, x_test, y_test = x[:limit], y[:limit], x_test[: limit and limit // 5], y_test[: limit and limit // 5]
    held_out = min(HELD_OUT, len(x) // 10)
    one_hot = utils.to_categorical(y, 10)
    batches = Augmented(x[held_out:], one_hot[held_out:], arguments.batch_size, arguments.seed)

    model = build()
    model.summary()
    steps = len(batches) * arguments.epochs
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - steps // 5, warmup_target=0.2, warmup_steps=steps // 5)
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=0.0005),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    history = model.fit(
        batches, epochs=arguments.epochs, validation_data=(x[:held_out], one_hot[:held_out]), shuffle=False
    )
    loss, accuracy = model.evaluate(x_test, utils.to_categorical(y_test, 10), verbose=0)

    probabilities = model.predict(x_test, verbose=0)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, figure in {
        "curves": visualize.history(history),
        "predictions": visualize.predictions(x_test[:18], probabilities[:18], y_test[:18], cifar10.CLASS_NAMES),
        "confusion": visualize.confusion_matrix(y_test, probabilities, cifar10.CLASS_NAMES),
        "grad_cam": visualize.grad_cam(model, x_test[0], classes=cifar10.CLASS_NAMES),
    }.items():
        path = arguments.output / f"cifar10_{name}.png"
        figure.savefig(path, dpi=120)
        print(f"drew {path}")
    print(f"test accuracy {accuracy:.4f}  test loss {loss:.4f}")


if __name__ == "__main__":
    main()
