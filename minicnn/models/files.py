"""Saving and loading, at the same place as in Keras: in `models`.

`minicnn.saving` does the work. It is one floor above and imports h5py, so it is imported only when it is needed.
"""

from __future__ import annotations

import importlib


def saving():
    """The package `minicnn.saving`."""
    return importlib.import_module("minicnn.saving")


def save_model(model, filepath, overwrite=True, include_optimizer=True, **unknown) -> None:
    """Save a model to a file; see `minicnn.saving.save_model`."""
    saving().save_model(model, filepath, overwrite, include_optimizer, **unknown)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """The model in a file; see `minicnn.saving.load_model`."""
    return saving().load_model(filepath, custom_objects, compile, safe_mode)


def model_from_json(json_string, custom_objects=None):
    """A new model from the text that `to_json` returned; see `minicnn.saving.from_json`."""
    return saving().from_json(json_string, custom_objects)
