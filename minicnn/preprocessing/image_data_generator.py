"""ImageDataGenerator: batches of images that are changed at random and scaled."""

from __future__ import annotations

import math
import warnings

import numpy as np

from .. import config
from .affine import checked_ways, matrix, transformed
from .data_frame_iterator import DataFrameIterator
from .iterators import DirectoryIterator, NumpyArrayIterator
from .pictures import array_to_img, img_to_array

_OLDER_ARGUMENTS = {"dtype", "drop_duplicates", "follow_links", "has_ext", "sort"}


class ImageDataGenerator:
    """Makes batches of changed images from arrays (`flow`), folders (`flow_from_directory`) or files that a table lists
    (`flow_from_dataframe`).

    rotation_range and shear_range are in degrees. width_shift_range and height_shift_range are shares of the image
    below 1, pixels from 1 on, or a list to choose from. zoom_range is a share, or [lowest, highest]; brightness_range
    is [lowest, highest] factor; channel_shift_range is in the pixels' unit. fill_mode ("nearest", "reflect", "constant"
    with cval, "wrap") fills the pixels outside the image. Then the generator applies, in this order:
    preprocessing_function(image), rescale, samplewise_center, samplewise_std_normalization, and after `fit` on sample
    images featurewise_center, featurewise_std_normalization and zca_whitening. validation_split is the share of the
    images for subset="validation".

    Several threads make the batches. With a preprocessing_function only one does, so that the function can draw random
    numbers.
    """

    def __init__(
        self, featurewise_center=False, samplewise_center=False, featurewise_std_normalization=False,
        samplewise_std_normalization=False, zca_whitening=False, zca_epsilon=1e-6, rotation_range=0,
        width_shift_range=0.0, height_shift_range=0.0, brightness_range=None, shear_range=0.0, zoom_range=0.0,
        channel_shift_range=0.0, fill_mode="nearest", cval=0.0, horizontal_flip=False, vertical_flip=False,
        rescale=None, preprocessing_function=None, data_format=None, validation_split=0.0, interpolation_order=1,
        dtype=None,
    ):  # fmt: skip
        self.data_format = config.checked_data_format(data_format)
        self.dtype = config.checked_float_type(dtype or config.floatx())
        if not (isinstance(validation_split, (int, float)) and 0 <= validation_split < 1):
            raise ValueError(f"validation_split must be from 0 to below 1; received {validation_split!r}.")
        if brightness_range is not None and not _is_pair(brightness_range):
            raise ValueError(f"brightness_range must be two numbers; received {brightness_range!r}.")
        if isinstance(zoom_range, (int, float)):
            zoom_range = [1 - zoom_range, 1 + zoom_range]
        elif not _is_pair(zoom_range):
            raise ValueError(f"zoom_range must be a number or two numbers; received zoom_range={zoom_range!r}.")
        self.zoom_range = list(zoom_range)
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range, self.channel_shift_range = brightness_range, channel_shift_range
        self.fill_mode, self.cval, self.interpolation_order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.featurewise_center = featurewise_center or featurewise_std_normalization or zca_whitening
        self.featurewise_std_normalization = featurewise_std_normalization and not zca_whitening
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.validation_split = validation_split
        self.mean = self.std = self.zca_whitening_matrix = None
        checked_ways(fill_mode, interpolation_order)

    def flow(
        self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None, save_to_dir=None, save_prefix="",
        save_format="png", ignore_class_split=False, subset=None,
    ) -> NumpyArrayIterator:  # fmt: skip
        """Batches of the images x (n, H, W, C), changed at random, with their y (n, ...) and weights (n,)."""
        return NumpyArrayIterator(
            x, y, self, batch_size, shuffle, sample_weight, seed, save_to_dir, save_prefix, save_format, subset,
            ignore_class_split,
        )  # fmt: skip

    def flow_from_directory(
        self, directory, target_size=(256, 256), color_mode="rgb", classes=None, class_mode="categorical",
        batch_size=32, shuffle=True, seed=None, save_to_dir=None, save_prefix="", save_format="png",
        follow_links=False, subset=None, interpolation="nearest", keep_aspect_ratio=False, broken_files="refuse",
    ) -> DirectoryIterator:  # fmt: skip
        """Batches of the images in a folder that has a folder for each class; see `DirectoryIterator`."""
        return DirectoryIterator(
            directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle, seed, save_to_dir,
            save_prefix, save_format, follow_links, subset, interpolation, keep_aspect_ratio, self.dtype, broken_files,
        )  # fmt: skip

    def flow_from_dataframe(
        self, dataframe, directory=None, x_col="filename", y_col="class", weight_col=None, target_size=(256, 256),
        color_mode="rgb", classes=None, class_mode="categorical", batch_size=32, shuffle=True, seed=None,
        save_to_dir=None, save_prefix="", save_format="png", subset=None, interpolation="nearest",
        validate_filenames=True, **older,
    ) -> DataFrameIterator:  # fmt: skip
        """Batches of the images whose files and labels stand in a table of pandas; see `DataFrameIterator`. Arguments
        that older versions of Keras had (has_ext, sort, drop_duplicates, ...) have no effect, which a warning says."""
        unknown = older.keys() - _OLDER_ARGUMENTS
        if unknown:
            raise TypeError(f"flow_from_dataframe has no argument {min(unknown)!r}.")
        if older:
            warnings.warn(f"{', '.join(older)} have no effect in flow_from_dataframe.", stacklevel=2)
        return DataFrameIterator(
            dataframe, directory, self, x_col, y_col, weight_col, target_size, color_mode, classes, class_mode,
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset, interpolation, False, self.dtype,
            validate_filenames,
        )  # fmt: skip

    def get_random_transform(self, img_shape, seed=None) -> dict:
        """Draw the changes for one image (H, W, C) at random, as a dictionary for `apply_transform`.

        seed: an integer, or a NumPy Generator to draw from; without a seed, `utils.set_random_seed` decides.
        """
        rng = _generator(seed)
        H, W = img_shape[:2]
        zx, zy = (1, 1) if self.zoom_range == [1, 1] else rng.uniform(*self.zoom_range, 2).tolist()
        brightness = self.brightness_range
        return {
            "theta": _between(rng, self.rotation_range),
            "tx": _shift(rng, self.height_shift_range, H),
            "ty": _shift(rng, self.width_shift_range, W),
            "shear": _between(rng, self.shear_range),
            "zx": zx,
            "zy": zy,
            "flip_horizontal": bool(self.horizontal_flip and rng.random() < 0.5),
            "flip_vertical": bool(self.vertical_flip and rng.random() < 0.5),
            "channel_shift_intensity": _between(rng, self.channel_shift_range) if self.channel_shift_range else None,
            "brightness": None if brightness is None else rng.uniform(*brightness),
        }

    def apply_transform(self, x, transform_parameters: dict, out=None) -> np.ndarray:
        """Change an image x (H, W, C) as `get_random_transform` has drawn.

        The result is written to out, an array of x's shape and a float type, or to a new array of x's type.
        """
        drawn = transform_parameters
        change = matrix(*(drawn.get(name, 1 if name in ("zx", "zy") else 0) for name in _MATRIX))
        made = transformed(
            x, change, drawn.get("flip_horizontal", False), drawn.get("flip_vertical", False), self.fill_mode,
            self.cval, self.interpolation_order, out,
        )  # fmt: skip
        if drawn.get("channel_shift_intensity") is not None:
            made[...] = apply_channel_shift(made, drawn["channel_shift_intensity"], 2)
        if drawn.get("brightness") is not None:
            made[...] = apply_brightness_shift(made, drawn["brightness"], False)
        return made

    def random_transform(self, x, seed=None) -> np.ndarray:
        """An image x (H, W, C) changed at random."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def standardize(self, x) -> np.ndarray:
        """A new array of an image, or images, scaled as the options say. ValueError if `fit` is needed first."""
        return self.standardize_in_place(np.array(x, self.dtype))

    def standardize_in_place(self, x) -> np.ndarray:
        """Do the same in the array x itself, which has the generator's dtype."""
        if self.preprocessing_function:
            x[...] = self.preprocessing_function(x)
        if self.rescale:
            x *= x.dtype.type(self.rescale)
        if self.samplewise_center:
            x -= x.mean()
        if self.samplewise_std_normalization:
            x /= x.std() + 1e-6
        if self.featurewise_center:
            if self.mean is None:
                raise ValueError("featurewise_center and zca_whitening need statistics: call fit(images) first.")
            x -= self.mean
        if self.featurewise_std_normalization:
            x /= self.std + 1e-6
        if self.zca_whitening:
            x[...] = (x.reshape(-1, math.prod(x.shape[-3:])) @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def fit(self, x, augment=False, rounds=1, seed=None) -> None:
        """Compute the statistics that the featurewise options need from images x (n, H, W, C).

        augment: compute them from images changed at random, `rounds` times for each image.
        """
        x = np.array(x, self.dtype)
        if x.ndim != 4:
            raise ValueError(f"fit takes images (n, H, W, C); received shape {x.shape}.")
        if self.rescale:
            x *= x.dtype.type(self.rescale)
        if augment:
            rng = _generator(seed)
            x = np.stack([self.random_transform(picture, rng) for _ in range(rounds) for picture in x])
        if self.featurewise_center:
            self.mean = x.mean(axis=(0, 1, 2), keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = x.std(axis=(0, 1, 2), keepdims=True)[0]
            x /= self.std + 1e-6
        if self.zca_whitening:
            vectors, sizes, _ = np.linalg.svd(x.reshape(len(x), -1).T, full_matrices=False)
            self.zca_whitening_matrix = (vectors * (math.sqrt(len(x)) / (sizes + self.zca_epsilon))) @ vectors.T


_MATRIX = ("theta", "tx", "ty", "shear", "zx", "zy")


def apply_channel_shift(x, intensity, channel_axis=0) -> np.ndarray:
    """An image plus `intensity`, clipped to the image's smallest and largest number. channel_axis changes nothing."""
    x = np.asarray(x)
    return np.clip(x + intensity, x.min(), x.max()).astype(x.dtype)


def apply_brightness_shift(x, brightness, scale=True) -> np.ndarray:
    """An image (H, W, C) with its brightness multiplied, by Pillow in 8 bits. scale: first stretch it to 0 to 255."""
    from PIL import ImageEnhance

    low, high = x.min(), x.max()
    outside = low < 0 or high > 255
    bright = img_to_array(ImageEnhance.Brightness(array_to_img(x, scale=outside or scale)).enhance(brightness))
    return bright / 255 * (high - low) + low if outside and not scale else bright


def _generator(seed):
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(config.next_seed() if seed is None else seed)


def _between(rng, limit):
    return rng.uniform(-limit, limit) if limit else 0


def _shift(rng, amount, size):
    """A random shift in pixels. `amount` is a share below 1, pixels from 1 on, or a list of shares or pixels."""
    if not np.any(amount):
        return 0
    if np.ndim(amount):
        shift = rng.choice(amount) * rng.choice([-1, 1])
    elif isinstance(amount, int):
        shift = rng.integers(amount) * rng.choice([-1, 1])
    else:
        shift = rng.uniform(-amount, amount)
    return float(shift * size if np.max(amount) < 1 else shift)


def _is_pair(value):
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(v, (int, float)) for v in value)
