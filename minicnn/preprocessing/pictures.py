"""Images as Pillow objects, as arrays, and in files.

If a file cannot be used as an image, a ValueError names the file.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np

from .. import config
from ..ops.resize.cpu import resize_one
from ..shapes import middle

_MOST_PIXELS = 178_956_970  # half a gigabyte of RGB; Pillow treats larger images as an attack
_FORMATS = (  # those that Pillow decodes itself: for EPS and WMF it would start other programs
    "AVIF", "BMP", "DDS", "DIB", "GIF", "ICNS", "ICO", "JPEG", "JPEG2000", "MPO", "MSP", "PCX", "PNG", "PPM", "PSD",
    "QOI", "SGI", "SPIDER", "SUN", "TGA", "TIFF", "WEBP", "XBM", "XPM",
)  # fmt: skip
_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
"""The number of channels in each colour mode."""


def load_img(path, color_mode="rgb", target_size=None, interpolation="nearest", keep_aspect_ratio=False):
    """The image in a file (JPEG, PNG, BMP or another format that Pillow reads), as a Pillow image.

    color_mode: "grayscale", "rgb" or "rgba". target_size (H, W): Pillow resizes the image to it, by "nearest",
    "bilinear", "bicubic", "lanczos", "box" or "hamming". keep_aspect_ratio first crops the largest centred part that
    has the proportions of target_size. ValueError for a file that is broken, empty, no image, too large, or an
    animation.
    """
    name = path if isinstance(path, (str, bytes, os.PathLike)) else "The image"
    with _problems_told(name):
        content = path if isinstance(path, io.BytesIO) else io.BytesIO(_bytes_of(os.fsdecode(path)))
        picture = _decoded(content, color_mode)
    return picture if target_size is None else _fitted(picture, target_size, interpolation, keep_aspect_ratio)


def _bytes_of(path):
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise ValueError("it is a pipe or a device, not a file")  # reading a pipe waits for ever
    return Path(path).read_bytes()


def _decoded(content, color_mode):
    """The image in the bytes, in a colour mode. Broken bytes raise Pillow's errors."""
    from PIL import Image

    if color_mode not in _MODES:
        raise ValueError(f"color_mode must be one of {', '.join(_MODES)}; received color_mode={color_mode!r}.")
    if not content.getbuffer().nbytes:
        raise ValueError("it is empty")
    Image.init()  # Pillow knows a format only after this
    of_others = [name for name, (opens, _) in Image.OPEN.items() if not opens.__module__.startswith("PIL.")]
    picture = Image.open(content, formats=[*(name for name in _FORMATS if name in Image.OPEN), *of_others])
    if picture.width * picture.height > _MOST_PIXELS:
        raise ValueError(f"it has {picture.width} x {picture.height} pixels, more than {_MOST_PIXELS:,}")
    if getattr(picture, "is_animated", False) and picture.format != "MPO":  # MPO: a photograph with more views
        raise ValueError(f"it holds {picture.n_frames} images, not one")
    picture.load()
    if picture.mode.startswith("I;16"):  # 16-bit pixels: Pillow's own conversion makes most of them white
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return picture if picture.mode == _MODES[color_mode] else picture.convert(_MODES[color_mode])


class _problems_told:
    """Turn the errors that a bad file causes in this block into a ValueError that names the file."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None or not issubclass(kind, Exception) or "color_mode" in str(error):
            return
        if issubclass(kind, (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)):
            return
        said = "Pillow does not recognize it as an image" if kind.__name__ == "UnidentifiedImageError" else error
        raise ValueError(f"{os.fsdecode(self.path)} cannot be used: {said}.") from error


def _fitted(picture, target_size, interpolation, keep_aspect_ratio):
    from PIL import Image

    methods = {name.lower(): method for name, method in Image.Resampling.__members__.items()}
    if interpolation not in methods:
        raise ValueError(
            f"interpolation must be one of {', '.join(sorted(methods))}; received interpolation={interpolation!r}."
        )
    height, width = (int(size) for size in target_size)
    if height < 1 or width < 1:
        raise ValueError(f"target_size must hold positive integers (H, W); received target_size={target_size!r}.")
    if picture.size == (width, height):
        return picture
    box = None
    if keep_aspect_ratio:
        W, H = picture.size
        part_H, part_W = min(H, W * height // width), min(W, H * width // height)
        left, top = (W - part_W) // 2, (H - part_H) // 2
        box = (left, top, left + part_W, top + part_H)
    return picture.resize((width, height), methods[interpolation], box=box)


def img_to_array(img, data_format=None, dtype=None) -> np.ndarray:
    """A Pillow image as an array (H, W, C) with values from 0 to 255. dtype is `config.floatx()` unless given."""
    config.checked_data_format(data_format)
    array = np.asarray(img, dtype=dtype or config.floatx())
    if array.ndim == 2:
        return array[..., None]
    if array.ndim != 3:
        raise ValueError(f"An image has two or three axes; received shape {array.shape}.")
    return array


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array (H, W, C) of 1, 3 or 4 channels as a Pillow image. scale: first stretch the numbers to 0 to 255."""
    from PIL import Image

    config.checked_data_format(data_format)
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3 or x.shape[2] not in (1, 3, 4):
        raise ValueError(f"An image is an array (H, W, C) of 1, 3 or 4 channels; received shape {x.shape}.")
    if scale:
        x = x - x.min()
        largest = x.max()
        x = x / largest * 255 if largest else x
    if x.shape[2] == 1:
        return Image.fromarray(x[:, :, 0].astype(np.int32 if x.max() > 255 else np.uint8))
    return Image.fromarray(x.astype(np.uint8))


def save_img(path, x, data_format=None, file_format=None, scale=True, **options) -> None:
    """Save an array (H, W, C) as an image file. file_format, or the path's ending, selects the format."""
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = Path(path).suffix[1:].lower()
    file_format = "jpeg" if (file_format or "").lower() == "jpg" else file_format
    picture = array_to_img(x, data_format, scale)
    if picture.mode == "RGBA" and file_format == "jpeg":
        picture = picture.convert("RGB")  # JPEG has no transparency
    picture.save(path, format=file_format, **options)


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last") -> np.ndarray:
    """Crop images (H, W, C) or (N, H, W, C) to the proportions of `size` (H, W), then resize them to `size`.

    The crop is the largest part of these proportions in the middle. The result is float32. interpolation: "bilinear"
    or "nearest".
    """
    config.checked_data_format(data_format)
    x = np.asarray(x)
    if x.ndim not in (3, 4) or len(size) != 2:
        raise ValueError(f"smart_resize takes images (H, W, C) or (N, H, W, C); received {x.shape} and size={size!r}.")
    if x.ndim == 4:
        return np.stack([smart_resize(image, size, interpolation) for image in x])
    top, left, height, width = middle(x.shape[0], x.shape[1], size)
    y = np.empty((*size, x.shape[2]), np.float32)
    resize_one(x[top : top + height, left : left + width], y, interpolation)
    return y
