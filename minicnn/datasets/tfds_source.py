"""Data sets through tensorflow_datasets, without TensorFlow.

tensorflow_datasets reads the array_record format without TensorFlow. But while it prepares a data set, it opens files
and encodes images through four TensorFlow functions. `_without_tensorflow` replaces these by plain Python and Pillow.
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
_PATIENCE = 2.5  # seconds to wait for the host's answer; without a network, tfds itself would retry for minutes


class NotReachableError(Exception):
    """tensorflow_datasets cannot provide the data set. The message is a short reason."""


def download(description, manual_dir=None, data_dir=None) -> dict:
    """The arrays x_train, y_train, x_test, y_test. NotReachableError if tfds is missing or the host does not answer.

    manual_dir: a folder that already holds the original files, so that no host is needed. data_dir: the folder where
    tfds keeps the data it prepares; without data_dir, tfds uses its default.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise NotReachableError(f'not installed: pip install "minicnn[data]"; {error}') from None
    try:
        import array_record  # noqa: F401
    except ImportError:
        raise NotReachableError(
            "array_record, which reads its files, is not installed, and has no package for Windows and Macs with "
            "Intel: download Keras's files into the folder of Keras's cache instead"
        ) from None
    if manual_dir is None and not answers(description.host):
        raise NotReachableError(f"{description.host} did not answer within {_PATIENCE:g} seconds")
    with _without_tensorflow():
        builder = tfds.builder(description.tfds_name or description.name, data_dir=data_dir, file_format="array_record")
        config = None if manual_dir is None else tfds.download.DownloadConfig(manual_dir=os.fspath(manual_dir))
        builder.download_and_prepare(download_config=config)
        source = builder.as_data_source()
        parts = {}
        for split in ("train", "test"):
            parts[f"x_{split}"], parts[f"y_{split}"] = _arrays(source[split], description.tfds_labels)
        return parts


def _arrays(split, label_key):
    """Images (n, ...) and labels (n,) of one split. Reading records one by one would take ten times as long."""
    images, labels = [], []
    for start in range(0, len(split), _AT_ONCE):
        for example in split.__getitems__(range(start, min(start + _AT_ONCE, len(split)))):
            images.append(np.asarray(example["image"], np.uint8))
            labels.append(example[label_key])
    return np.stack(images), np.array(labels, np.uint8)


def answers(url: str) -> bool:
    """Whether the host of `url` answers an HTTP request within a few seconds. Errors 404 and 405 are answers too."""
    reached = []

    def ask():
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_PATIENCE):
                reached.append(True)
        except urllib.error.HTTPError as error:
            if error.code in (404, 405):  # the host answers, only without this page or method
                reached.append(True)
        except (OSError, ValueError):
            pass

    # Ask in a thread, because the look-up of the host's name has no time limit.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE + 0.5)
    return bool(reached)


@contextmanager
def _without_tensorflow():
    """Give tfds replacements for the four TensorFlow functions that it needs to prepare images."""
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
    """An image (H, W, 1) or (H, W, 3) as PNG bytes, in an object that has a `numpy` method as a tensor has."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "png", compress_level=1)
    return SimpleNamespace(numpy=buffer.getvalue)
