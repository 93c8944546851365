"""Which training steps are recorded and replayed, and what a recording depends on.

A recording is a list of kernels with the memory that they read and write (`kernels/cpu/recording.py`), made by
`runtime/replay` once a step has run a few times. It holds as long as nothing that the step depends on has changed: the
attributes of the layers, of the optimizer and of the losses, and which arrays the weights are. Any change ends it,
and the step is recorded again.
"""

from __future__ import annotations

from .. import config
from ..activations import Activation
from ..regularizers import Regularizer
from ..runtime import replay

_HELD_BY_LAYERS = (Activation, Regularizer)


def recorded_step(model, learn):
    """`learn`, a function of a batch's arrays, replayed where it can be; `learn` itself for a class of the user's."""
    own_code = not type(model).__module__.startswith("minicnn.") or {"forward", "backward"} & vars(model).keys()
    if model.run_eagerly or own_code:
        return learn
    return replay.make(learn, lambda: _what_it_depends_on(model))


def _what_it_depends_on(model):
    """(the objects whose code a step runs, [(object, name of an attribute)] that it uses besides)."""
    layers = model.flattened()[1:]
    rules = [rule for v in model.weights for rule in (v.regularizer, v.constraint) if rule is not None]
    held = [value for layer in layers for value in vars(layer).values() if isinstance(value, _HELD_BY_LAYERS)]
    losses = [head.loss for head in model._heads_with_loss()]
    objects = {id(part): part for part in [model.optimizer, *losses, *layers, *rules, *held]}
    used = [(model, name) for name in ("optimizer", "_heads", "_sublayers")]
    used += [(v, name) for v in model.weights for name in ("value", "trainable", "regularizer", "constraint")]
    return list(objects.values()), [*used, *((head, "loss") for head in model._heads), (config, "_epsilon")]
