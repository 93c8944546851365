"""Continue an interrupted training at the place where it stopped."""

from __future__ import annotations

import json
import os

from ..shapes import is_positive_integer
from . import resuming
from .base import Callback

_GROUP = "training"  # in the file: everything but weights and optimizer


class BackupAndRestore(Callback):
    """Keep the state of the training in the folder backup_dir. If a state is found there, go on from it.

    The state is written after every epoch, or after every save_freq batches, into one file: weights, optimizer, random
    numbers, the place in the epoch and its order, History, and what the other callbacks remember (`get_state`). So a
    training that was interrupted, and started again with the same arguments, ends with the same weights, History and
    files as without the interruption. A generator is begun again, and the batches before that place are dropped. What
    a data set or a callback of your own remembers is not known: a callback tells it by get_state and set_state.

    After a training that ran to its end the backup is deleted, unless delete_checkpoint is False. With
    double_checkpoint the backup before the last one is kept too, and used if the last one is missing or broken.
    """

    _comes_last = True  # when it writes, the others have done their part of the epoch

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError(f"backup_dir must name a folder; received backup_dir={backup_dir!r}.")
        if save_freq != "epoch" and not is_positive_integer(save_freq):
            raise ValueError(f'save_freq must be "epoch" or a number of batches; received save_freq={save_freq!r}.')
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint

    def _set_list(self, callbacks):
        self._list = callbacks

    def _others(self):
        return [callback for callback in self._list.callbacks if not callback._comes_last]

    def _file(self, name):
        """The "latest" or the "previous" backup, and the "next" one while it is written."""
        return os.path.join(self.backup_dir, f"{name}.weights.h5")

    def on_train_begin(self, logs=None):
        self._batches, self._to_give_back = 0, None
        problem = None
        for name in ("latest", "previous"):
            if not os.path.exists(self._file(name)):
                continue
            try:
                state = self._read(name)
                self._restored = self._file(name)
                self.model.load_weights(self._restored)
                self._go_on(state)
            except Exception as error:  # HDF5 and JSON have many kinds for broken files
                problem = problem or error
                continue
            return
        if problem is not None:
            raise ValueError(f"The backup in {self.backup_dir!r} cannot be used ({problem}): delete it.") from problem

    def _read(self, name):
        """The description of the training; from a backup of Keras, or of an earlier version, the epoch alone."""
        import h5py

        with h5py.File(self._file(name), "r") as file:
            if _GROUP in file:
                return resuming.read(file[_GROUP])
        metadata = "training_metadata.json" if name == "latest" else f"{name}_training_metadata.json"
        with open(os.path.join(self.backup_dir, metadata)) as file:
            return {"epoch": int(json.load(file)["epoch"])}

    def _go_on(self, state):
        self.model.initial_epoch = self.params["epochs"] if state.get("stopped") else state["epoch"]
        if "callbacks" not in state:
            return
        for passes, where in zip(self._list.passes, state["batches"], strict=True):
            passes.go_on(where)
        resuming.give_back(state, self.model, self._others())
        if not state["stopped"]:
            self._batches, self._list.batches_done, self._to_give_back = state["batches_done"], state["batch"], state

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        if self._to_give_back is not None:  # the others have begun the epoch once more, and metrics were reset
            if self._to_give_back["batch"]:
                self.model.load_weights(self._restored)
                resuming.give_back(self._to_give_back, self.model, self._others())
                resuming.give_back_metrics(self._to_give_back, self.model)
            self._to_give_back = None

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % self.save_freq == 0:
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0)

    def _save(self, epoch, batch):
        import h5py

        os.makedirs(self.backup_dir, exist_ok=True)
        state = resuming.kept(self.model, self._others(), self._list.passes, epoch, batch)
        self.model.save_weights(self._file("next"))
        with h5py.File(self._file("next"), "a") as file:
            resuming.write(file.create_group(_GROUP), {**state, "batches_done": self._batches})
        with open(self._file("next"), "rb") as written:
            os.fsync(written.fileno())
        if self.double_checkpoint and os.path.exists(self._file("latest")):
            os.replace(self._file("latest"), self._file("previous"))
        os.replace(self._file("next"), self._file("latest"))

    def on_train_end(self, logs=None):
        if not self.delete_checkpoint:
            return
        for name in ("latest", "previous", "next"):
            if os.path.exists(self._file(name)):
                os.unlink(self._file(name))
        if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)
