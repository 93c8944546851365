"""Tell cats from dogs in photographs, in four ways: plain, with augmentation, by transfer, and fine-tuned.

    python examples/cats_and_dogs.py --data FOLDER        FOLDER holds train/ and validation/, each with cats/ and dogs/
    python examples/cats_and_dogs.py --data FOLDER --quick    a short run

Two thousand photographs are too few to learn from random weights what an animal looks like. Augmentation shows each
photograph in many ways. Transfer starts with a network that has learned from other images. Here these are the images of
CIFAR-10 without its cats and dogs, so everything runs without an internet connection. To start from ImageNet's weights,
use `applications.VGG16(include_top=False)` instead of `pretrained_base()`.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minicnn as keras
from minicnn import layers, utils, visualize
from minicnn.datasets import cifar10
from minicnn.preprocessing.image import ImageDataGenerator

CLASSES = ("cat", "dog")
SIZE = 64  # pixels per side: enough to tell cats from dogs, and few enough to train in minutes
OTHERS = [i for i, name in enumerate(cifar10.CLASS_NAMES) if name not in CLASSES]  # labels of CIFAR-10's other classes


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the folder of photographs; else MINICNN_DATA/cats_and_dogs")
    parser.add_argument("--base", type=Path, help="weights of the base from an earlier run, instead of training it")
    parser.add_argument("--quick", action="store_true", help="train for only two epochs, with few images of CIFAR-10")
    parser.add_argument("--output", type=Path, default=Path("output"), help="the folder of the figures and the base")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def augmentation():
    return keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.03), layers.RandomTranslation(0.08, 0.08)],
        name="augmentation",
    )


def small_network(change=None):
    """Three convolutions and a classifier. If `change` is given, images pass through it first."""
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 255)(change(inputs) if change else inputs)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def base_network():
    """Seven convolutions for images of any size. The output has an eighth of the image's height and width."""
    inputs = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, -1)(inputs)
    for stage, (filters, convolutions) in enumerate([(32, 2), (64, 2), (128, 2), (256, 1)], 1):
        if stage > 1:
            x = layers.MaxPooling2D(2)(x)
        for i in range(1, convolutions + 1):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"stage{stage}_conv{i}")(x)
            x = layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_norm{i}")(x)
            x = layers.ReLU(name=f"stage{stage}_relu{i}")(x)
    return keras.Model(inputs, x, name="base")


def pretrained_base(weights, epochs, limit, output):
    """The base without its last stage, trained on eight classes of CIFAR-10, or with the weights of a file.

    The features of the last stage are specific to CIFAR-10's classes. Those of earlier stages are useful for other
    images too (Yosinski et al., "How transferable are features in deep neural networks?", 2014).
    """
    base = base_network()
    if weights:
        base.load_weights(weights)
    else:
        train_on_other_classes(base, epochs, limit)
        base.save_weights(output / "base.weights.h5")
    return keras.Model(base.inputs, base.get_layer("stage3_relu2").output, name="base")


def train_on_other_classes(base, epochs, limit):
    """Train the base on the first `limit` images of CIFAR-10, without the cats and dogs."""
    (x, y), (x_test, y_test) = cifar10.load_data()
    (x, y), (x_test, y_test) = others(x[:limit], y[:limit]), others(x_test, y_test)
    inputs = keras.Input((32, 32, 3))
    shifted = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomTranslation(0.12, 0.12)])(inputs)
    features = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(base(shifted)))
    model = keras.Model(inputs, layers.Dense(len(OTHERS), activation="softmax")(features), name="cifar10")
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(x) // 64))
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(x, y, batch_size=64, epochs=epochs)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"The base has a test accuracy of {accuracy:.4f} on the {len(OTHERS)} other classes of CIFAR-10.")


def others(x, y):
    """The images and labels of CIFAR-10 that are neither cats nor dogs. Labels are renumbered from 0 to 7."""
    chosen = np.isin(y[:, 0], OTHERS)
    return x[chosen], np.searchsorted(OTHERS, y[chosen, 0])


