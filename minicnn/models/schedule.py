"""The steps of a forward pass: which layers are joined, what each step keeps for backward, when memory is freed.

Both kinds of model make their steps here for every forward pass: a `Sequential` from its row of layers, a functional
model from its graph (`graph.py`). A slot is the number of an array that a step reads or writes. In a row the first
layer reads slot 0, the images, and writes slot 1, which the second layer reads. Three things are decided:

- **joined**: a convolution or a dense layer does what follows it in the same call, if nothing else reads its output: an
  activation, a max pooling (a convolution only), and in inference a batch normalization, which becomes part of the
  weights. A batch normalization does the ReLU behind it. If an activation stands between a convolution and a max
  pooling, the pooling may be done first. The numbers stay the same, because a joined activation never falls: a larger x
  never gives a smaller y. And the activation has fewer numbers to compute. The backend `cpu` does bias, ReLU and
  pooling in one pass and never stores the output before them. A softmax or sigmoid at the end is left out if the loss
  computes it (`logits`).
- **kept**: from the lowest trainable layer on, a step saves what backward needs. Below this layer nothing is saved.
- **freed**: as long as nothing has been saved, memory that no later step reads is reused.
"""

from __future__ import annotations

from typing import NamedTuple

from ..layers.activation import ELU, Activation, LeakyReLU, ReLU
from ..layers.base import FOR_WEIGHTS, Layer
from ..layers.batch_norm import BatchNormalization
from ..layers.conv import Conv2D, DepthwiseConv2D
from ..layers.conv_transpose import Conv2DTranspose
from ..layers.dense import Dense
from ..layers.penalty import PenalizedActivity, with_activity_penalty
from ..layers.pool import MaxPooling2D

_PRODUCTS = (Conv2D, Conv2DTranspose, DepthwiseConv2D, Dense)  # the layers that can do what follows them
_FOLDING = (Conv2D, DepthwiseConv2D, Dense)  # of these, those whose last axis of weights is the output's
_ACTIVATIONS = (Activation, ReLU, LeakyReLU, ELU)


class Step(NamedTuple):
    """One call of a layer. Its inputs come from the slots `inputs`, its outputs go to the slots `outputs`.

    takes, gives    whether the layer takes and gives lists
    training        the value that the call of the layer was given, or None
    options         further arguments of `forward`: {"batch_norm": layer}, {"activation": function}, {"pool": size} and
                    for a batch normalization {"relu": True} do what follows, {"logits": True} skips the activation
    need_saved      True, FOR_WEIGHTS or False, see `layers/base.py`
    frees           whether memory that no later step reads may be reused
    """

    layer: Layer | PenalizedActivity
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    takes: bool = False
    gives: bool = False
    training: bool | None = None
    options: dict = {}  # noqa: RUF012 - never changed in place
    need_saved: bool | str = True
    frees: bool = False


_DECIDED = Step._fields.index("need_saved")  # the fields before it are known before `schedule`


def row_of_steps(layers: list[Layer]) -> list[Step]:
    """A step for each layer of a row: layer i reads slot i and writes slot i + 1."""
    return [Step(layer, (i,), (i + 1,)) for i, layer in enumerate(layers)]


def schedule(steps: list[Step], input_slots, output_slots, training, need_saved=True, logits=()) -> list[Step]:
    """The steps as they run. logits: for each output, whether to leave out its last activation; () for no output."""
    steps, scheduled, nothing_saved = joined(steps, output_slots, not (training or need_saved)), [], True
    if any(logits):
        as_logits = {slot for slot, wanted in zip(output_slots, logits, strict=False) if wanted}
        steps = [step._replace(options={**step.options, **_logits_option(step, as_logits)}) for step in steps]
    if not need_saved:
        return [Step(*step[:_DECIDED], need_saved=False, frees=True) for step in steps]
    wants_gradient = set(input_slots) if need_saved is True else set()  # the slots whose gradient backward computes
    for step in steps:
        below = not wants_gradient.isdisjoint(step.inputs)
        here = step.layer.has_trainable_weights()
        if below or here:
            wants_gradient.update(step.outputs)
            nothing_saved = False
        keeps = True if below else FOR_WEIGHTS if here else False
        scheduled.append(Step(*step[:_DECIDED], need_saved=keeps, frees=nothing_saved))
    return scheduled


def joined(steps: list[Step], output_slots, inference=False) -> list[Step]:
    """The steps, where a layer and those that follow it are one step if the first can do what they do."""
    made_by, together = {}, []
    for step in steps:
        slot = step.inputs[0] if step.inputs else None
        place = made_by.get(slot)  # of the step that writes what this one reads
        option = None
        if place is not None and readers_of(slot, steps, output_slots) == 1:
            option = _done_by(together[place], step, inference)
        if option:
            before = together[place]
            together[place] = before._replace(options={**before.options, **option}, outputs=step.outputs)
        else:
            place = len(together)
            if step.layer.activity_regularizer is not None:
                step = step._replace(layer=with_activity_penalty(step.layer))
            together.append(step)
        made_by[step.outputs[0]] = place
    return together


def _done_by(before: Step, step: Step, inference: bool) -> dict | None:
    """The option with which the step before does what this step does, or None.

    `nonfinite.py` replaces `forward` to watch outputs; such a layer runs by itself.
    """
    layer, follower = before.layer, step.layer
    replaced = "forward" in vars(layer) or "forward" in vars(follower)
    if replaced or follower.activity_regularizer is not None or "pool" in before.options:
        return None
    function = follower.function if type(follower) in _ACTIVATIONS and follower.function.never_falls else None
    if type(layer) is BatchNormalization:
        return {"relu": True} if function is not None and function.operation == "relu" and not before.options else None
    if type(layer) not in _PRODUCTS:
        return None
    plain = layer.activation.operation is None and "activation" not in before.options
    if (
        type(follower) is BatchNormalization
        and follower.to_the_end is None
        and type(layer) in _FOLDING
        and plain
        and inference
        and not step.training
        and not before.options
    ):
        return {"batch_norm": follower}
    if function is not None and plain:
        return {"activation": function}
    if (
        type(layer) is Conv2D
        and type(follower) is MaxPooling2D
        and _pools_in_one_pass(before.options.get("activation", layer.activation), follower)
    ):
        return {"pool": follower.pool_size}
    return None


def _pools_in_one_pass(function, pooling: MaxPooling2D) -> bool:
    """Whether a convolution with this activation can do the pooling: if its windows lie side by side."""
    return (
        function.never_falls
        and pooling.strides == pooling.pool_size
        and pooling.padding == "valid"
        and pooling.pool_size[0] * pooling.pool_size[1] < 256
    )


def readers_of(slot: int, steps: list[Step], output_slots) -> int:
    """How many times the slot is read by steps, or is an output."""
    return sum(step.inputs.count(slot) for step in steps) + list(output_slots).count(slot)


def _logits_option(step, as_logits):
    """{"logits": True} if a step's output is wanted as logits; a list of booleans if it has several; {} for none."""
    wanted = [slot in as_logits for slot in step.outputs]
    if not any(wanted):
        return {}
    return {"logits": wanted if step.gives else True}
