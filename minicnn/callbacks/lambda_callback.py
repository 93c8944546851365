"""A callback made of plain functions."""

from __future__ import annotations

from ..registry import nearest
from .base import HOOKS, Callback


class LambdaCallback(Callback):
    """Each argument is a function for the hook of its name: LambdaCallback(on_epoch_end=lambda epoch, logs: ...).
    Other names, which do not begin with on_, become attributes."""

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_train_begin=None,
        on_train_end=None,
        on_train_batch_begin=None,
        on_train_batch_end=None,
        **functions,
    ):
        super().__init__()
        functions |= {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }  # fmt: skip
        for hook, function in functions.items():
            if hook.startswith("on_") and hook not in HOOKS:
                raise TypeError(f"There is no hook {hook!r}. {nearest(hook, HOOKS)}")
            if function is not None:
                setattr(self, hook, function)
