"""The logs of every epoch as a line of a CSV file."""

from __future__ import annotations

import csv
import os
from contextlib import suppress

from ..printing import say
from .base import Callback


class CSVLogger(Callback):
    """Write epoch and logs to `filename`; with append, after what the file holds. A value that an epoch lacks is NA."""

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None
        self.csv_file = self.writer = None

    def on_train_begin(self, logs=None):
        self._header_there = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115 - closed at the end
        self.keys = self.writer = None
        self._told = False

    def on_epoch_end(self, epoch, logs=None):
        try:
            self._write_row(epoch, logs or {})
        except OSError as error:  # a full disk, for example, should not end a training
            if not self._told:
                self._told = True
                say(f"minicnn: epoch {epoch + 1} is not written to {self.filename} ({error}). Training goes on.")

    def _write_row(self, epoch, logs):
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):  # a later epoch may be validated
                self.keys += [f"val_{key}" for key in self.keys]
            self.writer = self._made_writer()
            if not self._header_there:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{key: logs.get(key, "NA") for key in self.keys}})
        self.csv_file.flush()

    def get_state(self):
        """The lines that the file has so far."""
        text = ""
        if os.path.isfile(self.filename):
            with open(self.filename, newline="") as file:
                text = file.read()
        return {"text": text, "keys": self.keys}

    def set_state(self, state):
        """Write the file as it was, and go on behind it."""
        self.csv_file.close()
        self.csv_file = open(self.filename, "w", newline="")  # noqa: SIM115 - closed at the end
        self.csv_file.write(state["text"])
        self.csv_file.flush()
        self._header_there, self.keys = bool(state["text"]), state["keys"]
        if self.keys is not None:
            self.writer = self._made_writer()

    def _made_writer(self):
        return csv.DictWriter(self.csv_file, ["epoch", *self.keys], delimiter=self.sep)

    def on_train_end(self, logs=None):
        with suppress(OSError):  # the lines that could not be written
            self.csv_file.close()
