"""Callbacks: what happens between the steps of training."""

from .base import Callback, CallbackList
from .early_stopping import EarlyStopping
from .history import History

__all__ = ["Callback", "CallbackList", "EarlyStopping", "History"]
