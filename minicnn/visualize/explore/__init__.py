"""`explore`: one HTML file in which a person sees a network compute, forward and backward.

The page computes the network by itself, in JavaScript, from the weights in the file. It needs no server and no network.

network.py      a model as the page's network, and what minicnn computed for the images
operations.py   each layer as operations of `ops/` (`operation.py`: what one is)
graphs.py       layers that define `call`, and functions as activations, as operations
kept.py         which weights are in the page, and which outputs of layers whose weights are not
training.py     the curves, earlier epochs, the optimizer's next step
below.py        the place of a convolution's pixel in the matrix product, a register tile and a GPU's block
targets.py      the loss that the page differentiates, and the targets
lessons.py      the equation and the definition of each operation, taken from minicnn's own source
page.py         puts the file together

page.html style.css app.js    the page, its look, and its state
network.js tensor.js          the network in JavaScript; `ops/` has a file for every operation, forward and backward
losses.js grad_cam.js         losses with their derivatives; the evidence for a class
views/                        what the page shows
strings.js                    every text of the page, in English and Korean
"""

from __future__ import annotations

import numpy as np

from ...layers.state import unchanged_state
from ...models import Model
from ...models.data import Data
from .below import add_below
from .kept import kept_weights, recorded_slots
from .lessons import lessons
from .network import Network, can_be_opened
from .page import Numbers, Page
from .targets import loss_of, targets_of
from .training import optimizer_of, training_of

_MOST_IMAGES = 100
_MOST_PIXELS = 4_000_000  # numbers in all images: 16 MB
_MOST_WEIGHTS = 1_500_000  # numbers
_MOST_RECORDED = 2_000_000  # numbers that layers without weights in the page have computed
_SHOWN = (
    "explore shows models that run their layers: Sequential([...]), Model(inputs, outputs), or a class whose call "
    "calls layers; not those with a forward of their own, or with weights of their own; received {!r}."
)


def explore(model, x, y=None, classes=None, history=None, file="explore.html") -> Page:
    """Write an HTML file that shows how a built model computes the images x, and return the page.

    x: images (N, H, W, C), at most 100, and y: the right labels (N,) or the model's targets, both as `fit` takes them:
    for several inputs or outputs lists, or dictionaries by name. classes: the names of the classes. history: what `fit`
    returned, or an `ExploreRecorder`. file: the path of the file; None writes none. In a notebook the page shows
    itself.

    Up to 1.5 million weights are in the file. Of a larger model the smallest layers are, as far as a page can compute
    them in a second or two. The page shows what minicnn computed for the others, and says that they are asleep.
    ValueError for images that the model cannot take.
    """
    xs, y = _checked(model, x, y)
    network, numbers = Network(model, xs), Numbers()
    kept = kept_weights(network, _MOST_WEIGHTS)
    asleep = recorded_slots(network, kept, _MOST_RECORDED // len(xs[0]))
    add_below(network, numbers)
    computed, output = network.compute(xs, asleep), _first_output(model, xs)
    loss = loss_of(model, y, output, classes is not None)
    data = {
        "name": model.name,
        "layers": network.layers,
        "inputs": network.inputs,
        "outputs": network.outputs,
        "weights": [_weight(network, i, kept[i], numbers) for i in range(len(network.weights))],
        "images": [numbers.add(values, _kind_of(values)) for values in xs],
        "loss": loss,
        "classes": _names(classes, output.shape[-1]),
        "computed": numbers.add(output),
        "recorded": {slot: numbers.add(computed[slot]) for slot in asleep},
        "lessons": lessons(network),
        **targets_of(y, output, loss["operation"], numbers),
        **optimizer_of(model, network, numbers),
        **training_of(history, model, xs, numbers),
    }
    page = Page(data, numbers)
    if file is not None:
        page.save(file)
    return page


def _checked(model, x, y) -> tuple[list[np.ndarray], np.ndarray | None]:
    """(an array for each input, in the model's type; the targets of the first output)."""
    if not isinstance(model, Model):
        raise ValueError(_SHOWN.format(model))
    data = Data(x, y, None, model.input_names, model.output_names)
    if data.size > _MOST_IMAGES or sum(values.size for values in data.xs) > _MOST_PIXELS:
        raise ValueError(
            f"explore shows at most {_MOST_IMAGES} images, and {_MOST_PIXELS:,} numbers in all; received x of shape "
            f"{data.xs[0].shape}: pass a few, for example x[:16]."
        )
    if model.inputs:
        data.fit_ranks([symbol.shape for symbol in model.inputs])
    xs = [values.astype(model.dtype) for values in data.xs]
    shapes = [values.shape for values in xs]
    model.build_for(shapes if model.takes_several else shapes[0])
    if not can_be_opened(model):
        raise ValueError(_SHOWN.format(model))
    y = data.ys[0]
    if y is not None and model.compiled and model._heads[0].loss is not None:
        model._heads[0].loss.check_targets(y, model._shapes_of_outputs(shapes)[0])
    return xs, y


def _first_output(model, xs) -> np.ndarray:
    """What the model itself computes for each image, with which the page compares its own numbers."""
    found = []
    with unchanged_state(model):
        for i in range(len(xs[0])):
            one = [x[i : i + 1] for x in xs]
            outputs = model.predict(one if model.takes_several else one[0], verbose=0)
            outputs = list(outputs.values()) if isinstance(outputs, dict) else outputs
            found.append(outputs[0] if isinstance(outputs, list) else outputs)
    return np.concatenate(found)


def _weight(network, i, kept, numbers) -> dict:
    """The description of a weight, without its numbers if it is not kept. trains: whether its next step follows from
    the loss alone."""
    array, variable = network.weights[i], network.variables[i]
    described = numbers.add(array) if kept else {"shape": list(array.shape)}
    trains = any(variable is other for other in network.model.trainable_variables)
    trains = trains and variable.regularizer is None and variable.constraint is None
    return {**described, "name": None if variable is None else variable.path, "trains": trains}


def _kind_of(images):
    """The type in which images are stored: bytes where all numbers are whole and from 0 to 255."""
    whole = images.size and images.min() >= 0 and images.max() <= 255 and np.array_equal(images, np.rint(images))
    return np.uint8 if whole else np.float32


def _names(classes, count) -> list[str]:
    if classes is None:
        return [str(i) for i in range(max(count, 2))]
    if isinstance(classes, (str, dict)) or not hasattr(classes, "__len__"):
        raise ValueError(f"classes must be a list of names, one for each class; received {classes!r}.")
    names = [str(name) for name in classes]
    if len(names) < count:
        raise ValueError(f"classes must have a name for each of the {count} outputs; received {len(names)} names.")
    return names
