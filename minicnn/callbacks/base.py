"""The hooks that training, evaluation and prediction call."""

from __future__ import annotations

import functools


class Callback:
    """Base class: override the hooks you want. `self.model` and `self.params` are set before the first one.

    `logs` is a dictionary of the loss and metrics so far. Set `self.model.stop_training = True` to end training after
    the running epoch (or after the running batch, in a batch hook).
    """

    _comes_last = False
    """Whether the hooks of the other callbacks are called before those of this one."""

    _kept: tuple[str, ...] = ()
    """The attributes that `get_state` returns."""

    def __init__(self):
        self.model = None
        self.params: dict = {}

    def set_model(self, model) -> None:
        self.model = model

    def set_params(self, params: dict) -> None:
        self.params = params

    def _set_list(self, callbacks) -> None:
        """Get to know the list of all callbacks; `BackupAndRestore` does."""

    def get_state(self) -> dict:
        """What the callback must remember if the training is interrupted (`BackupAndRestore`): numbers, texts and
        arrays, in lists and dictionaries."""
        return {name: getattr(self, name) for name in self._kept}

    def set_state(self, state: dict) -> None:
        """Take over what `get_state` returned, after `on_train_begin` of the training that goes on."""
        for name in self._kept:
            if name in state:
                setattr(self, name, state[name])

    def on_train_begin(self, logs=None): ...
    def on_train_end(self, logs=None): ...
    def on_epoch_begin(self, epoch, logs=None): ...
    def on_epoch_end(self, epoch, logs=None): ...

    def on_train_batch_begin(self, batch, logs=None):
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch, logs=None): ...
    def on_batch_end(self, batch, logs=None): ...
    def on_test_begin(self, logs=None): ...
    def on_test_end(self, logs=None): ...
    def on_test_batch_begin(self, batch, logs=None): ...
    def on_test_batch_end(self, batch, logs=None): ...
    def on_predict_begin(self, logs=None): ...
    def on_predict_end(self, logs=None): ...
    def on_predict_batch_begin(self, batch, logs=None): ...
    def on_predict_batch_end(self, batch, logs=None): ...


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))
"""The names of all hooks."""


class CallbackList:
    """Several callbacks called as one: `call("on_epoch_end", epoch, logs)`."""

    def __init__(self, callbacks, model, **params):
        if callbacks is None:
            callbacks = []
        elif not isinstance(callbacks, (list, tuple)):
            callbacks = [callbacks]
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise ValueError(f"callbacks must be minicnn.callbacks.Callback objects; received {callback!r}.")
        self.callbacks = sorted(callbacks, key=lambda callback: callback._comes_last)
        self.passes: list = []  # those of `fit`: over the training data, and over the validation data
        self.batches_done = 0  # of the first epoch, by an earlier training
        self.steps_per_execution = getattr(model, "steps_per_execution", 1)
        self._overridden: dict[str, bool] = {}  # by hook: whether its logs are needed
        self._last: int | None = None  # the number of the batch that ends the running execution
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)
            callback._set_list(self)

    def __getattr__(self, name):
        """Keras's way to call a hook on every callback: `callbacks.on_epoch_end(epoch, logs)`."""
        if name not in HOOKS:
            raise AttributeError(f"CallbackList has no attribute {name!r}.")
        return functools.partial(self.call, name)

    def call(self, hook: str, *arguments) -> None:
        """Call the hook with this name on every callback."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def batch_begins(self, kind: str, step: int) -> None:
        """Call on_..._batch_begin for the first of every `steps_per_execution` batches. kind: "train" and so on."""
        if step % self.steps_per_execution == 0:
            self.call(f"on_{kind}_batch_begin", step, {})
            self._last = step + self.steps_per_execution - 1

    def batch_ended(self, kind: str, step: int, logs) -> None:
        """Call on_..._batch_end with logs() after the last of every `steps_per_execution` batches."""
        if step == self._last:
            self.batches_over(kind, logs)

    def batches_over(self, kind: str, logs) -> None:
        """Call on_..._batch_end if the last execution had fewer batches. Keras numbers it as a full one."""
        if self._last is not None:
            last, self._last, hook = self._last, None, f"on_{kind}_batch_end"
            if hook not in self._overridden:
                self._overridden[hook] = self.overrides(hook)
            if self._overridden[hook]:
                self.call(hook, last, logs())

    def overrides(self, hook: str) -> bool:
        """Whether any callback overrides this hook. If not, the caller need not compute logs for it."""
        names = (hook, hook.replace("train_batch", "batch"))  # the second is Keras's older name
        methods = ((name, getattr(callback, name)) for callback in self.callbacks for name in names)
        return any(getattr(method, "__func__", method) is not getattr(Callback, name) for name, method in methods)
