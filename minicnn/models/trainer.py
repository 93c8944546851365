"""compile, fit, evaluate, predict: the loop around a model's forward and backward.

`fit` -> `_train_step`, one batch -> `_learn`: forward, loss, backward, update. Read these first.
"""

from __future__ import annotations

import math
from collections import Counter
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from .. import config, losses, metrics, optimizers
from ..activations import Activation
from ..backend import backend
from ..callbacks import CallbackList, History
from ..kernels import workspace
from ..kernels.compile import compile_clock
from ..layers.base import FOR_WEIGHTS
from ..ops import gather, optimizer_update, replay, total, transfer
from ..running_mean import RunningMean
from ..shapes import is_positive_integer
from .data import Data, checked_batch_size
from .nonfinite import first_non_finite
from .progress import Progress


class Trainer:
    """The part of a model that trains it. It needs forward, backward, ends_in and the weights."""

    optimizer = None
    loss: losses.Loss | None = None
    stop_training = False
    history: History | None = None
    _metric_identifiers: list = []  # noqa: RUF012 - replaced by compile, never changed in place
    _metrics: list[metrics.Metric] | None = None

    # compile

    def compile(self, optimizer="rmsprop", loss=None, *, metrics=None) -> None:
        """Choose the optimizer, the loss and the metrics, each by name or as an object.

        metrics is a list, or a single name. "accuracy" (or "acc") becomes the accuracy that suits loss and targets.
        """
        named_loss = loss
        optimizer, loss, identifiers = optimizers.get(optimizer), losses.get(loss), _listed(metrics)
        self._check_metric_names(identifiers)
        self.compile_arguments = {"loss": named_loss, "metrics": identifiers}
        self.optimizer, self.loss, self._metric_identifiers = optimizer, loss, identifiers
        self._metrics, self._loss_mean = None, RunningMean()

    @staticmethod
    def _check_metric_names(identifiers):
        """ValueError for an unknown metric now, although which accuracy is meant shows only with the data."""
        for identifier in identifiers:
            metrics.get(identifier, None, (None,), (None, 1))

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self.optimizer is not None

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate` returns, in order."""
        return ["loss", *(metric.name for metric in self.metrics)]

    @property
    def metrics(self) -> list:
        """The metrics, once the first data have shown which are meant."""
        return list(self._metrics or [])

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
        validation_batch_size=None,
        validation_freq=1,
    ) -> History:
        """Train on arrays x (n, ...) and y (n, ...), and return the History.

        batch_size 32 unless given; validation_split takes the last part of the data, before shuffling;
        validation_data (x, y) or (x, y, weights) goes before it; class_weight {label: weight} and sample_weight (n,)
        weigh the loss of training (not of validation_split's part, as far as classes go). validation_freq: validate
        after every so many epochs, or after the epochs listed. Every argument is checked before the first step.
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

        history = self.history = History()
        steps = math.ceil(data.size / batch_size)
        verbose = 1 if verbose == "auto" else verbose
        hooks = CallbackList(
            [*_listed(callbacks), history], self,
            verbose=verbose, epochs=epochs, steps=steps, do_validation=validation is not None,
        )  # fmt: skip
        batch_logs = hooks.overrides("on_train_batch_end")
        self.stop_training, self._told_non_finite = False, False
        generator = np.random.default_rng(config.next_seed()) if shuffle else None
        learn = replay.make(self._learn, self._settings)
        self.initial_epoch = initial_epoch  # a callback may say that training goes on later
        hooks.call("on_train_begin", {})
        logs: dict = {}
        for epoch in range(self.initial_epoch, epochs):
            self.reset_metrics()
            hooks.call("on_epoch_begin", epoch, {})
            if verbose:
                print(f"Epoch {epoch + 1}/{epochs}", flush=True)
            progress = Progress(steps, verbose)
            order = None if generator is None else generator.permutation(data.size)
            for step, rows in enumerate(data.batches(batch_size, order)):
                hooks.call("on_train_batch_begin", step, {})
                with _announced_compiling(progress):
                    self._train_step(data, rows, learn)
                if batch_logs:
                    hooks.call("on_train_batch_end", step, self._logs())
                if progress.wants_logs():
                    progress.update(step + 1, self._logs())
                if self.stop_training:
                    break
            logs = self._logs()
            if validation is not None and _is_validated(epoch + 1, validation_freq):
                results = self._evaluate(validation, validation_batch_size, hooks, Progress(1, 0))
                logs.update({f"val_{name}": value for name, value in results.items()})
            progress.finish(logs)
            hooks.call("on_epoch_end", epoch, logs)
            if self.stop_training:
                break
        hooks.call("on_train_end", logs)
        return history

    def _data_of_fit(self, x, y, sample_weight, class_weight, validation_data, validation_split):
        """(data, validation or None), checked, and the model built for them."""
        data, validation = Data(x, y, sample_weight), None
        self._check_targets_given(data, "fit")
        if validation_data is not None:
            if not isinstance(validation_data, (list, tuple)) or len(validation_data) not in (2, 3):
                raise ValueError(
                    "validation_data must be (x, y) or (x, y, sample_weight); "
                    f"received an object of type {type(validation_data).__name__}."
                )
            validation = Data(*validation_data)
            self._check_targets_given(validation, "validation")
        elif validation_split:
            data, validation = data.split(validation_split)
        if class_weight is not None:
            data.apply_class_weight(class_weight, self.loss)
        for part in (data, validation):
            if part is not None:
                self._prepare(part)
        return data, validation

    def _train_step(self, data: Data, rows, learn) -> None:
        """One batch: gather it, learn from it, count. What is computed lives in lent buffers until the step ends."""
        everything = self.weights
        self._forget_gradients(everything)  # an interrupted step may have left some behind
        with workspace.step():
            x, targets, shares = self._batch(data, rows)
            parts, outputs = learn(x, targets, shares)
            self._count(parts, outputs, data.y[rows], x, targets, training=True)
            self._forget_gradients(everything)

    def _settings(self):
        """What a step depends on besides its batch, its weights' values and the numbers that change in every step."""
        parts = [self.optimizer, self.loss, *self.flattened()[1:]]
        numbers = [
            (name, value)
            for part in parts
            for name, value in vars(part).items()
            if isinstance(value, (bool, int, float, type(None))) and name not in _CHANGES_IN_EVERY_STEP
        ]
        return [id(part) for part in parts], [id(v) for v in self.trainable_weights], bool(self._metrics), numbers

    def _learn(self, x, targets, shares):
        """Forward, loss, backward, update: (the parts of the loss, what the metrics look at)."""
        variables = self.trainable_weights
        parts, outputs, dy, saved = self._forward_and_loss(x, targets, shares, variables, training=True)
        self.backward(dy, saved, need_dx=False)
        self._update(variables)
        return parts, outputs

    def _batch(self, data, rows):
        """The inputs, targets and shares in the loss of a batch, where the backend computes."""
        x = gather.forward(data.x, rows, self.dtype)
        if x.shape not in self._output_shapes:
            self._output_shapes[x.shape] = tuple(self.compute_output_shape(x.shape))
        shape = self._output_shapes[x.shape]
        targets = transfer.here(self.loss.targets(data.y[rows], shape, self.dtype))
        return x, targets, self._shares(data, rows, shape[:-1])

    def _forward_and_loss(self, x, targets, shares, variables, training):
        """Run a batch: (its loss and the variables' penalties, what the metrics look at, the outputs' gradient, saved).

        In inference there is no gradient.
        """
        joined = self._joined_activation()
        y_pred, saved = self.forward(
            x, training, FOR_WEIGHTS if training else False, **({"logits": True} if joined else {})
        )
        values, saved_loss = self.loss.forward(targets, y_pred, bool(joined), need_saved=training)
        penalties = [
            optimizer_update.penalty(v.value, v.regularizer.l1, v.regularizer.l2)
            for v in variables
            if v.regularizer is not None
        ]
        parts = [total.forward(values, shares), *penalties]
        if all(isinstance(part, float) for part in parts) and not math.isfinite(sum(parts)):
            self._tell_non_finite(x, targets, training)
        dy = self.loss.backward(shares, saved_loss) if training else None
        outputs = None
        if self._metrics:
            outputs = joined.forward(y_pred, need_saved=False)[0] if joined else y_pred
        return parts, outputs, dy, saved

    def _count(self, parts, outputs, y, x, targets, training):
        """Add a batch to the means of loss and metrics."""
        self._loss_mean.add(parts[0], len(x), len(x))
        for penalty in parts[1:]:
            self._loss_mean.add(penalty, 0, len(x))
        if not all(isinstance(part, float) for part in parts):
            self._last_batch = (x, targets, training)  # to be looked at when the numbers are here
        if self._metrics:
            self._update_metrics(y, outputs)

    def _update_metrics(self, y, probabilities):
        """Show a batch to the metrics: those of minicnn read it where it lies, others get a NumPy copy to keep."""
        copied = None
        for metric in self._metrics:
            if metric.takes_arrays_of_the_backend:
                metric.update_state(y, probabilities)
            else:
                copied = np.array(transfer.to_host(probabilities)) if copied is None else copied
                metric.update_state(y, copied)

    def _joined_activation(self) -> Activation | None:
        """The activation that the loss computes together with itself, if the model ends in it."""
        return Activation(self.ends_in, self.ends_in) if self.loss.joins(self.ends_in) else None

    def _shares(self, data, rows, shape):
        """Each row's share of the batch's loss: its weight, divided by the number of rows for the mean."""
        count, in_mean = math.prod(shape), self.loss.reduction != "sum"
        if data.weights is None:
            return _equal_shares(count, in_mean, self.dtype, backend())
        shares = losses.spread_weights(data.weights[rows], shape, self.dtype)
        return transfer.here(shares / shares.dtype.type(count) if in_mean else shares)

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

    def _tell_non_finite(self, x, targets, training):
        """One line, once per fit, about where the first NaN or infinity came from. Training goes on, as in Keras."""
        if not self._told_non_finite:
            self._told_non_finite = True
            print(f"minicnn: the loss is not finite; {first_non_finite(self, x, targets, training)}", flush=True)

    _told_non_finite = False
    _last_batch: tuple | None = None

    # evaluate and predict

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, callbacks=None, return_dict=False
    ):
        """The loss, or [loss, metrics...], or with return_dict a dictionary of them, on arrays x and y."""
        self._check_compiled("evaluate")
        data = Data(x, y, sample_weight)
        self._check_targets_given(data, "evaluate")
        self._prepare(data)
        batch_size = checked_batch_size(batch_size)
        steps = math.ceil(data.size / batch_size)
        hooks = CallbackList(_listed(callbacks), self, verbose=verbose, epochs=1, steps=steps)
        progress = Progress(steps, verbose)
        self._told_non_finite = False
        logs = self._evaluate(data, batch_size, hooks, progress)
        progress.finish(logs)
        return logs if return_dict else self._in_order(logs)

    def _evaluate(self, data, batch_size, hooks, progress):
        """A pass in inference: the logs."""
        self.reset_metrics()
        hooks.call("on_test_begin", {})
        for step, rows in enumerate(data.batches(batch_size)):
            hooks.call("on_test_batch_begin", step, {})
            self._test_step(data, rows, progress)
            if hooks.overrides("on_test_batch_end"):
                hooks.call("on_test_batch_end", step, self._logs())
            if progress.wants_logs():
                progress.update(step + 1, self._logs())
        logs = self._logs()
        hooks.call("on_test_end", logs)
        return logs

    def _test_step(self, data, rows, progress):
        with _announced_compiling(progress), workspace.step():
            x, targets, shares = self._batch(data, rows)
            variables = self.trainable_weights
            parts, outputs, _, _ = self._forward_and_loss(x, targets, shares, variables, training=False)
            self._count(parts, outputs, data.y[rows], x, targets, training=False)

    def predict(self, x, batch_size=None, verbose="auto", callbacks=None) -> np.ndarray:
        """The outputs for inputs x (n, ...): an array (n, ...) of the model's type."""
        data = Data(x)
        self._build_for(data)
        batch_size = checked_batch_size(batch_size)
        steps = math.ceil(data.size / batch_size)
        hooks = CallbackList(_listed(callbacks), self, verbose=verbose, epochs=1, steps=steps)
        progress = Progress(steps, verbose)
        hooks.call("on_predict_begin", {})
        outputs = None
        for step, rows in enumerate(data.batches(batch_size)):
            hooks.call("on_predict_batch_begin", step, {})
            with _announced_compiling(progress), workspace.step():
                y, _ = self.forward(gather.forward(data.x, rows, self.dtype), training=False, need_saved=False)
                if outputs is None:
                    outputs = np.empty((data.size, *y.shape[1:]), y.dtype)
                outputs[rows] = transfer.to_host(y)
            if hooks.overrides("on_predict_batch_end"):
                hooks.call("on_predict_batch_end", step, {"outputs": outputs[rows]})
            if progress.wants_logs():
                progress.update(step + 1, {})
        progress.finish({})
        hooks.call("on_predict_end", {})
        return outputs

    # Single batches

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step on one batch: its loss, or [loss, metrics...]."""
        self._check_compiled("train_on_batch")
        data = Data(x, y, sample_weight)
        self._check_targets_given(data, "train_on_batch")
        if class_weight is not None:
            data.apply_class_weight(class_weight, self.loss)
        self._prepare(data)
        self.reset_metrics()
        self._train_step(data, np.arange(data.size), self._learn)
        return self._logs() if return_dict else self._in_order(self._logs())

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Loss and metrics of one batch in inference."""
        self._check_compiled("test_on_batch")
        data = Data(x, y, sample_weight)
        self._check_targets_given(data, "test_on_batch")
        self._prepare(data)
        self.reset_metrics()
        self._test_step(data, np.arange(data.size), Progress(1, 0))
        return self._logs() if return_dict else self._in_order(self._logs())

    def predict_on_batch(self, x) -> np.ndarray:
        """The outputs for one batch."""
        return self.predict(x, batch_size=len(x), verbose=0)

    def reset_metrics(self) -> None:
        """Start the running means of loss and metrics anew."""
        self._loss_mean = RunningMean()
        for metric in self.metrics:
            metric.reset_state()

    # What is checked before anything runs

    def _check_compiled(self, method):
        if self.optimizer is None:
            raise RuntimeError(f"Call compile(optimizer, loss) before {method}: {self.name!r} has no loss yet.")
        if self.loss is None:
            raise ValueError(f"{self.name!r} was compiled without a loss, which {method} needs: compile(loss=...).")

    @staticmethod
    def _check_targets_given(data, method):
        if data.y is None:
            raise ValueError(f"{method} needs targets: call {method}(x, y); received y=None.")

    def _build_for(self, data):
        if self.built and self.inputs:
            data.fit_rank(self.input_shape)
        self.build_for((None, *data.x.shape[1:]))
        self.bring_here()
        if self.optimizer is not None:
            self.optimizer.bring_here()

    def _prepare(self, data):
        """Build the model, check data against it, and choose the metrics, all before the first step."""
        self._build_for(data)
        output_shape = self.compute_output_shape(data.x.shape)
        self._output_shapes: dict[tuple, tuple] = {}  # {shape of a batch: shape of its outputs}
        self.loss.check_targets(data.y, output_shape)
        if self._metrics is None:
            self._metrics = self._make_metrics(data.y.shape, output_shape)
        for metric in self._metrics:
            metric.check_targets(data.y, output_shape)
        if data.weights is not None:
            losses.spread_weights(data.weights, output_shape[:-1], self.dtype)

    def _make_metrics(self, y_shape, output_shape):
        made = [metrics.get(m, self.loss, y_shape, output_shape) for m in self._metric_identifiers]
        taken: Counter[str] = Counter()
        for metric in made:
            taken[metric.name] += 1
            if taken[metric.name] > 1:
                metric.name = f"{metric.name}_{taken[metric.name] - 1}"
        return made

    def _logs(self):
        """Loss and metrics so far, in the order of their names, as Keras logs them."""
        logs = {"loss": self._loss_mean.result(), **{metric.name: metric.result() for metric in self.metrics}}
        last_batch, self._last_batch = self._last_batch, None
        if last_batch and not math.isfinite(logs["loss"]):
            self._tell_non_finite(*last_batch)
        return dict(sorted(logs.items()))

    def _in_order(self, logs):
        """[loss, metrics...], or the loss alone where there are no metrics."""
        values = [logs["loss"], *(logs[metric.name] for metric in self.metrics)]
        return values if len(values) > 1 else values[0]


_CHANGES_IN_EVERY_STEP = {"iterations", "_learning_rate", "_rate_of_step", "random_counter"}


@lru_cache(maxsize=16)
def _equal_shares(count, in_mean, dtype, backend_name):
    """The shares of rows without weights; the same array every time."""
    shares = np.ones(count, dtype)
    return transfer.here(shares / shares.dtype.type(count) if in_mean else shares)


def _listed(one_or_several):
    if one_or_several is None:
        return []
    return list(one_or_several) if isinstance(one_or_several, (list, tuple)) else [one_or_several]


def _is_validated(epochs_done, validation_freq):
    if is_positive_integer(validation_freq):
        return epochs_done % validation_freq == 0
    return epochs_done in validation_freq


@contextmanager
def _announced_compiling(progress):
    """Say that kernels are being compiled, and then how long it took; keep it out of the step's time."""
    count, seconds = compile_clock.count, compile_clock.seconds
    compile_clock.announce = progress.verbose != 0
    try:
        yield
    finally:
        compile_clock.announce = False
    if compile_clock.count > count:
        took = compile_clock.seconds - seconds
        progress.leave_out(took)
        if progress.verbose:
            print(f"Compiled {compile_clock.count - count} kernels in {took:.1f} s.", flush=True)
