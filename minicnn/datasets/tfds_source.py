"""Data sets through tensorflow_datasets, without TensorFlow.

tensorflow_datasets reads the array_record format without TensorFlow, but while it prepares a data set it still opens
files and encodes pictures through four of TensorFlow's functions. `_without_tensorflow` puts plain Python and Pillow
in their place.
"""

from __future__ import annotations

import io
import os
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

_AT_ONCE = 1000  # records
_PATIENCE = 2.5  # seconds that the host has to answer: without a network tfds itself would retry for minutes


class NotReachableError(Exception):
    """The data set cannot be had from tensorflow_datasets; the message is a short reason."""


def download(description, manual_dir=None, data_dir=None) -> dict:
    """The arrays x_train, y_train, x_test, y_test. NotReachableError if tfds is missing or the host does not answer.

    manual_dir: a folder that already holds the original files, so that no host is needed. data_dir: where tfds
    keeps what it prepares (its own default unless given).
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise NotReachableError(f'not installed: pip install "minicnn[data]"; {error}') from None
    if manual_dir is None and not answers(description.host):
        raise NotReachableError(f"{description.host} did not answer within {_PATIENCE:g} seconds")
    with _without_tensorflow():
        builder = tfds.builder(description.name, data_dir=data_dir, file_format="array_record")
        config = None if manual_dir is None else tfds.download.DownloadConfig(manual_dir=os.fspath(manual_dir))
        builder.download_and_prepare(download_config=config)
        source = builder.as_data_source()
        parts = {}
        for split in ("train", "test"):
            parts[f"x_{split}"], parts[f"y_{split}"] = _arrays(source[split])
        return parts


def _arrays(split):
    """Pictures (n, ...) and labels (n,) of one split, read many at a time: single records take ten times as long."""
    images, labels = [], []
    for start in range(0, len(split), _AT_ONCE):
        for example in split.__getitems__(range(start, min(start + _AT_ONCE, len(split)))):
            images.append(np.asarray(example["image"], np.uint8))
            labels.append(example["label"])
    return np.stack(images), np.array(labels, np.uint8)


def answers(url: str) -> bool:
    """Whether the host of `url` answers an HTTP request within a few seconds (an error page is an answer)."""
    reached = []

    def ask():
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_PATIENCE):
                reached.append(True)
        except urllib.error.HTTPError as error:
            if error.code in (404, 405):  # the host is there; only this page or method is not
                reached.append(True)
        except (OSError, ValueError):
            pass

    # in a thread, because the look-up of a name has no time-out of its own
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE + 0.5)
    return bool(reached)


@contextmanager
def _without_tensorflow():
    """Let tfds use stand-ins for the four functions of TensorFlow that it needs to prepare pictures."""
    from tensorflow_datasets.core.utils import lazy_imports_utils

    lazy = lazy_imports_utils.tensorflow.__dict__
    before = lazy.get("_module")
    lazy["_module"] = SimpleNamespace(
        io=SimpleNamespace(gfile=SimpleNamespace(GFile=open)),
        compat=SimpleNamespace(as_text=os.fspath),
        executing_eagerly=lambda: True,
        image=SimpleNamespace(encode_png=_encode_png),
    )
    try:
        yield
    finally:
        if before is None:
            del lazy["_module"]
        else:
            lazy["_module"] = before


def _encode_png(pixels: np.ndarray):
    """A picture (H, W, 1) or (H, W, 3) as PNG bytes, in the form of a tensor: something with a `numpy` method."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "png", compress_level=1)
    return SimpleNamespace(numpy=buffer.getvalue)
