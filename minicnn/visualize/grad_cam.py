"""Show which places in an image are evidence for a class.

The gradient of a class's score, averaged over a map of the last convolution, is the map's weight. It says how much the
map supports the class. The evidence is the sum of the maps times their weights, with negative sums set to 0.

Source: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", 2017.
"""

from __future__ import annotations

import numpy as np

from ..figures import figure_of
from ..models import Model
from ..runtime import transfer
from .feature_maps import found_layer, made_by
from .grid import shown


def grad_cam_map(model, image, layer=None, label=None) -> np.ndarray:
    """The evidence for a class in an image (H, W, C): an array from 0 to 1, of the size of one of the layer's maps.

    layer: its name, its number or the layer object; by default the last layer that makes maps (N, H, W, F). label: the
    class; by default the likeliest one. The model ends in one score or probability for each class, or in one output for
    two classes.
    """
    image = np.asarray(image)
    if image.ndim != 3:
        raise ValueError(f"grad_cam takes one image (H, W, C); received shape {image.shape}.")
    model.build_for((None, *image.shape))
    symbol = _last_maps(model) if layer is None else made_by(model, found_layer(model, layer))
    maps = Model(model.inputs, symbol).predict(image[None], verbose=0)
    rest = Model(symbol, model.outputs[0])
    rest.to_device()
    options = {"logits": True} if rest.ends_in else {}
    scores, saved = rest.forward(transfer.to_device(maps), training=False, need_saved=True, **options)
    K = scores.shape[-1]
    if label is None:
        label = int(np.argmax(transfer.to_host(scores)[0]))
    if not 0 <= label < max(K, 2):
        raise ValueError(f"The model has {K} outputs; received label={label!r}.")
    dy = np.zeros((1, K), maps.dtype)
    dy[0, label if K > 1 else 0] = 1 if K > 1 or label == 1 else -1  # a single output is the score of class 1
    before = [variable.grad for variable in rest.weights]
    gradient = transfer.to_host(rest.backward(transfer.to_device(dy), saved))
    for variable, grad in zip(rest.weights, before, strict=True):
        variable.grad = grad
    weights = gradient[0].mean(axis=(0, 1))
    evidence = np.maximum(maps[0] @ weights, 0)
    return evidence / evidence.max() if evidence.max() > 0 else evidence


def grad_cam(model, image, layer=None, label=None, classes=None):
    """Draw the image, the evidence, and both on top of each other; see `grad_cam_map`."""
    evidence = grad_cam_map(model, image, layer, label)
    if label is None:
        scores = model.predict(np.asarray(image)[None], verbose=0)[0]
        label = int(np.argmax(scores)) if len(scores) > 1 else int(scores[0] > 0.5)
    name = str(label) if classes is None else classes[label]
    figure = figure_of((9.6, 3.4))
    picture, extent = shown(image), (0, np.shape(image)[1], np.shape(image)[0], 0)
    panels = figure.subplots(1, 3)
    for axes, title in zip(panels, ("image", f"evidence for {name}", "both"), strict=True):
        axes.set_title(title)
        axes.axis("off")
    for axes in (panels[0], panels[2]):
        axes.imshow(picture, cmap="gray", extent=extent)
    drawn = panels[1].imshow(evidence, cmap="inferno", vmin=0, vmax=1, extent=extent)
    panels[2].imshow(evidence, cmap="inferno", vmin=0, vmax=1, extent=extent, alpha=0.5, interpolation="bilinear")
    figure.colorbar(drawn, ax=list(panels), shrink=0.8)
    return figure


def _last_maps(model):
    for layer in reversed(model.layers):
        symbol = made_by(model, layer)
        if len(symbol.shape) == 4:
            return symbol
    raise ValueError(f"{model.name!r} has no layer that makes maps (N, H, W, F).")
