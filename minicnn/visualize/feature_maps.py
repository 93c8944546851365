"""Draw the feature maps that a layer computes from an image."""

from __future__ import annotations

import numpy as np

from ..figures import figure_of
from ..models import Model
from .grid import grid, shown


def feature_maps(model, image, layer, map=None, before=None, columns=8):
    """Draw the maps (H, W, F) that a layer of a built model computes from one image (H, W, C), each in its own range.

    layer: its name, its number, or the layer object. map: draw only the map of this number, large, beside the image.
    before: the same maps from an earlier time, drawn above the present ones; an array (H, W, F), or a model with the
    weights of that time.
    """
    layer = found_layer(model, layer)
    now, image = _maps(model, image, layer), np.asarray(image)
    earlier = None if before is None else _maps(before, image, found_layer(before, layer.name)) if isinstance(
        before, Model
    ) else np.asarray(before)  # fmt: skip
    if earlier is not None and earlier.shape != now.shape:
        raise ValueError(f"The maps in before must have shape {now.shape}; received shape {earlier.shape}.")
    if map is not None:
        return _one(image, now, earlier, map, layer.name)
    titles = [str(i) for i in range(now.shape[2])]
    if earlier is None:
        return grid([now[..., i] for i in range(now.shape[2])], titles, columns)
    pairs, names = [], []
    for start in range(0, now.shape[2], columns):
        several = range(start, min(start + columns, now.shape[2]))
        for maps, when in ((earlier, "before"), (now, "after")):
            pairs += [maps[..., i] for i in several] + [np.zeros_like(now[..., 0])] * (columns - len(several))
            names += [f"{i} {when}" for i in several] + [""] * (columns - len(several))
    return grid(pairs, names, columns)


def found_layer(model, layer):
    """The layer of a model, given as the layer object, its name or its number. ValueError if there is none."""
    if isinstance(layer, str):
        return model.get_layer(layer)
    if hasattr(layer, "__index__"):
        return model.get_layer(index=int(layer))
    if layer not in model.layers_and_operations:
        raise ValueError(f"{layer!r} is not a layer of {model.name!r}.")
    return layer


def made_by(model, layer):
    """The symbol of a layer's output within a model. The layer may belong to other models too."""
    waiting, seen = list(model.outputs), {id(symbol) for symbol in model.inputs}
    while waiting:
        symbol = waiting.pop()
        if symbol.node.layer is layer:
            return symbol
        if id(symbol) not in seen:
            seen.add(id(symbol))
            waiting += symbol.node.inputs
    raise ValueError(f"The output of {model.name!r} does not depend on the layer {layer.name!r}.")


def _maps(model, image, layer):
    image = np.asarray(image)
    if image.ndim != 3:
        raise ValueError(f"feature_maps takes one image (H, W, C); received shape {image.shape}.")
    maps = Model(model.inputs, made_by(model, layer)).predict(image[None], verbose=0)[0]
    if maps.ndim != 3:
        raise ValueError(
            f"feature_maps needs a layer that gives maps (H, W, F); {layer.name!r} gives shape {maps.shape}."
        )
    return maps


def _one(image, now, earlier, number, name):
    if not 0 <= number < now.shape[2]:
        raise ValueError(f"map must be from 0 to {now.shape[2] - 1}; received map={number!r}.")
    panels = [("image", shown(image))]
    if earlier is not None:
        panels.append((f"{name}, map {number}, before", earlier[..., number]))
    panels.append((f"{name}, map {number}", now[..., number]))
    figure = figure_of((3.2 * len(panels), 3.2))
    for axes, (title, picture) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        drawn = axes.imshow(picture, cmap="gray", interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.axis("off")
        if title != "image":
            figure.colorbar(drawn, ax=axes, shrink=0.8)
    return figure