def on_top_of(base):
    """A classifier on top of the frozen base. It takes the base's features, averaged in 4 x 4 parts of the image."""
    base.trainable = False
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.AveragePooling2D(SIZE // 16)(base(augmentation()(inputs)))
    x = layers.Dropout(0.5)(layers.BatchNormalization()(layers.Flatten()(x)))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def thaw(base, stages):
    """Make the convolutions of these stages trainable again. Batch normalization stays frozen."""
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer.name.startswith(tuple(stages)) and "norm" not in layer.name


def draw_augmentation(images, path):
    """Draw each photograph, and beside it seven augmented versions."""
    change = augmentation()
    rows = [[image, *change(np.stack([image] * 7))] for image in images]
    figure, axes = plt.subplots(len(rows), 8, figsize=(10, 1.35 * len(rows)), layout="constrained")
    for row, pictures in zip(axes, rows, strict=True):
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(np.clip(picture / 255, 0, 1))
            axis.axis("off")
    axes[0, 0].set_title("photograph", fontsize=9)
    axes[0, 1].set_title("augmented", fontsize=9)
    figure.savefig(path, dpi=120)


def draw_results(model, histories, photographs, labels, output):
    """Draw training curves of each way, the mistakes of `model`, and the places in an image that it used."""
    for name, history in histories.items():
        visualize.history(history).savefig(output / f"cats_and_dogs_curves_{name}.png", dpi=120)
    probabilities = model.predict(photographs, verbose=0)
    for_dog = probabilities[:, 0]
    wrong = np.flatnonzero((for_dog > 0.5) != labels)
    worst = wrong[np.argsort(-abs(for_dog[wrong] - 0.5))][:18]
    if len(worst):
        figure = visualize.predictions(photographs[worst], probabilities[worst], labels[worst], CLASSES)
        figure.savefig(output / "cats_and_dogs_wrong.png", dpi=120)
    for label, name in enumerate(CLASSES):
        surest = np.argmax(np.where(labels == label, for_dog if label else 1 - for_dog, -1))
        figure = visualize.grad_cam(model, photographs[surest], "base", label, CLASSES)
        figure.savefig(output / f"cats_and_dogs_grad_cam_{name}.png", dpi=120)


def write_page(model, history, photographs, labels, path):
    """Write a page on which the network computes six photographs of each class."""
    chosen = np.concatenate([np.flatnonzero(labels == label)[:6] for label in range(len(CLASSES))])
    visualize.explore(model, photographs[chosen], labels[chosen], CLASSES, history, path)


def main():
    arguments = parse_arguments()
    utils.set_random_seed(arguments.seed)
    data = arguments.data or Path(os.environ.get("MINICNN_DATA", ".")) / "cats_and_dogs"
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)

    pictures = ImageDataGenerator()
    flow = {"target_size": (SIZE, SIZE), "class_mode": "binary", "classes": ["cats", "dogs"], "interpolation": "box"}
    train = pictures.flow_from_directory(data / "train", seed=arguments.seed, **flow)
    validation = pictures.flow_from_directory(data / "validation", shuffle=False, **flow)
    draw_augmentation(next(train)[0][:4], output / "cats_and_dogs_augmentation.png")

    histories, seconds = {}, {}

    def train_for(epochs, name, model, rate=1e-3):
        started = time.perf_counter()
        epochs = 2 if arguments.quick else epochs
        rate = keras.optimizers.schedules.CosineDecay(rate, epochs * len(train))
        model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
        print(f"\n{name}: {sum(weight.value.size for weight in model.trainable_weights):,} weights are trained")
        histories[name] = model.fit(train, validation_data=validation, epochs=epochs, verbose=2)
        seconds[name] = time.perf_counter() - started

    train_for(60, "plain", small_network())
    train_for(60, "augmented", small_network(augmentation()))

    started = time.perf_counter()
    base = pretrained_base(arguments.base, *((2, 2000) if arguments.quick else (10, None)), output)
    seconds["base"] = time.perf_counter() - started
    model = on_top_of(base)
    train_for(30, "transfer", model, rate=2e-3)
    thaw(base, ["stage3"])
    train_for(20, "fine-tuned", model, rate=1e-4)

    photographs = np.concatenate([validation[i][0] for i in range(len(validation))])
    draw_results(model, histories, photographs, validation.labels, output)
    print(f"\n{'':<12}{'training':>10}{'validation':>12}{'seconds':>9}    accuracies: means of the last three epochs")
    for name, history in histories.items():
        training, held_out = (np.mean(history.history[key][-3:]) for key in ("accuracy", "val_accuracy"))
        print(f"{name:<12}{training:>10.4f}{held_out:>12.4f}{seconds[name]:>9.0f}")
    print(f"The base took {seconds['base']:.0f} seconds. The figures are in {output}.")
    page = output / "cats_and_dogs_explore.html"
    write_page(model, histories["fine-tuned"], photographs, validation.labels, page)
    print(f"Open {page} in a browser: the network computes there, and every number can be clicked.")


if __name__ == "__main__":
    main()
