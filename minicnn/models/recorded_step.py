"""Which training steps are recorded and replayed, and what a recording depends on.

A recording is a list of kernels with the memory that they read and write (`kernels/cpu/recording.py`). `runtime/replay`
makes it after a step has run a few times. A recording is valid until one of the things that the step depends on
changes: an attribute of a layer, of the optimizer or of a loss, or the array in which a weight is stored. Then the step
is recorded again.
"""

from __future__ import annotations

from .. import config
from ..activations import Activation
from ..regularizers import Regularizer
from ..runtime import replay

_HELD_BY_LAYERS = (Activation, Regularizer)


def recorded_step(model, learn):
    """A function that replays `learn` where it can; `learn` itself with run_eagerly or for a user's model class."""
    users_code = not type(model).__module__.startswith("minicnn.") or {"forward", "backward"} & vars(model).keys()
    if model.run_eagerly or users_code:
        return learn
    return replay.make(learn, lambda: _what_it_depends_on(model))


def _what_it_depends_on(model):
    """(the objects whose code a step runs, [(object, name of an attribute)] for the other values that it uses)."""
    layers = model.flattened()[1:]
    rules = [rule for v in model.weights for rule in (v.regularizer, v.constraint) if rule is not None]
    held = [value for layer in layers for value in vars(layer).values() if isinstance(value, _HELD_BY_LAYERS)]
    losses = [head.loss for head in model._heads_with_loss()]
    objects = {id(part): part for part in [model.optimizer, *losses, *layers, *rules, *held]}
    used = [(model, name) for name in ("optimizer", "_heads", "_sublayers")]
    used += [(v, name) for v in model.weights for name in ("value", "trainable", "regularizer", "constraint")]
    return list(objects.values()), [*used, *((head, "loss") for head in model._heads), (config, "_epsilon")]
