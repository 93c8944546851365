"""Draw a network's predictions for images, and its confusion matrix."""

from __future__ import annotations

import numpy as np

from ..figures import figure_of
from .grid import grid


def predictions(images, probabilities, labels=None, classes=None, columns=6):
    """Draw images (N, H, W, C), each with its likeliest class and its probability in the title.

    The title of a wrong prediction is red and also names the right class. probabilities (N, K), or (N, 1) from a
    sigmoid; labels (N,) integers; classes: the K names.
    """
    images, probabilities = np.asarray(images), np.asarray(probabilities)
    likeliest, certainty = _likeliest(probabilities)
    labels = None if labels is None else np.asarray(labels).reshape(-1).astype(int)
    for name, given in (("probabilities", likeliest), ("labels", labels)):
        if given is not None and len(given) != len(images):
            raise ValueError(f"There are {len(images)} images and {len(given)} {name}.")
    titles, colours = [], []
    for i, (found, sure) in enumerate(zip(likeliest, certainty, strict=True)):
        right = labels is None or found == labels[i]
        titles.append(f"{_name(found, classes)} {sure:.0%}" + ("" if right else f"\nis {_name(labels[i], classes)}"))
        colours.append("black" if right else "#c00000")
    return grid(images, titles, columns, size=1.5, colours=colours)


def confusion_matrix(labels, predicted, classes=None):
    """Draw how often images of each class (row) are predicted as each class (column). Colour is the share of the row.

    labels (N,) integers; predicted (N,) integers, or probabilities (N, K).
    """
    labels, predicted = np.asarray(labels).reshape(-1).astype(int), np.asarray(predicted)
    predicted = _likeliest(predicted)[0] if predicted.ndim > 1 else predicted.astype(int)
    if len(labels) != len(predicted) or not len(labels):
        raise ValueError(f"There are {len(labels)} labels and {len(predicted)} predictions.")
    K = len(classes) if classes is not None else int(max(labels.max(), predicted.max())) + 1
    if min(labels.min(), predicted.min()) < 0 or max(labels.max(), predicted.max()) >= K:
        raise ValueError(f"Labels and predictions must be from 0 to {K - 1}.")
    counts = np.zeros((K, K), int)
    np.add.at(counts, (labels, predicted), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = figure_of((1.8 + 0.55 * K, 1.5 + 0.5 * K))
    axes = figure.subplots()
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i in range(K):
        for j in range(K):
            colour = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, counts[i, j], ha="center", va="center", fontsize=8, color=colour)
    names = [_name(i, classes) for i in range(K)]
    axes.set_xticks(range(K), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(K), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    figure.colorbar(drawn, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def _likeliest(probabilities):
    """(class, its probability) of every row."""
    if probabilities.ndim != 2:
        raise ValueError(f"Probabilities are (N, K); received shape {probabilities.shape}.")
    if probabilities.shape[1] == 1:
        found = (probabilities[:, 0] > 0.5).astype(int)
        return found, np.where(found == 1, probabilities[:, 0], 1 - probabilities[:, 0])
    return probabilities.argmax(axis=1), probabilities.max(axis=1)


def _name(i, classes):
    return str(i) if classes is None else str(classes[i])
