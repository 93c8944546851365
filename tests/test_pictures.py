"""Pictures from files give the numbers of Keras and TensorFlow."""

from __future__ import annotations

import os

import numpy as np
import pytest
from helpers import assert_close
from photographs import RNG, photograph, two_classes_of_photographs
from PIL import Image

import minicnn as keras
from minicnn.preprocessing.image import ImageDataGenerator, array_to_img, img_to_array, load_img, save_img


@pytest.fixture
def folder(tmp_path):
    return two_classes_of_photographs(tmp_path)


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("keep", [False, True])
def test_load_img_is_keras_s(tf, folder, color_mode, interpolation, keep):
    for file in sorted(folder.rglob("*.jpg"))[:2]:
        arguments = {
            "color_mode": color_mode,
            "target_size": (13, 17),
            "interpolation": interpolation,
            "keep_aspect_ratio": keep,
        }
        ours, theirs = load_img(file, **arguments), tf.keras.utils.load_img(file, **arguments)
        np.testing.assert_array_equal(img_to_array(ours), tf.keras.utils.img_to_array(theirs))
        assert img_to_array(ours).dtype == np.float32


def test_arrays_become_pictures_as_in_keras(tf, tmp_path):
    for C in (1, 3, 4):
        x = np.random.default_rng(C).normal(size=(5, 6, C)).astype(np.float32) * 90 + 100
        for scale in (True, False):
            ours, theirs = (
                array_to_img(x.clip(0, 255), scale=scale),
                tf.keras.utils.array_to_img(x.clip(0, 255), scale=scale),
            )
            assert ours.mode == theirs.mode
            assert np.abs(np.asarray(ours).astype(int) - np.asarray(theirs)).max() <= (1 if scale else 0)
    save_img(tmp_path / "p.png", photograph(), scale=False)
    np.testing.assert_array_equal(img_to_array(load_img(tmp_path / "p.png")).shape, (24, 31, 3))
    save_img(tmp_path / "p.jpg", photograph(C=4))
    assert load_img(tmp_path / "p.jpg").mode == "RGB"


PARAMETERS = [
    {"theta": 25.0},
    {"tx": 2.5, "ty": -1.25},
    {"shear": 20.0},
    {"zx": 0.8, "zy": 1.3},
    {"theta": -40.0, "tx": 1.0, "ty": 3.5, "shear": -12.0, "zx": 1.2, "zy": 0.7, "flip_horizontal": True},
    {"flip_horizontal": True, "flip_vertical": True},
    {"theta": 10.0, "flip_vertical": True, "channel_shift_intensity": 20.0},
    {"brightness": 1.4},
    {"brightness": 0.3, "zx": 1.1, "zy": 1.1},
]


@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "constant", "wrap"])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("shape", [(24, 24, 3), (17, 30, 3)])
def test_changed_pictures_are_keras_s(tf, fill_mode, order, shape):
    import importlib

    legacy = importlib.import_module("keras.src.legacy.preprocessing.image")
    options = {"fill_mode": fill_mode, "cval": 30.0, "interpolation_order": order}
    ours, theirs = ImageDataGenerator(**options), legacy.ImageDataGenerator(**options)
    x = photograph(*shape).astype(np.float32)
    for drawn in PARAMETERS:
        found, wanted = ours.apply_transform(x, drawn), theirs.apply_transform(x.copy(), drawn)
        wrong = (np.abs(found - wanted) > (1.1 if "brightness" in drawn else 2e-2)).any(axis=-1)  # by way of 8 bits
        allowed = 0.01 if order == 0 or fill_mode == "wrap" else 0.0
        assert wrong.mean() <= allowed, (drawn, wrong.mean(), np.abs(found - wanted).max())


