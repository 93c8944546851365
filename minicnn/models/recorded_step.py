"""Which training steps are recorded and replayed, and what a recording depends on.

A recording is a list of kernels with the memory that they read and write (`kernels/cpu/recording.py`). `runtime/replay`
makes it after a step has run a few times. A recording is valid until one of the things that the step depends on
changes: an attribute of a layer, of the optimizer or of a loss, or the array in which a weight is stored. Then the step
is recorded again.
"""

from __future__ import annotations

from .. import config
from ..activations import Activation
from ..dispatch import backend
from ..regularizers import Regularizer
from ..runtime import replay
from ..runtime.replay import changes
from ..runtime.replay.recorded import is_own, runs_own_code
from .alone import keeps_images_apart

_HELD_BY_LAYERS = (Activation, Regularizer)


def recorded_step(model, learn):
    """A function that replays `learn` where it can; `learn` itself with run_eagerly or for a user's model class."""
    if model.run_eagerly or is_users_code(model):
        return learn
    return replay.make(learn, lambda: _what_it_depends_on(model))


def is_users_code(model) -> bool:
    """Whether the model's class, or its forward or backward, is not minicnn's own."""
    own = type(model).__module__.startswith("minicnn.") or model._draws
    return not own or bool({"forward", "backward"} & vars(model).keys())


def may_be_rehearsed(model) -> bool:
    """Whether the model's steps run on the processor, and no code of a user runs in them."""
    measures = [metric for head in model._heads for metric in head.all_metrics()]
    parts = [part for part in [*_what_it_depends_on(model)[0], *measures] if part is not None]
    own_model = type(model).__module__.startswith("minicnn.") and not is_users_code(model)
    return backend() != "cuda" and own_model and all(runs_own_code(part) for part in parts)


def computes_images_alone(model, training, shapes) -> bool:
    """Whether the outputs for one image do not depend on the images beside it, and no layer runs a user's `forward`.

    A batch normalization in training mixes the images of a batch, a penalty on outputs adds them up, and operations
    such as ops.mean(x, axis=0) may do anything (`alone.py`). shapes: of the inputs.
    """
    layers = model.flattened()
    steps = [step for layer in layers if getattr(layer, "plan", None) for step in layer.plan.steps]
    mixes = training or any(step.training for step in steps) or any(layer.activity_regularizer for layer in layers)
    own = not mixes and all(is_own(part) for part in what_layers_depend_on(model)[0])
    return own and keeps_images_apart(model, shapes)


def what_layers_depend_on(model):
    """(the objects whose code a forward pass runs, [(object, name of an attribute)] for the other values it uses)."""
    graphs = [graph for graph in model._drawings.values() if hasattr(graph, "plan")]
    layers = [
        *model.flattened()[1:],
        *(step.layer for graph in graphs for step in graph.plan.steps if not step.layer.may_be_recorded),
    ]
    held = [value for layer in layers for value in vars(layer).values() if isinstance(value, _HELD_BY_LAYERS)]
    used = [(model, "_sublayers"), (model, "_drawings"), (config, "_epsilon"), (changes.of_drawn_layers, "last")]
    used += [(v, "array") for v in model.weights]
    return list({id(part): part for part in [*layers, *held]}.values()), used


def _what_it_depends_on(model):
    """The same for a training step: its losses, its optimizer and the rules for weights too."""
    objects, used = what_layers_depend_on(model)
    rules = [rule for v in model.weights for rule in (v.regularizer, v.constraint) if rule is not None]
    losses = [head.loss for head in model._heads_with_loss()]
    objects = {id(part): part for part in [model.optimizer, *losses, *objects, *rules]}
    used += [(model, name) for name in ("optimizer", "_heads")]
    used += [(v, name) for v in model.weights for name in ("trainable", "regularizer", "constraint")]
    return list(objects.values()), [*used, *((head, "loss") for head in model._heads)]
