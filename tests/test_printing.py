"""What is printed never ends a training: streams of every encoding, broken streams, narrow and dumb terminals."""

from __future__ import annotations

import io
import re
import sys

import numpy as np
import pytest

import minicnn
from minicnn import printing
from minicnn.models.progress import Progress


def _trained():
    model = minicnn.Sequential([minicnn.Input((2,)), minicnn.layers.Dense(1, name="층")])
    model.compile("sgd", "mse")
    history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=2, verbose=1)
    model.summary()
    return history.history["loss"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp949", "utf-8"])
def test_streams_of_every_encoding(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    assert len(_trained()) == 2
    stream.flush()
    written = stream.buffer.getvalue().decode(encoding)
    assert "Epoch 2/2" in written and "Total params: 5" in written
    assert ("━" in written) == (encoding in ("utf-8", "cp949")) and ("층" in written) == (
        encoding in ("utf-8", "cp949")
    )


class _Bare:
    """A stream with nothing but `write`."""

    def write(self, text): ...


class _Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("kind", ["bare", "full", "closed", "missing"])
def test_broken_streams(monkeypatch, kind):
    stream = {"bare": _Bare(), "full": _Full(), "closed": io.StringIO(), "missing": None}[kind]
    if kind == "closed":
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    assert len(_trained()) == 2


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _bar(monkeypatch, columns, steps=100, **environment):
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = _Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    progress = Progress(steps, 1, interval=0)
    for step in (1, steps // 2, steps):
        progress.step(step)
        progress.update({"loss": 1.25, "categorical_accuracy": 0.5, "mean_absolute_error": 0.25})
    progress.finish({"loss": 1.25})
    return stream.getvalue()


@pytest.mark.parametrize("columns", [10, 25, 40, 60, 120])
def test_a_line_never_wraps(monkeypatch, columns):
    written = re.sub(r"\033\[\d+m", "", _bar(monkeypatch, columns))
    lines = re.split(r"[\r\n]", written)
    assert max(map(len, lines)) < columns and any("100/100" in line for line in lines)
    assert "━" in written or columns < 40, "on narrow terminals the numbers come first"


def test_colors_and_dumb_terminals(monkeypatch):
    assert "\033[" in _bar(monkeypatch, 100)
    plain = _bar(monkeypatch, 100, NO_COLOR="1")
    assert "\033" not in plain and "\r" in plain
    dumb = _bar(monkeypatch, 100, TERM="dumb")
    assert "\033" not in dumb and "\r" not in dumb and dumb.count("\n") == 1


def test_a_notebook_is_drawn_in(monkeypatch):
    class OutStream(io.StringIO): ...

    OutStream.__module__ = "ipykernel.iostream"
    monkeypatch.setattr(sys, "stdout", OutStream())
    assert printing.can_redraw()
