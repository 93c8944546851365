"""`flow_from_dataframe`: the batches of Keras's, from a table of pandas or from a dictionary of columns."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close
from photographs import two_classes_of_photographs

from minicnn.preprocessing.image import ImageDataGenerator


@pytest.fixture
def table(tmp_path):
    """The photographs of two classes, a missing file and a text among them, with labels of several kinds."""
    two_classes_of_photographs(tmp_path)
    names = [str(file.relative_to(tmp_path)) for file in sorted(tmp_path.rglob("*[0-9].*"))]
    (tmp_path / "notes.txt").write_text("no image")
    names = [*names[:3], "missing.jpg", *names[3:], "notes.txt"]
    count = len(names)
    return tmp_path, {
        "filename": names, "class": ["dog" if "dogs" in name else "cat" for name in names],
        "size": [0.5 * i for i in range(count)], "number": list(range(count)),
        "weight": [1.0 + i for i in range(count)],
        "kinds": [["a", "b"] if i % 3 == 0 else ["c"] if i % 3 == 1 else ["a", "c"] for i in range(count)],
    }  # fmt: skip


OPTIONS = {
    "categorical": {},
    "binary": {"class_mode": "binary", "weight_col": "weight"},
    "sparse, two of three": {"class_mode": "sparse", "classes": None, "y_col": "class"},
    "raw": {"class_mode": "raw", "y_col": "size"},
    "several columns, raw": {"class_mode": "raw", "y_col": ["size", "number"]},
    "several outputs": {"class_mode": "multi_output", "y_col": ["size", "number"]},
    "several classes of one image": {"y_col": "kinds", "classes": ["c", "a"]},
    "the images": {"class_mode": "input"},
    "nothing": {"class_mode": None},
    "training": {"subset": "training", "class_mode": "raw", "y_col": "number"},
    "validation": {"subset": "validation", "class_mode": "raw", "y_col": "number"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_batches_are_keras_s(tf, table, name, capsys):
    import pandas
    from keras.src.legacy.preprocessing.image import ImageDataGenerator as Theirs

    folder, columns = table
    frame, found = pandas.DataFrame(columns), []
    for make, data in ((ImageDataGenerator, frame), (Theirs, frame), (ImageDataGenerator, columns)):
        batches = make(rescale=1 / 255, validation_split=0.3).flow_from_dataframe(
            data, str(folder), target_size=(12, 15), batch_size=4, shuffle=False, **OPTIONS[name]
        )
        found.append((batches, [next(batches) for _ in range(len(batches))]))
    (mine, my_batches), (theirs, their_batches), (_, by_columns) = found
    assert list(mine.filenames) == list(theirs.filenames) and len(mine) == len(theirs)
    assert getattr(mine, "class_indices", None) == getattr(theirs, "class_indices", None)
    for others in (their_batches, by_columns):
        for one, two in zip(my_batches, others, strict=True):
            for part, wanted in zip(_flat(one), _flat(two), strict=True):
                assert_close(part, wanted, 1e-6)
    assert "files are left out" in capsys.readouterr().out


def _flat(batch):
    if isinstance(batch, (list, tuple)):
        return [part for inner in batch for part in _flat(inner)]
    return [np.asarray(batch, np.float64)]


def test_mistakes_are_reported(table):
    folder, columns = table
    flow = ImageDataGenerator().flow_from_dataframe
    for options, error, said in (
        ({"x_col": "file"}, ValueError, "no column 'file'; its columns are filename, class"),
        ({"class_mode": "several"}, ValueError, "class_mode must be one of"),
        ({"class_mode": "multi_output"}, TypeError, "needs a list of columns"),
        ({"y_col": "number", "class_mode": "binary"}, TypeError, "must hold names of classes.*astype"),
        ({"y_col": "filename", "class_mode": "binary"}, ValueError, "needs 2 classes; found"),
        ({"x_col": "number"}, TypeError, "must hold the names of files"),
    ):
        with pytest.raises(error, match=said):
            flow(columns, str(folder), **options)
