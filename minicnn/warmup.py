"""Compile in advance: `python -m minicnn.warmup` makes and keeps the machine code that training an image network needs.

minicnn compiles a kernel when it is first used, and keeps its machine code. Run this program once after installing, or
while building a container image. Then no first training step has to wait. The program prints how many kernels it
compiled and how long that took.
"""

from __future__ import annotations

import itertools
import time

import numpy as np

from . import layers, losses, models, optimizers
from .kernels.cpu.compile import cache_folder, compile_clock
from .printing import say


def warmup() -> None:
    """Train small networks that use the kernels of the usual layers, losses and optimizers, in float32."""
    rng = np.random.default_rng(0)
    optimizer = itertools.cycle([optimizers.Adam, optimizers.SGD, optimizers.RMSprop, optimizers.AdamW])
    pictures = {np.uint8: (6, 6, 3), np.float32: (6, 6, 1), np.float64: (6, 6, 1)}  # 8 x 8 after ZeroPadding2D
    activations = ["relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus", "swish", "gelu", "softmax"]
    for dtype, shape in pictures.items():
        x, y = rng.integers(0, 255, (6, *shape)).astype(dtype), rng.integers(0, 3, 6)
        for last, loss, targets in (
            ("softmax", losses.SparseCategoricalCrossentropy(), y),
            ("softmax", losses.CategoricalCrossentropy(), np.eye(3, dtype=np.float32)[y]),
            ("sigmoid", losses.BinaryCrossentropy(), np.eye(3, dtype=np.float32)[y]),
            (None, losses.MeanSquaredError(), np.eye(3, dtype=np.float32)[y]),
        ):
            model = models.Sequential(
                [
                    layers.Input(shape),
                    layers.Rescaling(1 / 255),
                    layers.ZeroPadding2D(1),
                    layers.BatchNormalization(),
                    layers.Conv2D(32, 3, padding="same", activation="relu"),
                    layers.Conv2D(32, 3, padding="same", activation="relu"),
                    layers.Conv2D(16, 3, padding="same", activation="relu"),
                    layers.MaxPooling2D(2),
                    layers.AveragePooling2D(2, strides=1),
                    layers.MaxPooling2D(2, strides=1),
                    *(layers.Activation(name) for name in activations),
                    layers.Flatten(),
                    layers.Dense(8, activation="relu"),
                    layers.Dropout(0.5),
                    layers.Dense(3, activation=last),
                ]
            )
            model.compile(next(optimizer)(), loss, metrics=["accuracy"])
            model.fit(x, targets, batch_size=4, verbose=0, validation_data=(x, targets))
            model.predict(x, verbose=0)


def main() -> None:
    started = time.perf_counter()
    warmup()
    kept = f"kept in {cache_folder()}" if cache_folder() else "not kept"
    say(
        f"Compiled {compile_clock.count} kernels in {compile_clock.seconds:.0f} s ({kept}); "
        f"{time.perf_counter() - started:.0f} s in all."
    )


if __name__ == "__main__":
    main()
