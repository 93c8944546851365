"""Batches of images whose files and labels stand in a table."""

from __future__ import annotations

import os

import numpy as np

from .. import config
from ..printing import say
from .iterators import EXTENSIONS, _FromFiles, rows_of

_WITH_CLASSES = ("binary", "categorical", "sparse")
_CLASS_MODES = (*_WITH_CLASSES, "input", "multi_output", "raw", None)


class DataFrameIterator(_FromFiles):
    """Batches of the images whose files are in a column of a table; see `_FromFiles`.

    dataframe: a table of pandas, or a dictionary of columns. x_col, y_col, weight_col: the names of the columns of
    files, of labels and of weights. directory: the folder that relative paths begin in. class_mode: with "binary",
    "sparse" and "categorical" the labels are names of classes (lists of names for several classes of one image);
    "raw" and "multi_output" give numbers as they are, "input" the images, None nothing. classes: the names in the
    labels' order, by default sorted. validate_filenames leaves out files that are missing or no images.
    """

    def __init__(
        self, dataframe, directory=None, image_data_generator=None, x_col="filename", y_col="class", weight_col=None,
        target_size=(256, 256), color_mode="rgb", classes=None, class_mode="categorical", batch_size=32, shuffle=True,
        seed=None, save_to_dir=None, save_prefix="", save_format="png", subset=None, interpolation="nearest",
        keep_aspect_ratio=False, dtype=None, validate_filenames=True,
    ):  # fmt: skip
        if class_mode not in _CLASS_MODES:
            raise ValueError(f"class_mode must be one of {_CLASS_MODES}; received class_mode={class_mode!r}.")
        if class_mode == "multi_output" and not isinstance(y_col, (list, tuple)):
            raise TypeError(f'class_mode="multi_output" needs a list of columns; received y_col={y_col!r}.')
        self._read_as(target_size, color_mode, interpolation, keep_aspect_ratio)
        self.directory, self.class_mode, self.subset = directory or "", class_mode, subset
        self.dtype = dtype or config.floatx()
        names = _column(dataframe, x_col)
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"The column {x_col!r} must hold the names of files, as text.")
        rows = list(range(len(names)))
        if validate_filenames:
            rows = [i for i in rows if self._is_picture(names[i])]
            if len(rows) < len(names):
                say(f"minicnn: {len(names) - len(rows)} files are left out: missing, or no images.")
        labels = _column(dataframe, y_col) if class_mode in (*_WITH_CLASSES, "raw") else None
        given = labels
        if class_mode in _WITH_CLASSES:
            rows, labels = self._with_classes(rows, labels, classes, y_col)
        split = image_data_generator.validation_split if image_data_generator else 0
        rows = rows[rows_of(len(rows), split, subset)]
        self.filenames = [names[i] for i in rows]
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.sample_weight = None if weight_col is None else np.asarray(_column(dataframe, weight_col))[rows]
        if class_mode in _WITH_CLASSES:
            self.classes = [[self.class_indices[name] for name in _listed(labels[i])] for i in rows]
            if class_mode != "categorical" or not any(isinstance(label, (list, tuple)) for label in given):
                self.classes = [number for (number,) in self.classes]
        self._targets = None
        if class_mode == "raw":
            self._targets = np.asarray([labels[i] for i in rows])
        elif class_mode == "multi_output":
            self._targets = [np.asarray([column[i] for i in rows]) for column in (_column(dataframe, c) for c in y_col)]
        self.samples = len(rows)
        belonging = f" belonging to {len(self.class_indices)} classes" if class_mode in _WITH_CLASSES else ""
        kind = "validated" if validate_filenames else "non-validated"
        say(f"Found {self.samples} {kind} image filenames{belonging}.")
        super().__init__(
            self.samples, image_data_generator, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format
        )

    def _is_picture(self, name):
        return name.lower().endswith(EXTENSIONS) and os.path.isfile(os.path.join(self.directory, name))

    def _with_classes(self, rows, labels, classes, y_col):
        """The rows whose labels are among the classes, and all labels without the names of other classes."""
        several = self.class_mode == "categorical"
        if not all(isinstance(label, str) or (several and isinstance(label, (list, tuple))) for label in labels):
            kinds = "text, or lists of text" if several else "text"
            raise TypeError(
                f"With class_mode={self.class_mode!r} the column {y_col!r} must hold names of classes, as {kinds}: "
                f'for numbers use class_mode="raw", or dataframe[{y_col!r}].astype(str).'
            )
        known = list(dict.fromkeys(classes or sorted({name for i in rows for name in _listed(labels[i])})))
        if self.class_mode == "binary" and len(known) != 2:
            raise ValueError(f'class_mode="binary" needs 2 classes; found {len(known)}.')
        self.class_indices = {name: i for i, name in enumerate(known)}
        labels = [[name for name in _listed(label) if name in self.class_indices] for label in labels]
        return [i for i in rows if labels[i]], labels

    @property
    def labels(self):
        """The numbers of the classes, or the columns of targets."""
        return self._targets if self.class_mode in ("raw", "multi_output") else self.classes

    def make(self, rows, rng):
        x = self.pictures(rows, rng)
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            y = x.copy()
        elif self.class_mode == "categorical":
            y = np.zeros((len(rows), len(self.class_indices)), self.dtype)
            for place, i in enumerate(rows):
                y[place, self.classes[i]] = 1
        elif self.class_mode == "multi_output":
            y = [target[rows] for target in self._targets]
        else:
            y = self._targets[rows] if self.class_mode == "raw" else np.array(self.classes)[rows].astype(self.dtype)
        return (x, y) if self.sample_weight is None else (x, y, self.sample_weight[rows])


def _column(table, name) -> list:
    """A column of a table as a list; of several columns the rows."""
    if isinstance(name, (list, tuple)):
        return list(zip(*(_column(table, one) for one in name), strict=True))
    try:
        return list(table[name])
    except KeyError:
        raise ValueError(f"The table has no column {name!r}; its columns are {', '.join(map(str, table))}.") from None


def _listed(label):
    return list(label) if isinstance(label, (list, tuple)) else [label]