@pytest.mark.parametrize(
    "options",
    [
        {"rescale": 1 / 255.0},
        {"samplewise_center": True},
        {"samplewise_std_normalization": True},
        {"featurewise_center": True, "rescale": 0.5},
        {"featurewise_std_normalization": True},
        {"zca_whitening": True},
        {"preprocessing_function": lambda x: x * 2 - 1, "rescale": 0.1},
    ],
    ids=lambda options: "+".join(options),
)
@pytest.mark.filterwarnings("ignore:This ImageDataGenerator:UserWarning")
def test_scaled_pictures_are_keras_s(tf, options):
    import importlib

    legacy = importlib.import_module("keras.src.legacy.preprocessing.image")
    ours, theirs = ImageDataGenerator(**options), legacy.ImageDataGenerator(**options)
    x = np.random.default_rng(0).uniform(0, 255, (40, 3, 4, 2)).astype(np.float32)
    ours.fit(x)
    theirs.fit(x)
    assert_close(ours.standardize(x[0]), theirs.standardize(x[0].copy()), 2e-3 if "zca_whitening" in options else 1e-5)


def test_pictures_of_8_bits_are_changed_as_those_of_floats(tf):
    import importlib

    legacy = importlib.import_module("keras.src.legacy.preprocessing.image")
    x = photograph()
    drawn = {"theta": 30.0, "zx": 1.1, "zy": 0.9, "flip_horizontal": True}
    exact = ImageDataGenerator().apply_transform(x.astype(np.float64), drawn)
    found = ImageDataGenerator().apply_transform(x, drawn)
    assert found.dtype == np.uint8 and np.abs(found - exact).max() <= 0.5 + 1e-3
    theirs = legacy.ImageDataGenerator().apply_transform(x.copy(), drawn)
    assert np.abs(found.astype(int) - theirs).max() <= 1
    for dtype in (np.float16, np.int16, bool):
        assert ImageDataGenerator().apply_transform((x > 99).astype(dtype), drawn).dtype == dtype
    shifted = ImageDataGenerator().apply_transform(x, {"channel_shift_intensity": -20.5})
    assert shifted.dtype == np.uint8 and shifted.max() <= x.max()


def test_the_seed_of_everything_counts_for_drawn_parameters():
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        drawn.append(ImageDataGenerator(rotation_range=90).get_random_transform((4, 4, 3)))
    assert drawn[0] == drawn[1]


def test_statistics_are_asked_for():
    with pytest.raises(ValueError, match="call fit"):
        ImageDataGenerator(featurewise_center=True).standardize(photograph())


def test_drawn_parameters_have_keras_s_ranges():
    generator = ImageDataGenerator(
        rotation_range=30, width_shift_range=0.2, height_shift_range=[1, 4], shear_range=5, zoom_range=0.3,
        horizontal_flip=True, vertical_flip=True, channel_shift_range=9, brightness_range=(0.5, 1.5),
    )  # fmt: skip
    drawn = [generator.get_random_transform((40, 50, 3), seed) for seed in range(300)]
    for name, low, high in (
        ("theta", -30, 30), ("ty", -10, 10), ("tx", -4, 4), ("shear", -5, 5), ("zx", 0.7, 1.3), ("zy", 0.7, 1.3),
        ("channel_shift_intensity", -9, 9), ("brightness", 0.5, 1.5),
        ("flip_horizontal", 0, 1), ("flip_vertical", 0, 1),
    ):  # fmt: skip
        values = np.array([d[name] for d in drawn], float)
        assert low <= values.min() < low + 0.1 * (high - low) and high - 0.1 * (high - low) < values.max() <= high, name
    assert {d["tx"] for d in drawn} == {-4, -1, 1, 4}
    assert generator.get_random_transform((40, 50, 3), 5) == drawn[5]


