"""What happens to one batch: forward, loss, backward, update, count. Read this file from top to bottom.

`fit` (`trainer.py`) calls `train` for every batch of an epoch, `evaluate` (`inference.py`) calls `evaluate`. A step
computes in buffers borrowed from the workspace (`kernels/cpu/workspace.py`). Later steps overwrite these buffers.

The first steps of a `fit` run the code of `_learn`. Then one step is recorded, and the next ones are replayed from
a list of kernels (`recorded_step.py`). With `compile(run_eagerly=True)` every step runs the code of `_learn`.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..dispatch import backend
from ..kernels.cpu import pace, workspace
from ..layers.base import FOR_WEIGHTS
from ..layers.penalty import collected_losses
from ..printing import say
from ..runtime import gather, replay, transfer, weighted_sum
from ..runtime.replay import changes
from .nonfinite import first_non_finite
from .recorded_step import may_be_rehearsed, recorded_step


class TrainingStep:
    """The step of one model, for one call of `fit`, `evaluate` or `train_on_batch`. Its data have been checked."""

    def __init__(self, model):
        self.model, self.heads = model, model._heads_with_loss()
        in_loss = [head.activation_in_loss is not None for head in model._heads]
        self.logits = {"logits": in_loss if model.gives_several else True} if any(in_loss) else {}
        self.output_shapes: dict[tuple, list] = {}  # {shapes of the inputs: shapes of the outputs}
        self.not_looked_at: tuple | None = None  # the last batch, if its loss is still on the way from the GPU

    def recorded(self):
        """`_learn`, or its recording. Who calls this holds it: the memory of a step is free when the recording is."""
        return recorded_step(self.model, self._learn)

    def train(self, data, rows, learn=None) -> None:
        """Learn from these rows of the data, and count the loss and the metrics. learn: what `recorded` returned."""
        variables = self.model.weights
        forget_gradients(variables)  # an interrupted step may have left gradients behind
        with workspace.step(), pace.for_other_work(), changes.of_weights.within():
            batch = self._arrays_of(data, rows)
            losses, penalties, outputs = (learn or self._learn)(*batch)
            self._count(losses, penalties, outputs, data, rows, batch, training=True)
            forget_gradients(variables)

    def _learn(self, *batch):
        """Forward, loss, backward, update. Returns (losses, penalties, outputs for the metrics)."""
        model, variables = self.model, self.model.trainable_weights
        x, targets = self._parts(batch)
        with collected_losses() as added:
            # FOR_WEIGHTS: layers keep what the gradients of weights need (`schedule.py`); the images get no gradient
            y, saved = model.forward(x, model.takes_training or None, FOR_WEIGHTS, **self.logits)
        losses, dy = self._losses_and_gradients(y, targets, training=True)
        penalties = [*weight_penalties(variables), *added]
        self._check_loss(losses, penalties)
        outputs = self._outputs_to_measure(y)
        self._look_at(losses, penalties, batch, training=True)
        model.backward(dy, saved, need_dx=False)
        add_penalty_gradients(variables)
        model.optimizer.apply([v.grad for v in variables], variables)
        return losses, penalties, outputs

    def evaluate(self, data, rows) -> None:
        """Count the loss and the metrics of these rows in inference: dropout is off, nothing is learned."""
        with workspace.step(), pace.for_other_work():
            batch = self._arrays_of(data, rows)
            x, targets = self._parts(batch)
            with collected_losses() as added:
                y, _ = self.model.forward(x, False, False, **self.logits)
            losses, _ = self._losses_and_gradients(y, targets, training=False)
            penalties = [*weight_penalties(self.model.trainable_weights), *added]
            self._check_loss(losses, penalties)
            outputs = self._outputs_to_measure(y)
            self._look_at(losses, penalties, batch, training=False)
            self._count(losses, penalties, outputs, data, rows, batch, training=False)

    def rehearsal(self, data, rows, training):
        """A function that calls the kernels of `train` or `evaluate`, for a process where they compute nothing
        (`compile_ahead.py`). None if a user's code would run."""

        def rehearse():
            self.model._told_non_finite = True  # numbers that were not computed say nothing
            (self.train if training else self.evaluate)(data, rows)

        return rehearse if may_be_rehearsed(self.model) else None

    def _arrays_of(self, data, rows) -> list:
        """The batch's rows as arrays of the model's float type, where the backend computes: the inputs, then for each
        loss its targets and row weights. If the gradient has other row weights (`has_other_gradient`), these follow."""
        model = self.model
        arrays = [gather.forward(x, rows, model.dtype) for x in data.xs]
        key = tuple(x.shape for x in arrays)
        if key not in self.output_shapes:
            self.output_shapes[key] = model._shapes_of_outputs(key)
        for head in self.heads:
            y, weights, shape = data.ys[head.index][rows], data.weights[head.index], self.output_shapes[key][head.index]
            weights = None if weights is None else weights[rows]
            rows_shape = head.loss.shape_of_losses(y.shape, shape)
            arrays += [head.targets(y, shape, model.dtype), _row_weights(head, y, weights, rows_shape, model.dtype)]
            if head.has_other_gradient:
                factor = head.weight * (math.prod(rows_shape) if head.is_not_reduced else 1)
                arrays.append(_row_weights(head, y, weights, rows_shape, model.dtype, factor))
        return arrays

    def _parts(self, batch):
        """Split a batch's arrays: (inputs, [(targets, row weights, those of the gradient) for each loss])."""
        count, targets = self._inputs_in(batch), []
        rest = list(batch[count:])
        for head in self.heads:
            y, row_weights = rest.pop(0), rest.pop(0)
            targets.append((y, row_weights, rest.pop(0) if head.has_other_gradient else row_weights))
        return (list(batch[:count]) if self.model.takes_several else batch[0]), targets

    def _inputs_in(self, batch) -> int:
        """How many of a batch's arrays are inputs. A model that defines `call` takes as many as it is given."""
        return len(batch) - sum(3 if head.has_other_gradient else 2 for head in self.heads)

    def _losses_and_gradients(self, y, targets, training):
        """(the losses, the gradient of their sum for the outputs y). In inference there is no gradient."""
        ys = y if self.model.gives_several else [y]
        losses, dys = [], [None] * len(ys)
        for head, (target, row_weights, dlosses) in zip(self.heads, targets, strict=True):
            from_logits = head.activation_in_loss is not None
            values, saved = head.loss.forward(target, ys[head.index], from_logits, need_saved=training)
            losses.append(weighted_sum.forward(values, row_weights))  # for a mean of N rows each weight is 1 / N
            if training:
                dys[head.index] = head.loss.backward(dlosses, saved)  # here backward begins
        return losses, dys if self.model.gives_several else dys[0]

    def _check_loss(self, losses, penalties):
        """ValueError if there is nothing to minimize: no loss in `compile`, and none that a layer adds."""
        if not losses and not penalties:
            raise ValueError(
                f"{self.model.name!r} has no loss: give one, compile(loss=...), or let a layer add one (add_loss)."
            )

    def _outputs_to_measure(self, y):
        """The outputs that metrics read, None for the others. Logits that the loss took become probabilities here."""
        measured = []
        for head, part in zip(self.model._heads, y if self.model.gives_several else [y], strict=True):
            if not head.all_metrics():
                part = None
            elif head.activation_in_loss:
                part, _ = head.activation_in_loss.forward(part, need_saved=False)
            measured.append(part)
        return measured

    def _count(self, losses, penalties, outputs, data, rows, batch, training) -> None:
        """Add a batch to the running means of the loss and the metrics."""
        model, samples, known = self.model, len(batch[0]), True
        for i, (head, loss) in enumerate(zip(self.heads, losses, strict=True)):
            model._loss_mean.add(loss, 0 if i else samples, samples * head.weight)
            if len(losses) > 1:
                head.loss_mean.add(loss, 1, 1)  # as in Keras: every batch counts the same, also a smaller last one
            known = known and isinstance(loss, float)
        for i, penalty in enumerate(penalties):
            model._loss_mean.add(penalty, 0 if losses or i else samples, samples)
        if not known:
            self.not_looked_at = (batch, training)
        elif not model._told_non_finite and not math.isfinite(sum([*losses, *penalties])):
            model._told_non_finite = True  # a step that was replayed: the weights have changed already
            say("minicnn: the loss is not finite; compile(run_eagerly=True) tells where it comes from.")
        for head, output in zip(model._heads, outputs, strict=True):
            if output is not None:
                weights = data.weights[head.index]
                head.update_metrics(data.ys[head.index][rows], output, None if weights is None else weights[rows])

    def logs(self) -> dict:
        """The means of loss and metrics so far. Also checks the last loss from the GPU, which has arrived by then."""
        logs = self.model.get_metrics_result()
        last, self.not_looked_at = self.not_looked_at, None
        if last and not math.isfinite(logs["loss"]):
            self._tell_non_finite(*last)
        return logs

    def _look_at(self, losses, penalties, batch, training):
        """If the loss is not finite, print where this comes from: now, before the update changes the weights."""
        known = [*losses, *penalties]
        if all(isinstance(part, float) for part in known) and not math.isfinite(sum(known)):
            self._tell_non_finite(batch, training)

    def _tell_non_finite(self, batch, training):
        """Print, once per fit, where the first NaN or infinity came from. Training goes on, as in Keras."""
        model = self.model
        if not model._told_non_finite:
            model._told_non_finite = True
            replay.refuse()  # the batch is run again here, which no recording should repeat
            count = self._inputs_in(batch)
            mode = training and (model.takes_training or None)
            where = first_non_finite(model, batch[:count], batch[count:], mode)
            say(f"minicnn: the loss is not finite; {where}")


