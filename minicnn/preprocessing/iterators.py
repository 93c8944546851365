"""Batches of images from arrays and from folders, made in threads before training needs them.

All random numbers of batch i of an epoch come from (seed, epoch, i) alone. So it does not matter in which order threads
make the batches, and the same seed gives the same images.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .. import config
from ..models.batches import PyDataset
from ..printing import say
from ..shapes import is_positive_integer
from .folders import checked_folder, class_folders, pictures_in
from .pictures import CHANNELS, array_to_img, img_to_array, load_img

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")
_CLASS_MODES = ("categorical", "binary", "sparse", "input", None)
_WORKERS = os.cpu_count() or 1


class Iterator(PyDataset):
    """n images in batches of batch_size; with shuffle, in a new order for every epoch. A subclass defines `make`.

    `self[i]` is batch i of the current epoch. `next(self)` gives one batch after the other and then starts the next
    epoch.
    """

    def __init__(self, n, batch_size, shuffle, seed, **kwargs):
        super().__init__(**{"workers": _WORKERS, **kwargs})
        if not is_positive_integer(batch_size):
            raise ValueError(f"batch_size must be a positive integer; received batch_size={batch_size!r}.")
        self.n, self.batch_size, self.shuffle, self.seed = n, int(batch_size), shuffle, seed
        self._shuffles = bool(shuffle)
        self._stream = config.next_seed() if seed is None else int(seed)
        self.batch_index = self._epoch = 0
        self._set_index_array()

    def _set_index_array(self):
        rng = np.random.default_rng((self._stream, self._epoch))
        self.index_array = rng.permutation(self.n) if self._shuffles else np.arange(self.n)

    def make(self, rows: np.ndarray, rng: np.random.Generator):
        """The batch of the images with these numbers. All random numbers are drawn from rng."""
        raise NotImplementedError(f"{type(self).__name__} does not define make.")

    def __len__(self):
        return -(-self.n // self.batch_size)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} batches; received index {index}.")
        rows = self.index_array[index * self.batch_size : (index + 1) * self.batch_size]
        return self.make(rows, np.random.default_rng((self._stream, self._epoch, index)))

    def _order_state(self):
        return {"stream": self._stream, "epoch": self._epoch}

    def _set_order_state(self, state):
        self._stream, self._epoch = state["stream"], state["epoch"]
        self._set_index_array()

    def on_epoch_end(self):
        self._epoch += 1
        self._set_index_array()

    def reset(self) -> None:
        """Make `next` start at the first batch again."""
        self.batch_index = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.batch_index >= len(self):
            self.batch_index = 0
            self.on_epoch_end()
        self.batch_index += 1
        return self[self.batch_index - 1]


class _Changed(Iterator):
    """Images that an ImageDataGenerator changes. A subclass defines `picture(i)`, which gives image i as an array."""

    def __init__(self, n, generator, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format):
        super().__init__(n, batch_size, shuffle, seed)
        self.image_data_generator = generator
        if generator.preprocessing_function:
            self.workers = 1
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        if save_to_dir is not None:
            os.makedirs(save_to_dir, exist_ok=True)

    def picture(self, i) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} does not define picture.")

    def pictures(self, rows, rng) -> np.ndarray:
        """The images with these numbers, changed and scaled: (n, H, W, C)."""
        generator, batch = self.image_data_generator, None
        for place, i in enumerate(rows):
            x = self.picture(i)
            if batch is None:
                batch = np.empty((len(rows), *x.shape), generator.dtype)
            generator.apply_transform(x, generator.get_random_transform(x.shape, rng), batch[place])
            generator.standardize_in_place(batch[place])
        if self.save_to_dir is not None:
            for x, i in zip(batch, rows, strict=True):
                name = f"{self.save_prefix}_{i}_{rng.integers(10**7)}.{self.save_format}"
                array_to_img(x).save(os.path.join(self.save_to_dir, name))
        return batch


class NumpyArrayIterator(_Changed):
    """Batches of images x (n, H, W, C) from memory; x may be [images, other arrays...]."""

    def __init__(
        self, x, y, image_data_generator, batch_size=32, shuffle=True, sample_weight=None, seed=None, save_to_dir=None,
        save_prefix="", save_format="png", subset=None, ignore_class_split=False,
    ):  # fmt: skip
        x, *others = x if isinstance(x, (tuple, list)) and np.ndim(x[0]) == 4 else [x]
        others = [np.asarray(other) for other in (others[0] if others and isinstance(others[0], list) else others)]
        x = np.asarray(x)
        if x.ndim != 4:
            raise ValueError(f"flow takes images (n, H, W, C); received shape {x.shape}.")
        columns = [x, *others, *(np.asarray(part) for part in (y, sample_weight) if part is not None)]
        if any(len(column) != len(x) for column in columns):
            raise ValueError(f"All arrays must have one entry for each image; received {[len(c) for c in columns]}.")
        split = image_data_generator.validation_split
        part = rows_of(len(x), split, subset)
        if subset and y is not None and not ignore_class_split:
            cut = int(split * len(x))
            held_back, kept = np.unique(np.asarray(y)[:cut]).tolist(), np.unique(np.asarray(y)[cut:]).tolist()
            if held_back != kept:
                raise ValueError(
                    f"The split leaves classes {held_back} for validation and {kept} for training: shuffle the "
                    "images first, or give ignore_class_split=True."
                )
        self.x, self.others = x[part], [other[part] for other in others]
        self.y = None if y is None else np.asarray(y)[part]
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)[part]
        super().__init__(
            len(self.x), image_data_generator, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format
        )

    def picture(self, i):
        return self.x[i]

    def make(self, rows, rng):
        batch = self.pictures(rows, rng)
        batch = [batch, *(other[rows] for other in self.others)] if self.others else batch
        if self.y is None:
            return batch
        weights = () if self.sample_weight is None else (self.sample_weight[rows],)
        return batch, self.y[rows], *weights


class _FromFiles(_Changed):
    """Batches of images from files, of which a subclass lists the paths in `filepaths`.

    Images are resized to target_size (H, W) by Pillow's `interpolation`. color_mode is "rgb", "rgba" or "grayscale".
    """

    filepaths: list[str]

    def _read_as(self, target_size, color_mode, interpolation, keep_aspect_ratio):
        if color_mode not in CHANNELS:
            raise ValueError(f"color_mode must be one of {', '.join(CHANNELS)}; received color_mode={color_mode!r}.")
        self.color_mode, self.target_size = color_mode, tuple(int(size) for size in target_size)
        self.image_shape = (*self.target_size, CHANNELS[color_mode])
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio

    def picture(self, i):
        picture = load_img(
            self.filepaths[i], self.color_mode, self.target_size, self.interpolation, self.keep_aspect_ratio
        )
        return img_to_array(picture, dtype=np.uint8)


class DirectoryIterator(_FromFiles):
    """Batches of the images in a folder that has a folder for each class; see `_FromFiles`.

    classes: the folders' names in the labels' order; by default all folders, sorted by name. class_mode: the labels are
    one-hot for "categorical", numbers for "binary" and "sparse", the images for "input", and missing for None.
    broken_files: "refuse" raises a ValueError that names the file when its batch is made; "skip" opens every file once
    at the beginning, leaves out those that cannot be used, and prints their names.
    """

    def __init__(
        self, directory, image_data_generator, target_size=(256, 256), color_mode="rgb", classes=None,
        class_mode="categorical", batch_size=32, shuffle=True, seed=None, save_to_dir=None, save_prefix="",
        save_format="png", follow_links=False, subset=None, interpolation="nearest", keep_aspect_ratio=False,
        dtype=None, broken_files="refuse",
    ):  # fmt: skip
        if class_mode not in _CLASS_MODES:
            raise ValueError(f"class_mode must be one of {_CLASS_MODES}; received class_mode={class_mode!r}.")
        self._read_as(target_size, color_mode, interpolation, keep_aspect_ratio)
        if broken_files not in ("refuse", "skip"):
            raise ValueError(f'broken_files must be "refuse" or "skip"; received broken_files={broken_files!r}.')
        self.directory, self.class_mode, self.subset = checked_folder(directory), class_mode, subset
        self.dtype = dtype or config.floatx()
        names = list(classes) if classes else class_folders(self.directory)
        self.class_indices = {name: i for i, name in enumerate(names)}
        self.num_classes = len(names)
        split = image_data_generator.validation_split if image_data_generator else 0
        found = []
        for name, label in self.class_indices.items():
            files = pictures_in(self.directory / name, EXTENSIONS, follow_links)
            found += [(file, label) for file in files[rows_of(len(files), split, subset)]]
        if broken_files == "skip":
            found = self._readable(found)
        self.filepaths = [str(file) for file, _ in found]
        self.filenames = [str(file.relative_to(self.directory)) for file, _ in found]
        self.classes = self.labels = np.array([label for _, label in found], np.int32)
        self.samples = len(found)
        say(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(
            self.samples, image_data_generator, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format
        )

    def _readable(self, found):
        """The entries whose files can be used. The names of the other files are printed."""

        def problem(entry):
            try:
                load_img(entry[0], self.color_mode)
            except (ValueError, OSError) as error:
                return str(error)
            return None

        with ThreadPoolExecutor(_WORKERS) as threads:
            problems = list(threads.map(problem, found))
        for said in filter(None, problems):
            say(f"minicnn: a file is left out: {said}")
        return [entry for entry, said in zip(found, problems, strict=True) if said is None]

    def make(self, rows, rng):
        x = self.pictures(rows, rng)
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x.copy()
        if self.class_mode == "categorical":
            return x, np.eye(self.num_classes, dtype=self.dtype)[self.classes[rows]]
        return x, self.classes[rows].astype(self.dtype)


def rows_of(n, split, subset):
    """The slice of n images that belongs to a subset. The first share, `split` of all, is for validation."""
    if subset is None:
        return slice(None)
    if subset not in ("training", "validation"):
        raise ValueError(f'subset must be "training" or "validation"; received subset={subset!r}.')
    return slice(int(split * n)) if subset == "validation" else slice(int(split * n), n)