@pytest.mark.parametrize("class_mode", ["binary", "categorical", "sparse", "input", None])
def test_a_folder_in_batches_is_keras_s(tf, folder, capsys, class_mode):
    import importlib

    legacy = importlib.import_module("keras.src.legacy.preprocessing.image")
    options = {"target_size": (12, 10), "batch_size": 4, "class_mode": class_mode, "shuffle": False}
    ours = ImageDataGenerator(rescale=1 / 255).flow_from_directory(folder, **options)
    said = capsys.readouterr().out
    theirs = legacy.ImageDataGenerator(rescale=1 / 255).flow_from_directory(str(folder), **options)
    assert said == "Found 18 images belonging to 2 classes.\n" == capsys.readouterr().out
    assert ours.class_indices == theirs.class_indices and ours.filenames == theirs.filenames
    assert (len(ours), ours.samples, ours.n) == (len(theirs), theirs.samples, theirs.n) == (5, 18, 18)
    np.testing.assert_array_equal(ours.classes, theirs.classes)
    for i in range(5):
        mine, wanted = ours[i], theirs[i]
        for a, b in zip(mine, wanted, strict=True) if class_mode else [(mine, wanted)]:
            assert a.dtype == b.dtype
            assert_close(a, b, 1e-6)


def test_options_of_folders(folder, capsys, tmp_path):
    generator = ImageDataGenerator(validation_split=0.34)
    flow = {"target_size": (8, 8), "batch_size": 5}
    training = generator.flow_from_directory(folder, subset="training", **flow)
    validation = generator.flow_from_directory(folder, subset="validation", **flow)
    assert training.n == 12 and validation.n == 6
    assert not set(training.filenames) & set(validation.filenames)
    one = generator.flow_from_directory(folder, classes=["dogs"], class_mode="sparse", color_mode="grayscale", **flow)
    assert one.class_indices == {"dogs": 0} and one.n == 9 and next(one)[0].shape == (5, 8, 8, 1)
    kept = generator.flow_from_directory(folder, save_to_dir=tmp_path / "kept", save_prefix="a", **flow)
    next(kept)
    assert len(list((tmp_path / "kept").glob("a_*.png"))) == 5


def test_order_and_changes_come_from_the_seed_alone(folder):
    def batches(seed, workers=1):
        generator = ImageDataGenerator(rotation_range=20, horizontal_flip=True)
        made = generator.flow_from_directory(folder, (9, 9), class_mode="binary", batch_size=4, seed=seed)
        made.workers = workers
        seen = []

        class Seen(keras.callbacks.Callback):
            pass

        for _ in range(12):
            seen.append(next(made)[0])
        return seen

    first, again, other = batches(3), batches(3), batches(4)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(first, other, strict=True))
    assert (first[0] != first[5]).any(), "an epoch has an order and changes of its own"


