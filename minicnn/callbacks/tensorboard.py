"""Losses, metrics, weights and their pictures as event files, which TensorBoard shows: tensorboard --logdir logs."""

from __future__ import annotations

import os
import time

import numpy as np

from ..shapes import is_positive_integer
from .base import Callback


class TensorBoard(Callback):
    """Write event files into log_dir/train and log_dir/validation, under Keras's names (epoch_loss, batch_loss, ...).

    histogram_freq    write histograms of all weights after every so many epochs; 0 for never
    write_images      with the histograms, also the weights as pictures
    update_freq       "epoch", or write losses and metrics of every so many batches too ("batch" for every one)
    write_steps_per_second    write how many batches a second were trained

    write_graph is accepted and changes nothing: minicnn has no graph of TensorFlow's kind. ImportError without
    tensorboardX, which writes the files.
    """

    def __init__(
        self, log_dir="logs", histogram_freq=0, write_graph=True, write_images=False, write_steps_per_second=False,
        update_freq="epoch", profile_batch=0, embeddings_freq=0, embeddings_metadata=None,
    ):  # fmt: skip
        super().__init__()
        self.log_dir, self.histogram_freq, self.write_graph = os.fspath(log_dir), histogram_freq, write_graph
        self.write_images, self.write_steps_per_second = write_images, write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        if self.update_freq != "epoch" and not is_positive_integer(self.update_freq):
            raise ValueError(
                f'update_freq must be "epoch", "batch" or a number of batches; received update_freq={update_freq!r}.'
            )
        if profile_batch or embeddings_freq:
            raise ValueError(
                "minicnn's TensorBoard neither profiles nor shows embeddings; received "
                f"profile_batch={profile_batch!r}, embeddings_freq={embeddings_freq!r}."
            )
        if self.update_freq != "epoch" or write_steps_per_second:
            self.on_train_batch_end = self._batch_end  # only then does `fit` compute the logs of every batch
        self._batch_began = 0.0
        self._writer_class, self._writers = _writer_class(), {}
        self._batches = self._evaluations = 0

    def _writer(self, part):
        """The writer of "train" or "validation", which makes its file when it is first asked for."""
        if part not in self._writers:
            self._writers[part] = self._writer_class(os.path.join(self.log_dir, part))
        return self._writers[part]

    def on_train_begin(self, logs=None):
        self._batches = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_began, self._batches_before = time.perf_counter(), self._batches

    def on_train_batch_begin(self, batch, logs=None):
        self._batch_began = time.perf_counter()

    def _batch_end(self, batch, logs=None):
        self._batches += 1
        if self.update_freq != "epoch" and self._batches % self.update_freq == 0:
            rate = {"steps_per_second": 1 / (time.perf_counter() - self._batch_began)}
            written = {**(logs or {}), **(rate if self.write_steps_per_second else {})}
            self._write("train", "batch_", written, self._batches)

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        train = {name: value for name, value in logs.items() if not name.startswith("val_")}
        train["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self._epoch_began
            train["steps_per_second"] = (self._batches - self._batches_before) / seconds
        self._write("train", "epoch_", train, epoch)
        validation = {name.removeprefix("val_"): value for name, value in logs.items() if name.startswith("val_")}
        if validation:
            self._write("validation", "epoch_", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)

    def on_test_end(self, logs=None):
        steps = self.model.optimizer.iterations if self.model.compiled else 0
        named = {f"{name}_vs_iterations": value for name, value in (logs or {}).items()}
        self._write("validation", "evaluation_", named, steps)

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _write(self, part, prefix, logs, step):
        writer = self._writer(part)
        for name, value in (logs or {}).items():
            if np.ndim(value) == 0:
                writer.add_scalar(f"{prefix}{name}", float(value), int(step))
        writer.flush()

    def _write_weights(self, epoch):
        writer = self._writer("train")
        for weight in self.model.weights:
            name, values = weight.path, weight.numpy()
            writer.add_histogram(f"{name}/histogram", values.reshape(-1), epoch)
            pictures = _as_pictures(values) if self.write_images else None
            if pictures is not None:
                writer.add_images(f"{name}/image", pictures, epoch, dataformats="NHWC")
        writer.flush()


def _as_pictures(weight):
    """A weight as pictures (n, H, W, C) with numbers from 0 to 1, or None if it cannot be shown."""
    x = np.squeeze(weight)
    if x.ndim == 1:
        x = x.reshape(1, -1, 1, 1)
    elif x.ndim == 2:
        x = (x.T if x.shape[0] > x.shape[1] else x)[None, :, :, None]
    elif x.ndim == 3:  # every kernel is a picture
        x = np.transpose(x, (2, 0, 1))[..., None]
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        return None
    width = x.max() - x.min()
    return (x - x.min()) / (width if width else 1)


def _writer_class():
    """tensorboardX's SummaryWriter. ImportError if it is not installed."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(f'TensorBoard needs tensorboardX: pip install "minicnn[watch]"; {error}') from None
    return SummaryWriter
