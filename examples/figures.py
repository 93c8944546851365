"""The figures of the examples. Every function returns a matplotlib Figure; `data_name` stands in its title."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from minicnn import Model

TRAIN, VALIDATION, RIGHT, WRONG, OTHER = "#3b6fb6", "#e07b39", "#2e8b57", "#c0392b", "#b8c0c8"


def curves(history, data_name):
    """Loss and accuracy of training and validation over the epochs of a History."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    figure.suptitle(f"Training on {data_name}")
    epochs = np.array(history.epoch) + 1
    for axes, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for key, label, color in ((metric, "training", TRAIN), (f"val_{metric}", "validation", VALIDATION)):
            axes.plot(epochs, history.history[key], marker="o", markersize=4, color=color, label=label)
        best = int(np.argmin(history.history["val_loss"]))
        axes.axvline(epochs[best], color="grey", linestyle=":", label="lowest validation loss")
        axes.set(xlabel="epoch", ylabel=metric)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if np.ptp(axes.get_ylim()) > 0.05 else 1))
    axes.legend()
    return figure


def predictions(images, labels, probabilities, names, data_name, rows=4, columns=4):
    """A grid of images (n, H, W) beside the probabilities (n, K) that the model gives them: half of them mistakes."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)[: rows * columns // 2]
    right = np.flatnonzero(probabilities.argmax(axis=1) == labels)[: rows * columns - len(wrong)]
    chosen = np.sort(np.concatenate([right, wrong]))
    figure = Figure(figsize=(3.4 * columns, 2.1 * rows), layout="constrained")
    figure.suptitle(
        f"{data_name}: the first right predictions and the first mistakes (green the true class, red the wrong guess)"
    )
    grid = figure.subplots(rows, 2 * columns, squeeze=False, width_ratios=[1, 1.2] * columns)
    for axes in grid.flat:
        axes.set_axis_off()
    for place, i in enumerate(chosen):
        row, column = divmod(place, columns)
        picture, bars = grid[row, 2 * column], grid[row, 2 * column + 1]
        picture.imshow(images[i], cmap="gray_r")
        guess, truth = int(probabilities[i].argmax()), int(labels[i])
        picture.set_title(names[truth], fontsize=9, color=RIGHT if guess == truth else WRONG)
        bars.set_axis_on()
        colors = [RIGHT if k == truth else WRONG if k == guess else OTHER for k in range(len(names))]
        bars.barh(range(len(names)), probabilities[i], color=colors)
        bars.set_yticks(range(len(names)), names, fontsize=5.5)
        bars.set(xlim=(0, 1), xticks=[0, 1])
        bars.tick_params(axis="x", labelsize=6)
        bars.xaxis.set_major_formatter(PercentFormatter(1.0))
        bars.invert_yaxis()
    return figure


def confusion(labels, guesses, names, data_name):
    """How often each true class (rows) was taken for each class (columns), in percent of the row."""
    counts = np.zeros((len(names), len(names)))
    np.add.at(counts, (labels, guesses), 1)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(7.4, 6.6), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.ndindex(shares.shape):
        if shares[row, column] >= 0.05:
            color = "white" if shares[row, column] > 55 else "black"
            axes.text(column, row, f"{shares[row, column]:.1f}", ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="true class", title=f"What is taken for what, {data_name}")
    figure.colorbar(image, label="% of the true class", shrink=0.8)
    return figure


def filters_and_maps(model, untrained, image, data_name, count=16):
    """The first layer's filters, and what they make of an image (H, W, 1), before and after training.

    untrained holds the model's weights before training; the model's own are as they were when this returns.
    """
    trained = model.get_weights()
    first = model.layers[0]
    maps_of = Model(model.inputs, first.output)
    figure = Figure(figsize=(13, 5.4), layout="constrained")
    figure.suptitle(f"The first layer, {data_name}: {count} of its {first.filters} filters and their feature maps")
    before, after = figure.subfigures(1, 2, wspace=0.04)
    for part, title, weights in ((before, "before training", untrained), (after, "after training", trained)):
        model.set_weights(weights)
        part.suptitle(title)
        above, below = part.subfigures(2, 1, height_ratios=[1, 1])
        _tiles(above, first.kernel.numpy()[:, :, 0, :count], "filters (blue negative, red positive)", "coolwarm", True)
        _tiles(below, maps_of.predict(image[None], verbose=0)[0, :, :, :count], "feature maps", "viridis", False)
    model.set_weights(trained)
    return figure


def _tiles(figure, pictures, title, colors, symmetric):
    """Pictures (H, W, count) side by side, on one scale; the strongest 1 % of the numbers may go beyond it."""
    limit = float(np.quantile(np.abs(pictures), 0.99)) or 1.0
    figure.suptitle(title, fontsize=10)
    for axes, k in zip(figure.subplots(2, pictures.shape[-1] // 2).flat, range(pictures.shape[-1]), strict=True):
        axes.imshow(pictures[:, :, k], cmap=colors, vmin=-limit if symmetric else 0, vmax=limit)
        axes.set_axis_off()
