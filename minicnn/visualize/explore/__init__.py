"""`explore`: one HTML file in which a person sees a network compute, forward and backward.

The page computes the network by itself, in JavaScript, from the weights in the file. It needs no server and no network.

network.py      a model as the page's network, and what minicnn computed for the images
operations.py   each layer as operations of `ops/`
kept.py         which weights are in the page, and which outputs of layers whose weights are not
training.py     the curves, earlier epochs, the optimizer's next step
below.py        the place of a convolution's pixel in the matrix product, a register tile and a GPU's block
lessons.py      the equation and the definition of each operation, taken from minicnn's own source
page.py         puts the file together

page.html style.css app.js    the page, its look, and its state
network.js tensor.js          the network in JavaScript; `ops/` has a file for every operation, forward and backward
views/                        what the page shows
strings.js                    every text of the page, in English and Korean
"""

from __future__ import annotations

import numpy as np

from ...models.data import Data
from .below import add_below
from .kept import kept_weights, recorded_outputs
from .lessons import lessons
from .network import Network
from .page import Numbers, Page
from .training import optimizer_of, training_of

_MOST_IMAGES = 100
_MOST_WEIGHTS = 1_500_000  # numbers
_MOST_RECORDED = 2_000_000  # numbers that layers without weights in the page have computed
_LOSSES = {
    "cross_entropy": ("sparse_categorical_cross_entropy", "categorical_cross_entropy"),
    "binary": ("binary_cross_entropy",),
    "squared": ("mean_squared_error",),
}


def explore(model, x, y=None, classes=None, history=None, file="explore.html") -> Page:
    """Write an HTML file that shows how a built model computes the images x, and return the page.

    x: images (N, H, W, C), at most 100, and y: the right labels (N,) or the model's targets, both as `fit` takes them:
    for several inputs or outputs lists, or dictionaries by name. classes: the names of the classes. history: what `fit`
    returned, or an `ExploreRecorder`. file: the path of the file; None writes none. In a notebook the page shows
    itself.

    Up to 1.5 million weights are in the file. Of a larger model the smallest layers are; the page shows what minicnn
    computed for the others, and says that they are asleep. ValueError for images that the model cannot take.
    """
    xs, y = _checked(model, x, y)
    network = Network(model, xs)
    numbers = Numbers()
    kept = kept_weights(network, _MOST_WEIGHTS)
    add_below(network, numbers)
    data = {
        "name": model.name,
        "layers": network.layers,
        "inputs": network.inputs,
        "outputs": network.outputs,
        "weights": [_weight(network, i, kept[i], numbers) for i in range(len(network.weights))],
        "images": [numbers.add(values, _kind_of(values)) for values in xs],
        "loss": _loss_of(model),
        "classes": _names(classes, network.values[network.outputs[0]].shape[-1]),
        "computed": numbers.add(network.values[network.outputs[0]]),
        "recorded": recorded_outputs(network, kept, _MOST_RECORDED, numbers),
        "lessons": lessons(),
        **_targets(y, network.values[network.outputs[0]], numbers),
        **optimizer_of(model, network, numbers),
        **training_of(history, model, xs, numbers),
    }
    page = Page(data, numbers)
    if file is not None:
        page.save(file)
    return page


def _checked(model, x, y) -> tuple[list[np.ndarray], np.ndarray | None]:
    """(an array for each input, in the model's type; the targets of the first output)."""
    data = Data(x, y, None, model.input_names, model.output_names)
    if data.size > _MOST_IMAGES:
        raise ValueError(
            f"explore shows at most {_MOST_IMAGES} images; received x of shape {data.xs[0].shape}: pass a few, for "
            "example x[:16]."
        )
    if model.inputs:
        data.fit_ranks([symbol.shape for symbol in model.inputs])
    xs = [values.astype(model.dtype) for values in data.xs]
    shapes = [values.shape for values in xs]
    model.build_for(shapes if model.takes_several else shapes[0])
    return xs, data.ys[0]


def _weight(network, i, kept, numbers) -> dict:
    """The description of a weight, without its numbers if it is not kept."""
    array, variable = network.weights[i], network.variables[i]
    described = numbers.add(array) if kept else {"shape": list(array.shape)}
    return {**described, "name": None if variable is None else variable.path}


def _kind_of(images):
    """The type in which images are stored: bytes where all numbers are whole and from 0 to 255."""
    whole = images.size and images.min() >= 0 and images.max() <= 255 and np.array_equal(images, np.rint(images))
    return np.uint8 if whole else np.float32


def _loss_of(model) -> dict:
    """The loss that the page differentiates: the model's own, or what its last activation asks for."""
    loss = model._heads[0].loss if model.compiled else None
    if loss is not None:
        for kind, operations in _LOSSES.items():
            if loss.operation in operations:
                return {"kind": kind, "from_logits": bool(getattr(loss, "from_logits", False))}
    end = model.ends_in[0] if isinstance(model.ends_in, list) else model.ends_in
    kind = {"softmax": "cross_entropy", "sigmoid": "binary"}.get(end if loss is None else None, "score")
    return {"kind": kind, "from_logits": False}


def _names(classes, count) -> list[str]:
    if classes is None:
        return [str(i) for i in range(max(count, 2))]
    names = [str(name) for name in classes]
    if len(names) < count:
        raise ValueError(f"classes must have a name for each of the {count} outputs; received {len(names)} names.")
    return names


def _targets(y, output, numbers) -> dict:
    """{"labels": one for each image} or {"targets": numbers of the output's shape}."""
    if y is None:
        return {}
    rows = y.reshape(len(y), -1)
    if rows.shape[1] == 1:
        return {"labels": [float(label) for label in rows[:, 0]]}
    if y.shape != output.shape:
        raise ValueError(f"y must be labels (N,) or have the output's shape {output.shape}; received shape {y.shape}.")
    one_hot = y.ndim == 2 and np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all()
    return {"labels": [float(label) for label in rows.argmax(axis=1)]} if one_hot else {"targets": numbers.add(y)}