def test_fit_evaluate_and_predict_take_them(folder):
    generator = ImageDataGenerator(rescale=1 / 255, rotation_range=10)
    flow = generator.flow_from_directory(folder, (8, 8), class_mode="binary", batch_size=4, seed=1)
    steady = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folder, (8, 8), class_mode="binary", batch_size=4, shuffle=False
    )

    def train():
        keras.utils.set_random_seed(2)
        model = keras.Sequential(
            [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")]
        )
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        made = generator.flow_from_directory(folder, (8, 8), class_mode="binary", batch_size=4, seed=1)
        history = model.fit(made, validation_data=steady, epochs=3, verbose=0).history
        return model, history

    model, history = train()
    _, again = train()
    assert history == again, "threads make the batches, and change nothing about them"
    assert model.predict(steady, verbose=0).shape == (18, 1)
    assert np.isfinite(model.evaluate(flow, verbose=0)).all()


def test_pictures_from_memory(tf):
    x = RNG.integers(0, 256, (10, 6, 5, 3)).astype(np.uint8)
    y, weights = np.arange(10), np.linspace(0, 1, 10)
    flow = ImageDataGenerator().flow(x, y, batch_size=4, shuffle=False, sample_weight=weights)
    batches = [flow[i] for i in range(3)]
    np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), x)
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), y)
    np.testing.assert_array_equal(np.concatenate([b[2] for b in batches]), weights)
    shuffled = ImageDataGenerator().flow(x, y, batch_size=4, seed=1)
    rows = np.concatenate([shuffled[i][1] for i in range(3)])
    assert sorted(rows) == list(range(10)) and (rows != y).any()
    np.testing.assert_array_equal(np.concatenate([shuffled[i][0] for i in range(3)]), x[rows])
    split, even = ImageDataGenerator(validation_split=0.3), np.arange(10) % 2
    assert split.flow(x, even, subset="validation").n == 3 and split.flow(x, even, subset="training").n == 7
    with pytest.raises(ValueError, match=r"classes \[0, 1, 2\] for validation"):
        split.flow(x, y, subset="validation")
    assert split.flow(x, y, subset="validation", ignore_class_split=True).n == 3


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_mode": "categorical", "interpolation": "nearest"},
        {"label_mode": "binary", "color_mode": "grayscale"},
        {"label_mode": None},
        {"crop_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True},
        {"color_mode": "rgba", "image_size": (40, 23)},
    ],
    ids=str,
)
def test_an_image_dataset_is_keras_s(tf, folder, capsys, options):
    options = {"image_size": (19, 14), "batch_size": 5, "shuffle": False, **options}
    for file in [*folder.rglob("*.jpg"), *folder.rglob("*.bmp")]:  # two decoders of JPEG differ by one
        Image.open(file).convert("L" if "grayscale" in options.values() else "RGB").save(file.with_suffix(".png"))
        file.unlink()
    if "grayscale" in options.values():  # TensorFlow computes grey from colours differently than Pillow
        for file in folder.rglob("*.png"):
            Image.open(file).convert("L").save(file)
    ours = keras.utils.image_dataset_from_directory(folder, **options)
    said = capsys.readouterr().out
    theirs = tf.keras.utils.image_dataset_from_directory(str(folder), **options)
    assert said == capsys.readouterr().out
    assert len(ours) == len(theirs)
    assert ours.class_names == theirs.class_names and ours.file_paths == theirs.file_paths
    for mine, wanted in zip(ours, theirs, strict=True):
        for a, b in zip(mine, wanted, strict=True) if options.get("label_mode", "int") else [(mine, wanted)]:
            assert a.dtype == b.numpy().dtype and a.shape == b.shape
            assert_close(a.numpy(), b.numpy(), 1e-5)


def test_an_image_dataset_is_split_as_keras_splits_it(tf, folder):
    for subset in ("training", "validation"):
        options = {"validation_split": 0.25, "subset": subset, "seed": 123}
        ours = keras.utils.image_dataset_from_directory(folder, **options)
        theirs = tf.keras.utils.image_dataset_from_directory(str(folder), **options)
        assert ours.file_paths == theirs.file_paths
        names = [ours.class_names[label] for label in ours.labels]
        assert all(f"/{name}/" in path for name, path in zip(names, ours.file_paths, strict=True))
    both = keras.utils.image_dataset_from_directory(folder, validation_split=0.25, subset="both", seed=123)
    assert [len(part.file_paths) for part in both] == [14, 4]


def test_only_formats_that_pillow_reads_itself_are_opened(tmp_path, monkeypatch):
    """For EPS, Pillow starts Ghostscript if it is installed."""
    file = tmp_path / "picture.png"
    picture = Image.fromarray(photograph(20, 24).astype(np.uint8))
    picture.save(file, "EPS")
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *a, **o: pytest.fail("a program was started"))
    with pytest.raises(ValueError, match=r"picture\.png cannot be used: Pillow does not recognize it as an image"):
        load_img(file)
    for name in ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP"):
        picture.save(file, name)
        assert load_img(file).size == picture.size


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_refused(tmp_path):
    """Reading a pipe waits until another program writes to it."""
    for name in ("picture.png", "model.keras", "model.h5"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match="pipe or a device"):
        load_img(tmp_path / "picture.png")
    for name in ("model.keras", "model.h5"):
        with pytest.raises(ValueError, match="a pipe or a device"):
            keras.models.load_model(tmp_path / name)
