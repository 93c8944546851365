"""compile and fit: epochs, callbacks, arguments. What happens to one batch is in `training_step.py`.

`inference.py` has evaluate and predict.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np

from .. import config, metrics, optimizers
from ..callbacks import CallbackList, History
from ..kernels.cpu.compile_ahead import compiled_in_two_processes
from ..printing import say
from ..running_mean import RunningMean
from ..shapes import is_positive_integer
from .batches import is_source_of_batches, refuse_beside_batches
from .by_name import listed
from .data import Data, checked_batch_size
from .files import saving
from .heads import Head, check_identifiers, log_names, make_heads, metrics_within
from .inference import Inference
from .progress import Progress, announced_compiling
from .training_step import TrainingStep


class Trainer(Inference):
    """The part of a model that trains it. It needs forward, backward, ends_in, the weights, and the names and numbers
    of inputs and outputs."""

    optimizer = None
    loss = None
    run_eagerly = False
    steps_per_execution = 1
    stop_training = False
    _told_non_finite = False  # whether this call has printed that a loss is not finite
    history: History | None = None
    _heads: list[Head] = []  # noqa: RUF012 - replaced by compile, never changed in place
    _metrics_within: list = []  # noqa: RUF012 - the metrics that users' layers keep, in attributes; replaced as a whole
    _heads_of: tuple | None = None  # what `_outputs_of_heads` was when they were made

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

        With run_eagerly every step of `fit` and every prediction runs the layers' Python code, so that a debugger can
        follow it. Without it most are replayed from a list of kernels (`recorded_step.py`, `prediction.py`).
        steps_per_execution says how many batches there are from one call of on_train_batch_begin to the next, and alike
        for the other hooks of batches. jit_compile and auto_scale_loss are accepted, and change nothing here.
        """
        optimizer = optimizers.get(optimizer)
        given = {
            "loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics,
        }  # fmt: skip
        arguments = {key: self._of_outputs(value) for key, value in given.items()}
        outputs = self._outputs_of_heads()
        if not is_positive_integer(steps_per_execution):
            raise ValueError(f"steps_per_execution must be a positive integer; received {steps_per_execution!r}.")
        heads = [] if outputs is None else make_heads(*_as_made(outputs, arguments))
        if outputs is None:
            check_identifiers(*arguments.values())
        self.optimizer, self.compile_arguments, self._heads, self._heads_of = optimizer, arguments, heads, outputs
        self.loss, self.run_eagerly, self.jit_compile = loss, run_eagerly, jit_compile
        self.steps_per_execution = steps_per_execution
        self._loss_mean = RunningMean()

    def get_compile_config(self) -> dict:
        """The arguments of `compile` as a file keeps them; {} for a model that is not compiled."""
        return saving().configuration.compile_to_keras(self) or {}

    def compile_from_config(self, config) -> None:
        """Call `compile` with what `get_compile_config` returned. A class with a `compile` of its own, which may take
        other arguments, is not compiled, unless it defines this method too."""
        if type(self).compile is not Trainer.compile:
            warnings.warn(
                f"{self.name!r} is not compiled, because {type(self).__name__} has a compile of its own: call it, or "
                "define get_compile_config and compile_from_config.",
                stacklevel=2,
            )
            return
        saving().configuration.compile_from_keras(self, config)

    def _outputs_of_heads(self):
        """(the outputs' names, whether logs show them); None while a `call` has not said what its outputs are."""
        if self._draws:
            self._current_drawings()  # forgets those of an earlier `call`
        drawn = self.last_drawing() if self._draws else None
        if self._draws and drawn is None:
            return None
        return self.output_names, drawn is None or not drawn.gives_several or drawn.kind == "dict"

    def _renew_heads(self):
        """Make the heads of a model that defines `call` now that its outputs are known, or if they are others."""
        outputs = self._outputs_of_heads()
        if self._draws and self.compiled and outputs != self._heads_of:
            self._heads = make_heads(*_as_made(outputs, self.compile_arguments))
            self._heads_of = outputs

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self.optimizer is not None

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns: metrics as in `compile`, or sorted by name for several outputs."""
        own_losses = list(dict.fromkeys(head.loss_name for head in self._heads_with_own_loss()))
        form = self.form_of_outputs() if self.plan is not None else None
        if isinstance(form, dict) and all(isinstance(place, int) for place in form.values()):  # in the order given
            own_losses.sort(key=lambda name: [f"{key}_loss" for key in form].index(name))
        names = list(self.named_metrics)
        if self._heads and not self._heads[0].prefix:  # outputs without names
            return ["loss", *names, *own_losses]
        return ["loss", *own_losses, *(names if len(self._heads) == 1 else sorted(names))]

    @property
    def metrics(self) -> list:
        """The metrics; none before the first data, which decide what a name such as "accuracy" means."""
        return list(self.named_metrics.values())

    @property
    def named_metrics(self) -> dict[str, metrics.Metric]:
        """{name in the logs: metric}; empty before the first data, as `metrics`."""
        return {**log_names(self._heads), **{metric.name: metric for metric in self._metrics_within}}

    def _heads_with_loss(self):
        return [head for head in self._heads if head.loss is not None]

    def _heads_with_own_loss(self):
        """The heads whose own losses are in the logs: all with a loss if there are several, otherwise none."""
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

        Instead of an array, x may be a `PyDataset`, a generator or any iterable of batches (x, y) or (x, y, weights);
        threads read the batches ahead. Several inputs and outputs come in lists, or in dictionaries by name. Every
        argument is checked before the first step.

        batch_size         32 unless given
        steps_per_epoch    the number of batches in an epoch, all of them unless given
        validation_data    (x, y), (x, y, weights) or batches; used instead of validation_split if both are given
        validation_split   the share of the data, taken from their end before shuffling, to validate on
        validation_freq    validate after every so many epochs, or after the epochs in this list
        class_weight       {label: weight}: weighs the loss of training, but not of validation
        sample_weight      (n,): weighs the loss of training, and of the part that validation_split takes
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
        Progress(1, verbose)  # an error now if verbose is not valid, and not after the data are prepared
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
                    validation, validation_batch_size, validation_steps, "validation_steps", anew=True
                )
            return self._fit(
                passes, validation_passes, epochs, initial_epoch, validation_freq, verbose, listed(callbacks)
            )
        finally:
            passes.close()
            if validation_passes:
                validation_passes.close()

    def _fit(self, passes, validation, epochs, initial_epoch, validation_freq, verbose, callbacks):
        """Run the epochs. The data and the arguments have been checked."""
        history = self.history = History()
        self._tell_that_call_does_not_train()
        verbose = 1 if verbose == "auto" else verbose
        hooks = CallbackList(
            [*callbacks, history], self,
            verbose=verbose, epochs=epochs, steps=passes.length, do_validation=validation is not None,
        )  # fmt: skip
        self.stop_training, self._told_non_finite = False, False
        training_step = TrainingStep(self)
        learn = training_step.recorded()
        self.initial_epoch = initial_epoch  # a callback may set it, to continue an earlier training
        hooks.passes = [passes] if validation is None else [passes, validation]
        hooks.call("on_train_begin", {})
        logs: dict = {}
        for epoch in range(self.initial_epoch, epochs):
            self.reset_metrics()
            hooks.call("on_epoch_begin", epoch, {})
            if verbose and epochs > 1:
                say(f"Epoch {epoch + 1}/{epochs}")
            progress = Progress(passes.length, verbose)
            done, hooks.batches_done = hooks.batches_done, 0
            # rows: the numbers of the batch's samples in data
            for step, (data, rows) in enumerate(passes.batches(done), done):
                hooks.batch_begins("train", step)
                with announced_compiling(progress, partial(training_step.rehearsal, data, rows, training=True)):
                    training_step.train(data, rows, learn)
                progress.step(step + 1)
                hooks.batch_ended("train", step, training_step.logs)
                if progress.wants_logs():
                    progress.update(training_step.logs())
                if self.stop_training:
                    break
            hooks.batches_over("train", training_step.logs)
            if passes.ran_out:
                say(f"minicnn: the data ran out in epoch {epoch + 1}, before its end; training stops.")
                self.stop_training = True
                if progress.done == 0:  # no epoch: there is nothing to log or to validate
                    break
            elif verbose and passes.steps and progress.done < passes.steps and not self.stop_training:
                say(f"minicnn: the data ended in epoch {epoch + 1}; the next epoch starts again with the first batch.")
            logs = training_step.logs()
            if validation is not None and _is_validated(epoch + 1, validation_freq):
                results = self._evaluate(validation, training_step, hooks, Progress(1, 0))
                logs.update({f"val_{name}": value for name, value in results.items()})
            hooks.call("on_epoch_end", epoch, logs)
            progress.finish(logs)  # with what callbacks have added
            if self.stop_training:
                break
        if epochs > self.initial_epoch:
            self.optimizer.finalize_variable_values(self.trainable_weights)
        hooks.call("on_train_end", logs)
        return history

    def _data_of_fit(self, x, y, sample_weight, class_weight, validation_data, validation_split):
        """(data, validation or None), each a checked Data for which the model is built, or a source of batches."""
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
        training_step = TrainingStep(self)
        rows = np.arange(data.size)
        with compiled_in_two_processes(partial(training_step.rehearsal, data, rows, training=True)):
            training_step.train(data, rows)
        logs = training_step.logs()
        return logs if return_dict else self._in_order(logs)

    def reset_metrics(self) -> None:
        """Set the running means of loss and metrics back to their start."""
        self._loss_mean = RunningMean()
        for head in self._heads:
            head.reset()
        within = metrics_within(self)
        if within != self._metrics_within:
            self._metrics_within = within
        for metric in within:
            metric.reset_state()

    def get_metrics_result(self) -> dict:
        """Loss and metrics so far, sorted by name, as Keras logs them."""
        logs = {"loss": self._loss_mean.result()}
        logs.update({head.loss_name: head.loss_mean.result() for head in self._heads_with_own_loss()})
        for name, metric in self.named_metrics.items():
            result = metric.result()
            several = result if isinstance(result, dict) else {name: result}
            logs.update({key: _plain(value) for key, value in several.items()})
        return dict(sorted(logs.items()))

    def _in_order(self, logs):
        """[loss, metrics...], or the loss alone where there are no metrics."""
        names = [name for name in self.metrics_names if name in logs]  # a metric may give several, under other names
        values = [logs[name] for name in [*names, *sorted(set(logs) - set(names))]]
        return values if len(values) > 1 else values[0]


def _as_made(outputs, arguments):
    """The arguments of `make_heads`."""
    names, named = outputs
    return names, *arguments.values(), named


def _plain(result):
    """A metric's result as a float, or as an array if it has several numbers."""
    result = np.asarray(result)
    return result if result.ndim else float(result)


def _is_validated(epochs_done, validation_freq):
    if is_positive_integer(validation_freq):
        return epochs_done % validation_freq == 0
    return epochs_done in validation_freq
