"""Keras's public names for image models: the table in minicnn/README.md says which of them minicnn has.

The names are read from Keras itself.

python tests/test_names.py        prints the new table
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import minicnn

PAGE = Path(__file__).resolve().parents[1] / "minicnn" / "README.md"
BEGIN, END = "<!-- names: made by tests/test_names.py -->\n", "<!-- end of names -->"
MODULES = (
    "layers", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks", "initializers", "regularizers",
    "constraints", "activations", "ops", "models", "utils", "random", "preprocessing.image",
    "applications",
)  # fmt: skip
NOT_ABOUT_IMAGES = (  # parts of names for text, sound, sequences, volumes, and Keras's other engines
    "1D", "3D", "LSTM", "GRU", "RNN", "Attention", "Embedding", "Text", "Lookup", "Hash", "Category", "Spectrogram",
    "STFT", "stft", "CTC", "ctc", "Flax", "Jax", "Torch", "TFSM", "Orbax", "legacy", "audio", "text_", "timeseries",
    "pad_sequences", "Masking", "TimeDistributed", "Bidirectional", "RepeatVector",
)  # fmt: skip


def names_of_keras(module):
    """The public names of a module of Keras, without the names that are not about images."""
    found = importlib.import_module(f"keras.{module}")
    names = [name for name in dir(found) if not name.startswith("_") and name != "schedules"]
    return [name for name in names if not any(word in name for word in NOT_ABOUT_IMAGES)]


def has(module, name):
    here = minicnn
    for part in module.split("."):
        here = getattr(here, part)
    return hasattr(here, name)


def table():
    lines = ["| module | minicnn has | minicnn does not have |", "|---|---|---|"]
    for module in MODULES:
        names = names_of_keras(module)
        there = ", ".join(name for name in names if has(module, name))
        lines.append(f"| `{module}` | {there} | {', '.join(name for name in names if not has(module, name))} |")
    return "\n".join(lines) + "\n"


def test_the_page_lists_keras_s_names(tf):
    text = PAGE.read_text()
    assert text.split(BEGIN)[1].split(END)[0] == table(), "python tests/test_names.py prints the table anew"


def test_a_name_that_is_missing_points_to_the_table(tf):
    for module in MODULES:
        for name in names_of_keras(module):
            if not has(module, name):
                here = importlib.import_module(f"minicnn.{module}")
                with pytest.raises(AttributeError, match=rf"minicnn.{module} has no '{name}'. minicnn/README.md lists"):
                    getattr(here, name)


if __name__ == "__main__":
    sys.stdout.write(table())