def forget_gradients(variables) -> None:
    """Set every gradient to None."""
    for variable in variables:
        variable.grad = None


def weight_penalties(variables) -> list:
    """What the regularizers of weights add to the loss."""
    regularized = [v for v in variables if v.regularizer is not None]
    return [v.regularizer.penalty(v.array) for v in regularized]


def add_penalty_gradients(variables) -> None:
    """Add the gradients of the regularizers' penalties to the weights' gradients."""
    for v in variables:
        if v.regularizer is not None:
            gradient = transfer.full_like(v.array, 0) if v.grad is None else v.grad  # None: no loss reaches the weight
            v.grad = v.regularizer.add_gradient(gradient, v.array)


def _row_weights(head, y, weights, shape, dtype, factor=1.0):
    """Each row's weight in the batch's loss, times `factor`, moved to where the backend computes."""
    if weights is None and head.loss.counted_rows(y) is None:
        return _equal_row_weights(math.prod(shape), head.loss.reduction != "sum", dtype, backend(), factor)
    row_weights = head.loss.row_weights(y, weights, shape, dtype)
    return transfer.to_device(row_weights * row_weights.dtype.type(factor))


@lru_cache(maxsize=16)
def _equal_row_weights(count, in_mean, dtype, backend_name, factor):
    """Equal weights for all rows. The same arguments give the same array every time."""
    ones = np.ones(count, dtype)
    return transfer.to_device((ones / ones.dtype.type(count) if in_mean else ones) * ones.dtype.type(factor))
