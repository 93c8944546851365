"""compile and fit: the loop around a model's forward and backward. `inference.py` has evaluate and predict.

`fit` -> `_train_step`, one batch -> `_learn`: forward, loss, backward, update. Read these first.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .. import config, metrics, optimizers
from ..activations import Activation
from ..callbacks import CallbackList, History
from ..dispatch import backend
from ..kernels.cpu import workspace
from ..layers.base import FOR_WEIGHTS
from ..layers.penalty import collected_losses
from ..ops import optimizer_update
from ..regularizers import Regularizer
from ..running_mean import RunningMean
from ..runtime import gather, replay, transfer, weighted_sum
from ..shapes import is_positive_integer
from .batches import is_source_of_batches, refuse_beside_batches
from .by_name import listed
from .data import Data, checked_batch_size
from .heads import Head, log_names, make_heads
from .inference import Inference
from .nonfinite import first_non_finite
from .progress import Progress, announced_compiling


class Trainer(Inference):
    """The part of a model that trains it. It needs forward, backward, ends_in, the weights, and the names and numbers
    of inputs and outputs."""

    optimizer = None
    loss = None
    stop_training = False
    history: History | None = None
    _heads: list[Head] = []  # noqa: RUF012 - replaced by compile, never changed in place

    # compile

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ) -> None:
        """Choose the optimizer, the loss and the metrics, each by name or as an object.

        metrics is a list, or a single name; weighted_metrics are weighed like the loss, by sample and class weights.
        "accuracy" (or "acc") becomes the accuracy that suits loss and targets. A model with several outputs takes one
        loss for all of them, or losses, loss_weights and metrics in lists, one entry for each output, or in
        dictionaries by `output_names`.

        With run_eagerly every step of `fit` runs through the layers' Python, to be followed in a debugger; without it
        most are played from a list of kernels (`kernels/cpu/recording.py`). steps_per_execution, jit_compile and
        auto_scale_loss are Keras's and change nothing here.
        """
        optimizer = optimizers.get(optimizer)
        heads = make_heads(self.output_names, loss, loss_weights, metrics, weighted_metrics)
        self.compile_arguments = {
            "loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics,
        }  # fmt: skip
        self.optimizer, self._heads = optimizer, heads
        self.loss, self.run_eagerly, self.jit_compile = loss, run_eagerly, jit_compile
        self._loss_mean = RunningMean()

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self.optimizer is not None

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate` returns, in order: that of `compile`, or for several outputs that of the names."""
        own_losses = [f"{head.name}_loss" for head in self._heads_with_own_loss()]
        names = list(self.named_metrics)
        return ["loss", *own_losses, *(names if len(self._heads) == 1 else sorted(names))]

    @property
    def metrics(self) -> list:
        """The metrics, once the first data have shown which are meant."""
        return list(self.named_metrics.values())

    @property
    def named_metrics(self) -> dict[str, metrics.Metric]:
        """{name in the logs: metric}, once the first data have shown which are meant."""
        return log_names(self._heads)

    def _heads_with_loss(self):
        return [head for head in self._heads if head.loss is not None]

    def _heads_with_own_loss(self):
        """The heads whose losses stand in the logs by themselves: where there are several."""
        heads = self._heads_with_loss()
        return heads if len(heads) > 1 else []

    # fit

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ) -> History:
        """Train on arrays x (n, ...) and y (n, ...), or on batches, and return the History.

        Instead of arrays x may be a `PyDataset`, a generator or any iterable of batches (x, y) or (x, y, weights); they
        are read ahead in a thread. steps_per_epoch: how many batches make an epoch, all of them unless given.
        batch_size 32 unless given; validation_split takes the last part of the data, before shuffling;
        validation_data (x, y) or (x, y, weights), or batches, goes before it; class_weight {label: weight} and
        sample_weight (n,) weigh the loss of training (not of validation_split's part, as far as classes go).
        validation_freq: validate after every so many epochs, or after the epochs listed. Several inputs and outputs
        come in lists, or in dictionaries by name. Every argument is checked before the first step.
        """
        self._check_compiled("fit")
        batch_size = checked_batch_size(batch_size)
        for label, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
            if not (hasattr(value, "__index__") and int(value) >= 0):
                raise ValueError(f"{label} must be an integer, zero or more; received {label}={value!r}.")
        if not (is_positive_integer(validation_freq) or isinstance(validation_freq, (list, tuple, set, range))):
            raise ValueError(
                f"validation_freq must be a positive integer or a list of epochs; received {validation_freq!r}."
            )
        Progress(1, verbose)
        validation_batch_size = checked_batch_size(
            batch_size if validation_batch_size is None else validation_batch_size
        )
        data, validation = self._data_of_fit(x, y, sample_weight, class_weight, validation_data, validation_split)
        generator = np.random.default_rng(config.next_seed()) if shuffle else None
        passes = self._passes(data, batch_size, steps_per_epoch, "steps_per_epoch", generator, class_weight)
        validation_passes = None
        try:
            if validation is not None:
                validation_passes = self._passes(
                    validation, validation_batch_size, validation_steps, "validation_steps"
                )
            return self._fit(
                passes, validation_passes, epochs, initial_epoch, validation_freq, verbose, listed(callbacks)
            )
        finally:
            passes.close()
            if validation_passes:
                validation_passes.close()

    def _fit(self, passes, validation, epochs, initial_epoch, validation_freq, verbose, callbacks):
        """The epochs of a training whose data and arguments are checked."""
        history = self.history = History()
        verbose = 1 if verbose == "auto" else verbose
        hooks = CallbackList(
            [*callbacks, history], self,
            verbose=verbose, epochs=epochs, steps=passes.length, do_validation=validation is not None,
        )  # fmt: skip
        batch_logs = hooks.overrides("on_train_batch_end")
        self.stop_training, self._told_non_finite = False, False
        recorded = replay.make(self._learn, self._parts_of_a_step)
        played = type(self).__module__.startswith("minicnn.") and not {"forward", "backward"} & vars(self).keys()
        self.initial_epoch = initial_epoch  # a callback may say that training goes on later
        hooks.call("on_train_begin", {})
        logs: dict = {}
        for epoch in range(self.initial_epoch, epochs):
            self.reset_metrics()
            hooks.call("on_epoch_begin", epoch, {})
            if verbose and epochs > 1:
                print(f"Epoch {epoch + 1}/{epochs}", flush=True)
            progress = Progress(passes.length, verbose)
            for step, (data, rows) in enumerate(passes.batches()):
                hooks.call("on_train_batch_begin", step, {})
                with announced_compiling(progress):
                    self._train_step(data, rows, self._learn if self.run_eagerly or not played else recorded)
                progress.step(step + 1)
                if batch_logs:
                    hooks.call("on_train_batch_end", step, self.get_metrics_result())
                if progress.wants_logs():
                    progress.update(self.get_metrics_result())
                if self.stop_training:
                    break
            if passes.ran_out:
                print(f"minicnn: the data ran out in epoch {epoch + 1}, before its end; training stops.", flush=True)
                self.stop_training = True
                if progress.done == 0:  # no epoch: there is nothing to log or to validate
                    break
            elif verbose and passes.steps and progress.done < passes.steps and not self.stop_training:
                print(f"minicnn: the data end in epoch {epoch + 1}; the next one begins with them anew.", flush=True)
            logs = self.get_metrics_result()
            if validation is not None and _is_validated(epoch + 1, validation_freq):
                results = self._evaluate(validation, hooks, Progress(1, 0))
                logs.update({f"val_{name}": value for name, value in results.items()})
            hooks.call("on_epoch_end", epoch, logs)
            progress.finish(logs)  # with what callbacks have added
            if self.stop_training:
                break
        hooks.call("on_train_end", logs)
        return history

    def _data_of_fit(self, x, y, sample_weight, class_weight, validation_data, validation_split):
        """(data, validation or None), each a Data, checked, for which the model is built, or a source of batches."""
        validation = None
        if is_source_of_batches(x):
            refuse_beside_batches(y=y, sample_weight=sample_weight, validation_split=validation_split or None)
            data = x
        else:
            data = self._data(x, y, sample_weight)
            self._check_targets_given(data, "fit")
        if validation_data is not None:
            if is_source_of_batches(validation_data):
                validation = validation_data
            elif not isinstance(validation_data, (list, tuple)) or len(validation_data) not in (2, 3):
                raise ValueError(
                    "validation_data must be (x, y) or (x, y, sample_weight), or batches of these; "
                    f"received an object of type {type(validation_data).__name__}."
                )
            else:
                validation = self._data(*validation_data)
                self._check_targets_given(validation, "validation")
        elif validation_split:
            data, validation = data.split(validation_split)
        if class_weight is not None and isinstance(data, Data):
            data.apply_class_weight(class_weight, self._heads[0].loss)
        for part in (data, validation):
            if isinstance(part, Data):
                self._prepare(part)
        return data, validation

    def _train_step(self, data: Data, rows, learn) -> None:
        """One batch: gather it, learn from it, count. What is computed lives in lent buffers until the step ends."""
        everything = self.weights
        self._forget_gradients(everything)  # an interrupted step may have left some behind
        with workspace.step():
            arrays = self._batch(data, rows)
            parts, penalties, outputs = learn(*arrays)
            self._count(parts, penalties, outputs, data, rows, arrays, training=True)
            self._forget_gradients(everything)

    def _parts_of_a_step(self):
        """(the objects whose code a step runs, the attributes that it uses besides), for `runtime.replay`."""
        layers = self.flattened()[1:]
        rules = [rule for v in self.weights for rule in (v.regularizer, v.constraint) if rule is not None]
        held = [value for layer in layers for value in vars(layer).values() if isinstance(value, _HELD_BY_LAYERS)]
        losses = [head.loss for head in self._heads_with_loss()]
        objects = {id(part): part for part in [self.optimizer, *losses, *layers, *rules, *held]}
        used = [(self, name) for name in ("optimizer", "_heads", "_sublayers")]
        used += [(v, name) for v in self.weights for name in ("value", "trainable", "regularizer", "constraint")]
        return list(objects.values()), [*used, *((head, "loss") for head in self._heads), (config, "_epsilon")]

    def _learn(self, *arrays):
        """Forward, loss, backward, update: (the parts of the loss, the penalties, what the metrics look at)."""
        variables = self.trainable_weights
        parts, penalties, outputs, dy, saved = self._forward_and_loss(arrays, variables, training=True)
        self.backward(dy, saved, need_dx=False)
        self._update(variables)
        return parts, penalties, outputs

    def _batch(self, data, rows):
        """A batch where the backend computes: the inputs, and for each loss its targets and each row's share in it (and
        once more, weighted, where the loss has a weight)."""
        arrays = [gather.forward(x, rows, self.dtype) for x in data.xs]
        key = tuple(x.shape for x in arrays)
        if key not in self._output_shapes:
            self._output_shapes[key] = self._shapes_of_outputs(key)
        shapes = self._output_shapes[key]
        for head in self._heads_with_loss():
            y, weights, shape = data.ys[head.index][rows], data.weights[head.index], shapes[head.index]
            weights = None if weights is None else weights[rows]
            arrays += [head.targets(y, shape, self.dtype), self._shares(head, y, weights, shape[:-1])]
            if head.weight != 1:
                arrays.append(self._shares(head, y, weights, shape[:-1], head.weight))
        return arrays

    def _forward_and_loss(self, arrays, variables, training):
        """Run a batch: (its losses, the penalties, what the metrics look at, the outputs' gradients, saved).

        In inference there is no gradient.
        """
        x, taken = (list(arrays[: len(self.inputs)]), len(self.inputs)) if self.takes_several else (arrays[0], 1)
        with collected_losses() as added:
            y, saved = self.forward(x, training, FOR_WEIGHTS if training else False, **self._logits)
        ys = y if self.gives_several else [y]
        parts, dys = [], [None] * len(ys)
        for head in self._heads_with_loss():
            targets, shares = arrays[taken : taken + 2]
            weighted = shares if head.weight == 1 else arrays[taken + 2]
            taken += 2 if head.weight == 1 else 3
            values, saved_loss = head.loss.forward(
                targets, ys[head.index], head.joined is not None, need_saved=training
            )
            parts.append(weighted_sum.forward(values, shares))
            if training:
                dys[head.index] = head.loss.backward(weighted, saved_loss)
        penalties = [
            optimizer_update.penalty(v.value, v.regularizer.l1, v.regularizer.l2)
            for v in variables
            if v.regularizer is not None
        ]
        penalties += added
        known = [*parts, *penalties]
        if all(isinstance(part, float) for part in known) and not math.isfinite(sum(known)):
            self._tell_non_finite(arrays, training)
        return parts, penalties, self._outputs_to_measure(ys), dys if self.gives_several else dys[0], saved

    def _outputs_to_measure(self, ys):
        """The outputs that metrics look at, probabilities where the loss took logits; None for the others."""
        return [
            None if not head.all_metrics() else head.joined.forward(y, need_saved=False)[0] if head.joined else y
            for head, y in zip(self._heads, ys, strict=True)
        ]

    def _count(self, parts, penalties, outputs, data, rows, arrays, training):
        """Add a batch to the means of loss and metrics."""
        samples, known = len(arrays[0]), True
        for i, (head, part) in enumerate(zip(self._heads_with_loss(), parts, strict=True)):
            self._loss_mean.add(part, 0 if i else samples, samples * head.weight)
            if len(parts) > 1:
                head.loss_mean.add(part, 1, 1)  # as in Keras: every batch counts the same, also a smaller last one
            known = known and isinstance(part, float)
        for penalty in penalties:
            self._loss_mean.add(penalty, 0, samples)
        if known and not self._told_non_finite and not math.isfinite(sum([*parts, *penalties])):
            self._told_non_finite = True  # a step that was played: the weights have changed already
            print("minicnn: the loss is not finite; compile(run_eagerly=True) tells where it comes from.", flush=True)
        if not known:
            self._last_batch = (arrays, training)  # to be looked at when the numbers are here
        for head, output in zip(self._heads, outputs, strict=True):
            if output is not None:
                weights = data.weights[head.index]
                head.update_metrics(data.ys[head.index][rows], output, None if weights is None else weights[rows])

    def _shares(self, head, y, weights, shape, factor=1.0):
        """Each row's share of the batch's loss, where the backend computes; times the loss's weight in the sum."""
        if weights is None and head.loss.counted_rows(y) is None:
            return _equal_shares(math.prod(shape), head.loss.reduction != "sum", self.dtype, backend(), factor)
        shares = head.loss.row_weights(y, weights, shape, self.dtype)
        return transfer.here(shares * shares.dtype.type(factor))

    def _update(self, variables):
        """Add the penalties' gradients, and let the optimizer take its step."""
        for v in variables:
            if v.regularizer is not None and v.grad is not None:
                v.grad = optimizer_update.add_penalty_gradient(v.grad, v.value, v.regularizer.l1, v.regularizer.l2)
        self.optimizer.apply([v.grad for v in variables], variables)

    @staticmethod
    def _forget_gradients(variables):
        for variable in variables:
            variable.grad = None

    def _tell_non_finite(self, arrays, training):
        """One line, once per fit, about where the first NaN or infinity came from. Training goes on, as in Keras."""
        if not self._told_non_finite:
            self._told_non_finite = True
            replay.refuse()  # the batch is run once more
            inputs = len(self.inputs) if self.takes_several else 1
            where = first_non_finite(self, arrays[:inputs], arrays[inputs:], training)
            print(f"minicnn: the loss is not finite; {where}", flush=True)

    _told_non_finite = False
    _last_batch: tuple | None = None

    # Single batches

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step on one batch: its loss, or [loss, metrics...]."""
        self._check_compiled("train_on_batch")
        data = self._data(x, y, sample_weight)
        self._check_targets_given(data, "train_on_batch")
        if class_weight is not None:
            data.apply_class_weight(class_weight, self._heads[0].loss)
        self._prepare(data)
        self.reset_metrics()
        self._train_step(data, np.arange(data.size), self._learn)
        return self.get_metrics_result() if return_dict else self._in_order(self.get_metrics_result())

    def reset_metrics(self) -> None:
        """Start the running means of loss and metrics anew."""
        self._loss_mean = RunningMean()
        for head in self._heads:
            head.reset()

    def get_metrics_result(self) -> dict:
        """Loss and metrics so far, in the order of their names, as Keras logs them."""
        logs = {"loss": self._loss_mean.result()}
        logs.update({f"{head.name}_loss": head.loss_mean.result() for head in self._heads_with_own_loss()})
        for name, metric in self.named_metrics.items():
            result = metric.result()
            several = result if isinstance(result, dict) else {name: result}
            logs.update({key: _plain(value) for key, value in several.items()})
        last_batch, self._last_batch = self._last_batch, None
        if last_batch and not math.isfinite(logs["loss"]):
            self._tell_non_finite(*last_batch)
        return dict(sorted(logs.items()))

    def _in_order(self, logs):
        """[loss, metrics...], or the loss alone where there are no metrics."""
        names = [name for name in self.metrics_names if name in logs]  # a metric may give several under other names
        values = [logs[name] for name in [*names, *sorted(set(logs) - set(names))]]
        return values if len(values) > 1 else values[0]


_HELD_BY_LAYERS = (Activation, Regularizer)


@lru_cache(maxsize=16)
def _equal_shares(count, in_mean, dtype, backend_name, factor):
    """The shares of rows without weights; the same array every time."""
    shares = np.ones(count, dtype)
    return transfer.here((shares / shares.dtype.type(count) if in_mean else shares) * shares.dtype.type(factor))


def _plain(result):
    """A metric's result as Python's number, or as an array where it is several numbers."""
    result = np.asarray(result)
    return result if result.ndim else float(result)


def _is_validated(epochs_done, validation_freq):
    if is_positive_integer(validation_freq):
        return epochs_done % validation_freq == 0
    return epochs_done in validation_freq
