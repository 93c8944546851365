"""image_dataset_from_directory: batches of resized images and labels, from a folder with a folder for each class."""

from __future__ import annotations

import numpy as np

from .. import config
from ..functions import image as image_functions
from ..layers.resampling import INTERPOLATIONS
from ..ops import resize
from ..ops.resize.cpu import resize_one
from ..printing import say
from ..results import Array
from ..shapes import middle
from .dataset import Chains, numbered_elements
from .folders import checked_folder, class_folders, pictures_in
from .iterators import Iterator
from .pictures import CHANNELS, img_to_array, load_img

_EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_LABEL_MODES = ("int", "categorical", "binary", None)


class ImageDataset(Chains, Iterator):
    """Batches of images from files and their labels, for `fit` or for `for images, labels in dataset`.

    `class_names` holds the names of the classes and `file_paths` the files. `map`, `prefetch` and so on make other data
    sets of it (`dataset.py`). load(file, y) reads an image into the array y, of the shape and type in `images`.
    """

    def __init__(self, file_paths, labels, class_names, images, load, encode, batch_size, shuffle, seed):
        super().__init__(len(file_paths), batch_size, shuffle, seed)
        del self.shuffle  # here `shuffle` is the method of data sets
        self.file_paths, self.labels, self.class_names = file_paths, labels, class_names
        self._images, self._load, self._encode = images, load, encode

    def make(self, rows, rng):
        shape, dtype = self._images
        images = np.empty((len(rows), *shape), dtype).view(Array)
        for i, y in zip(rows, images.view(np.ndarray), strict=True):
            self._load(self.file_paths[i], y)
        return images if self.labels is None else (images, self._encode(self.labels[rows]).view(Array))

    def elements(self):
        return numbered_elements(self)

    def size(self):
        return len(self)

    def _samples(self):
        return self.n

    def __iter__(self):
        """One epoch."""
        return self.elements()


def image_dataset_from_directory(
    directory, labels="inferred", label_mode="int", class_names=None, color_mode="rgb", batch_size=32,
    image_size=(256, 256), shuffle=True, seed=None, validation_split=None, subset=None, interpolation="bilinear",
    follow_links=False, crop_to_aspect_ratio=False, pad_to_aspect_ratio=False, data_format=None, verbose=True,
):  # fmt: skip
    """Batches (images, labels) of a folder that has a folder for each class; for subset="both" a list of two data sets.

    Images are (n, H, W, C) with numbers from 0 to 255. They are resized to image_size (H, W) as tf.image.resize does
    it: float32 for "bilinear", uint8 for "nearest". label_mode: "int" gives int32 (n,), "binary" float32 (n, 1),
    "categorical" one-hot float32 (n, classes), None no labels. batch_size=None gives single images. labels: "inferred"
    from the folders, a list with a label for every file, or None. subset="validation" takes the last files after
    shuffling, a share of validation_split, and subset="training" takes the others; the same seed gives the same files
    as in Keras. A file that cannot be used raises ValueError when its batch is made.
    """
    config.checked_data_format(data_format)
    folder = checked_folder(directory)
    if label_mode not in _LABEL_MODES:
        raise ValueError(f"label_mode must be one of {_LABEL_MODES}; received label_mode={label_mode!r}.")
    if color_mode not in CHANNELS:
        raise ValueError(f"color_mode must be one of {', '.join(CHANNELS)}; received color_mode={color_mode!r}.")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {', '.join(INTERPOLATIONS)}; received interpolation={interpolation!r}."
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")
    _check_split(validation_split, subset, shuffle, seed)
    seed = config.next_seed() % 10**6 if seed is None else seed
    files, numbers, names = _files(folder, labels if label_mode else None, class_names, follow_links)
    if label_mode == "binary" and len(names) != 2:
        raise ValueError(f'label_mode="binary" needs two classes; found {names}.')
    if verbose:
        belonging = "" if numbers is None else f" belonging to {len(names)} classes"
        say(f"Found {len(files)} files{belonging}.")
    if shuffle:  # with NumPy's older generator, so that a seed splits the files as in Keras
        np.random.RandomState(seed).shuffle(files)
        if numbers is not None:
            np.random.RandomState(seed).shuffle(numbers)
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(int(s) for s in image_size)

    images = ((*size, CHANNELS[color_mode]), np.uint8 if interpolation == "nearest" else np.float32)

    def load(file, y):
        image = img_to_array(load_img(file, color_mode), dtype=np.uint8)
        if crop_to_aspect_ratio:
            top, left, height, width = middle(*image.shape[:2], size)
            image = image[top : top + height, left : left + width]
        if pad_to_aspect_ratio:
            y[...] = 0
            part = _part_for(image, y)
            small = np.empty(part.shape, y.dtype)
            resized(image, small)
            part[...] = small
        else:
            resized(image, y)

    def resized(image, y):
        if interpolation in resize.INTERPOLATIONS:
            resize_one(image, y, interpolation)
        else:
            y[...] = image_functions.resize(image.astype(np.float32), y.shape[:2], interpolation)

    def encode(chosen):
        if label_mode == "categorical":
            return np.eye(len(names), dtype=np.float32)[chosen]
        return chosen.astype(np.float32)[:, None] if label_mode == "binary" else chosen.astype(np.int32)

    def dataset(part, shuffled):
        chosen = None if numbers is None else numbers[part]
        if not files[part]:
            raise ValueError(
                f"{str(directory)!r} has no image files for this data set; their names must end in "
                f"{', '.join(_EXTENSIONS)}."
            )
        made = ImageDataset(files[part], chosen, names, images, load, encode, batch_size or 32, shuffled, seed)
        return made.unbatch() if batch_size is None else made

    held_back = int((validation_split or 0) * len(files))
    parts = {"training": slice(None, len(files) - held_back), "validation": slice(len(files) - held_back, None)}
    if verbose:
        for part in ("training", "validation") if subset == "both" else (subset,) if subset else ():
            say(f"Using {len(files[parts[part]])} files for {part}.")
    if subset == "both":
        return [dataset(parts["training"], shuffle), dataset(parts["validation"], False)]
    return dataset(parts.get(subset, slice(None)), shuffle)


