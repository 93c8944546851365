"""In which steps a model runs: which layers are joined, what each step keeps for backward, when memory is freed.

Both kinds of model make their steps here, a `Sequential` for every forward pass over its row of layers, a functional
model over its graph (`graph.py`). Three things are decided:

- **joined**: a convolution whose output only a max pooling reads pools in the same pass: its own output is never
  written down. A softmax or sigmoid at the end is left out where the loss computes it (`logits`).
- **kept**: from the lowest trainable layer on, a step saves what backward needs. Below it nothing is saved.
- **freed**: as long as nothing has been saved, the memory of what no later step reads serves again.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ..layers.base import FOR_WEIGHTS, Layer
from ..layers.conv import Conv2D
from ..layers.penalty import PenalizedActivity, with_activity_penalty
from ..layers.pool import MaxPooling2D


class Step(NamedTuple):
    """One call of a layer. Its inputs come from the slots `inputs`, its outputs go to the slots `outputs`.

    takes, gives    whether the layer takes and gives lists
    training        what the call of the layer said about it, or None
    options         what the layer does besides, or leaves out: {"pool": size}, {"logits": True}
    need_saved      True, FOR_WEIGHTS or False, see `layers/base.py`
    frees           whether memory that no later step reads may serve again
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


def row_of_steps(layers: list[Layer]) -> list[Step]:
    """A step for each layer of a row: layer i reads slot i and writes slot i + 1."""
    return [Step(layer, (i,), (i + 1,)) for i, layer in enumerate(layers)]


def schedule(steps: list[Step], input_slots, output_slots, need_saved=True, logits=()) -> list[Step]:
    """The steps as they run. logits: for each output whether to leave out the activation it ends in; () for none."""
    as_logits = {slot for slot, wanted in zip(output_slots, logits, strict=False) if wanted}
    scheduled, nothing_saved = [], True
    gradient_wanted = dict.fromkeys(input_slots, need_saved is True)
    for step in joined(steps, output_slots):
        below = any(gradient_wanted[slot] for slot in step.inputs)
        here = bool(need_saved) and step.layer.has_trainable_weights()
        gradient_wanted.update(dict.fromkeys(step.outputs, below or here))
        keeps = True if below else FOR_WEIGHTS if here else False
        nothing_saved = nothing_saved and not keeps
        options = {**step.options, **_logits_option(step, as_logits)} if as_logits else step.options
        scheduled.append(Step(*step[:6], options, keeps, nothing_saved))
    return scheduled


def joined(steps: list[Step], output_slots) -> list[Step]:
    """The steps, a convolution and the pooling that alone reads its output joined into one."""
    readers = count_readers(steps, output_slots)
    made_by, together = {}, []
    for step in steps:
        place = made_by.get(step.inputs[0])
        if place is not None and pools_in_one_pass(together[place].layer, step.layer):
            pool = {"pool": step.layer.pool_size}
            together[place] = together[place]._replace(options=pool, outputs=step.outputs)
            continue
        if readers[step.outputs[0]] == 1 and not step.takes:
            made_by[step.outputs[0]] = len(together)
        if step.layer.activity_regularizer is not None:
            step = step._replace(layer=with_activity_penalty(step.layer))
        together.append(step)
    return together


def pools_in_one_pass(convolution: Layer, pooling: Layer) -> bool:
    """Whether the two can run as one: ReLU or no activation, windows side by side, both layers' own forward.

    A layer whose forward was replaced (`nonfinite.py` watches outputs so) runs by itself.
    """
    return (
        type(convolution) is Conv2D
        and type(pooling) is MaxPooling2D
        and convolution.activation.operation in ("relu", None)
        and pooling.strides == pooling.pool_size
        and pooling.padding == "valid"
        and pooling.pool_size[0] * pooling.pool_size[1] < 256
        and pooling.activity_regularizer is None
        and not ("forward" in vars(convolution) or "forward" in vars(pooling))
    )


def count_readers(steps: list[Step], output_slots) -> Counter:
    """{slot: how many steps read it, and once more where it is an output}."""
    return Counter([*(slot for step in steps for slot in step.inputs), *output_slots])


def _logits_option(step, as_logits):
    """{"logits": ...} for a step whose outputs are wanted as logits: True, or a list for one that gives several."""
    wanted = [slot in as_logits for slot in step.outputs]
    if not any(wanted):
        return {}
    return {"logits": wanted if step.gives else True}
