"""evaluate and predict: passes over data that do not train the model."""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np

from ..callbacks import CallbackList
from ..kernels.cpu import workspace
from ..kernels.cpu.compile_ahead import compiled_in_two_processes
from ..runtime import gather, transfer
from .batches import is_source_of_batches, refuse_beside_batches
from .by_name import listed
from .checks import Checks
from .data import Data, checked_batch_size
from .prediction import Prediction
from .progress import Progress, announced_compiling
from .recorded_step import may_be_rehearsed
from .training_step import TrainingStep


class Inference(Checks):
    """The part of a model that evaluates and predicts. It uses `TrainingStep` for each batch, and `Trainer`'s logs."""

    stop_evaluating = stop_predicting = False
    """A callback sets one of these to end `evaluate` or `predict` after the running batch."""

    @cached_property
    def _prediction(self) -> Prediction:
        return Prediction(self)

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
    ):
        """The loss, or [loss, metrics...], or with return_dict a dictionary of them; x and y as in `fit`."""
        self._check_compiled("evaluate")
        if is_source_of_batches(x):
            refuse_beside_batches(y=y, sample_weight=sample_weight)
            data = x
        else:
            data = self._data(x, y, sample_weight)
            self._check_targets_given(data, "evaluate")
            self._prepare(data)
        passes = self._passes(data, checked_batch_size(batch_size), steps, "steps")
        self._told_non_finite = False
        try:
            hooks = CallbackList(listed(callbacks), self, verbose=verbose, epochs=1, steps=passes.length)
            progress = Progress(passes.length, verbose)
            logs = self._evaluate(passes, TrainingStep(self), hooks, progress)
        finally:
            passes.close()
        progress.finish(logs)
        return logs if return_dict else self._in_order(logs)

    def _evaluate(self, passes, training_step, hooks, progress):
        """Evaluate the model in one pass over the data, and return the logs."""
        self.reset_metrics()
        self.stop_evaluating = False
        hooks.call("on_test_begin", {})
        for step, (data, rows) in enumerate(passes.batches()):
            hooks.batch_begins("test", step)
            with announced_compiling(progress, partial(training_step.rehearsal, data, rows, training=False)):
                training_step.evaluate(data, rows)
            progress.step(step + 1)
            hooks.batch_ended("test", step, training_step.logs)
            if progress.wants_logs():
                progress.update(training_step.logs())
            if self.stop_evaluating:
                break
        hooks.batches_over("test", training_step.logs)
        if passes.ran_out:
            raise ValueError(
                "The batches for evaluation ran out. A generator can be used only once: give the number of batches for "
                "each evaluation (validation_steps), or give arrays or a PyDataset."
            )
        logs = training_step.logs()
        hooks.call("on_test_end", logs)
        return logs

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The outputs for inputs x (n, ...): an array (n, ...) of the model's type, or one for each of several outputs.

        x may also be batches, as in `fit`. Of a batch (x, y) only x is used.
        """
        self._check_not_overridden(("predict_step", "make_predict_function"))
        data = x
        if not is_source_of_batches(x):
            data = self._data(x)
            self._build_for(data)
        passes = self._passes(data, checked_batch_size(batch_size), steps, "steps", targets_needed=False)
        try:
            hooks = CallbackList(listed(callbacks), self, verbose=verbose, epochs=1, steps=passes.length)
            progress = Progress(passes.length, verbose)
            hooks.call("on_predict_begin", {})
            outputs = self._predict(
                passes, data.size if isinstance(data, Data) and steps is None else None, hooks, progress
            )
        finally:
            passes.close()
        progress.finish({})
        hooks.call("on_predict_end", {})
        return self.as_given(outputs if self.gives_several else outputs[0])

    def _predict(self, passes, size, hooks, progress):
        """The outputs of a pass, a list of arrays. size: the number of samples, or None if it is not known."""
        collected: list[_Rows] = []
        done = first = 0

        def logs():
            """The outputs for the batches since the last call of on_predict_batch_end."""
            made = [part.between(first, done) for part in collected]
            return {"outputs": made if self.gives_several else made[0]}

        self.stop_predicting = False

        def receive(start, ys):
            if not collected:
                collected.extend(_Rows(size, part) for part in ys)
            for rows_so_far, part in zip(collected, ys, strict=True):
                rows_so_far.add(done + start, part)

        for step, (data, rows) in enumerate(passes.batches()):
            if step % hooks.steps_per_execution == 0:
                first = done
            hooks.batch_begins("predict", step)
            with announced_compiling(progress, partial(self._rehearsal, data, rows)), workspace.step():
                xs = [gather.forward(part, rows, self.dtype) for part in data.xs]
                if not self._prediction.run(xs, False, receive):
                    self.to_device()
                    y, _ = self._inference(xs)
                    receive(0, [transfer.to_host(part) for part in (y if self.gives_several else [y])])
            progress.step(step + 1)
            done += len(xs[0])
            hooks.batch_ended("predict", step, logs)
            if progress.wants_logs():
                progress.update({})
            if self.stop_predicting:
                break
        hooks.batches_over("predict", logs)
        return [rows_so_far.all() for rows_so_far in collected]

    def _inference(self, xs):
        return self.forward(xs if self.takes_several else xs[0], training=False, need_saved=False)

    def _rehearsal(self, data, rows):
        """The same for a prediction as `TrainingStep.rehearsal`."""

        def rehearse():
            self._inference([gather.forward(part, rows, self.dtype) for part in data.xs])

        return rehearse if may_be_rehearsed(self) else None

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Loss and metrics of one batch in inference."""
        self._check_compiled("test_on_batch")
        data = self._data(x, y, sample_weight)
        self._check_targets_given(data, "test_on_batch")
        self._prepare(data)
        self.reset_metrics()
        training_step = TrainingStep(self)
        rows = np.arange(data.size)
        with compiled_in_two_processes(partial(training_step.rehearsal, data, rows, training=False)):
            training_step.evaluate(data, rows)
        logs = training_step.logs()
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x):
        """The outputs for one batch."""
        return self.predict(x, batch_size=self._data(x).size, verbose=0)


class _Rows:
    """Collects rows part by part: in one array if their number is known, otherwise in arrays that are joined later.

    A model may give fewer or more rows than it gets (x[:2] in a `call`). Then they are joined too.
    """

    def __init__(self, size, first):
        self.filled = 0
        self.array = None if size is None else np.empty((size, *first.shape[1:]), first.dtype)
        self.parts: list[tuple[int, np.ndarray]] = []  # (number of the first row, rows)

    def add(self, start, rows):
        if self.array is not None and (start != self.filled or start + len(rows) > len(self.array)):
            self.parts, self.array = [(0, self.array[: self.filled])], None
        if self.array is None:
            self.parts.append((start, rows.copy()))  # the outputs are in a buffer borrowed from the workspace
        else:
            self.filled = start + len(rows)
            self.array[start : self.filled] = rows

    def between(self, first, end):
        """The rows first .. end - 1, which are the last that have come so far."""
        if self.array is None:
            return np.concatenate([rows for start, rows in self.parts if start >= first])
        return self.array[first:end]

    def all(self):
        return self.between(0, None) if self.array is None else self.array[: self.filled]