def _check_split(validation_split, subset, shuffle, seed):
    if (validation_split is None) != (subset is None):
        raise ValueError(
            f"validation_split and subset must be given together; received {validation_split!r} and subset={subset!r}."
        )
    if subset is None:
        return
    if not (isinstance(validation_split, (int, float)) and 0 < validation_split < 1):
        raise ValueError(f"validation_split must be between 0 and 1; received {validation_split!r}.")
    if subset not in ("training", "validation", "both"):
        raise ValueError(f'subset must be "training", "validation" or "both"; received subset={subset!r}.')
    if shuffle and seed is None:
        raise ValueError("Give a seed with validation_split, so that both parts are cut from the same order of files.")


def _files(folder, labels, class_names, follow_links):
    """(the files' paths, their labels or None, the names of the classes or None)."""
    if labels == "inferred":
        known = class_folders(folder, hidden=False)
        names = known if class_names is None else list(class_names)
        if not set(names) <= set(known):
            raise ValueError(f"class_names must be folders of {str(folder)!r}, which are {known}; received {names}.")
        by_class = [pictures_in(folder / name, _EXTENSIONS, follow_links) for name in names]
        numbers = np.repeat(np.arange(len(names), dtype=np.int32), [len(files) for files in by_class])
        return [str(file) for files in by_class for file in files], numbers, names
    if class_names is not None:
        raise ValueError(f'class_names needs labels="inferred"; received class_names={class_names!r}.')
    files = [str(file) for file in pictures_in(folder, _EXTENSIONS, follow_links)]
    if labels is None:
        return files, None, None
    if len(labels) != len(files):
        raise ValueError(f"There are {len(files)} files in {str(folder)!r}; received {len(labels)} labels.")
    return files, np.array(labels), [str(label) for label in sorted(set(labels))]


def _part_for(image, y):
    """The largest part in the middle of y that has the proportions of the image, as tf.image.resize_with_pad takes."""
    sizes, wanted = np.float32(image.shape[:2]), y.shape[:2]
    height, width = sizes / (sizes / np.float32(wanted)).max()  # float64 would sometimes floor to another size
    top, left = max(int((wanted[0] - height) / 2), 0), max(int((wanted[1] - width) / 2), 0)
    return y[top : top + max(int(height), 1), left : left + max(int(width), 1)]
