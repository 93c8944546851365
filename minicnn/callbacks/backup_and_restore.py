"""Continue an interrupted training at the place where it stopped."""

from __future__ import annotations

import json
import os
import shutil

from ..shapes import is_positive_integer
from .base import Callback


class BackupAndRestore(Callback):
    """Keep weights, optimizer state and epoch in the folder backup_dir. If they are found there, start from them.

    They are written after every epoch, or after every save_freq batches (training then repeats the epoch, with these
    weights). After a training that ran to its end the backup is deleted, unless delete_checkpoint is False. With
    double_checkpoint the backup before the last one is kept too, and used if the last one is missing or broken.
    """

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError(f"backup_dir must name a folder; received backup_dir={backup_dir!r}.")
        if save_freq != "epoch" and not is_positive_integer(save_freq):
            raise ValueError(f'save_freq must be "epoch" or a number of batches; received save_freq={save_freq!r}.')
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint

    def _files(self, name):
        """The files of the "latest" or the "previous" backup: (weights, epoch)."""
        metadata = "training_metadata.json" if name == "latest" else f"{name}_training_metadata.json"
        return os.path.join(self.backup_dir, f"{name}.weights.h5"), os.path.join(self.backup_dir, metadata)

    def on_train_begin(self, logs=None):
        self._batches = 0
        problem = None
        for name in ("latest", "previous"):
            weights, metadata = self._files(name)
            if not (os.path.exists(weights) and os.path.exists(metadata)):
                continue
            try:
                with open(metadata) as file:
                    epoch = int(json.load(file)["epoch"])
                self.model.load_weights(weights)
            except (ValueError, KeyError, TypeError) as error:
                problem = problem or error
                continue
            self.model.initial_epoch = epoch
            return
        if problem is not None:
            raise ValueError(f"The backup in {self.backup_dir!r} cannot be used ({problem}): delete it.") from problem

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % self.save_freq == 0:
            self._save(self._epoch)

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(epoch + 1)

    def _save(self, epoch):
        os.makedirs(self.backup_dir, exist_ok=True)
        weights, metadata = self._files("latest")
        if self.double_checkpoint and os.path.exists(weights) and os.path.exists(metadata):
            for file, kept in zip((weights, metadata), self._files("previous"), strict=True):
                shutil.copyfile(file, kept)
        self.model.save_weights(weights)
        with open(f"{metadata}.partial", "w") as file:
            json.dump({"epoch": epoch, "batch": 0}, file)
        os.replace(f"{metadata}.partial", metadata)

    def on_train_end(self, logs=None):
        if not self.delete_checkpoint:
            return
        for file in (*self._files("latest"), *self._files("previous")):
            if os.path.exists(file):
                os.unlink(file)
        if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)
