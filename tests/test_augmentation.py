"""Layers that change images at random: with the random numbers that Keras draws, they give Keras's images."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn as keras
from minicnn import layers

FILL_MODES = ("reflect", "wrap", "constant", "nearest")


def photographs(*shape):
    """Images of noise, from 0 to 255: neighbouring pixels differ so much that a wrong place is no rounding error."""
    return np.clip(128 + 50 * normal(*shape, dtype=np.float32), 0, 255)


@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize(("H", "W", "C"), [(9, 14, 3), (16, 7, 1)])
@pytest.mark.parametrize(
    ("name", "factors", "drawn"),
    [
        ("RandomRotation", (0.4,), lambda t, H, W: (t["angle"].numpy(),)),
        ("RandomZoom", (0.5, 0.3), lambda t, H, W: (t["height_zoom"].numpy()[:, 0], t["width_zoom"].numpy()[:, 0])),
        ("RandomZoom", ((-0.5, 0.1),), lambda t, H, W: (t["height_zoom"].numpy()[:, 0], t["width_zoom"].numpy()[:, 0])),
        (
            "RandomTranslation", (0.8, 1.0),
            lambda t, H, W: (t["translations"].numpy()[:, 1] / H, t["translations"].numpy()[:, 0] / W),
        ),
    ],
)  # fmt: skip
def test_moved_pictures_are_keras_s(tf, monkeypatch, name, factors, drawn, H, W, C, interpolation, fill_mode):
    x = photographs(6, H, W, C)
    options = {"fill_mode": fill_mode, "interpolation": interpolation, "fill_value": 20.0}
    theirs, ours = getattr(tf.keras.layers, name)(*factors, **options), getattr(layers, name)(*factors, **options)
    transformation = theirs.get_random_transformation(x, training=True, seed=5)
    expected = theirs.transform_images(x, transformation, training=True)
    monkeypatch.setattr(ours, "draw", lambda N: drawn(transformation, H, W))
    found = ours(x)
    if interpolation == "bilinear" and fill_mode != "wrap":
        assert_close(found, expected, 1e-4)
    else:  # halfway between two pixels, or on the seam, the last bit decides which pixel is taken
        wrong = (np.abs(found - expected.numpy()) > 1e-2).any(axis=-1)
        assert wrong.mean() < 0.01, wrong.mean()


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flipped_pictures_are_keras_s(tf, monkeypatch, mode):
    x = photographs(8, 5, 6, 3)
    theirs, ours = tf.keras.layers.RandomFlip(mode), layers.RandomFlip(mode)
    transformation = theirs.get_random_transformation(x, training=True, seed=1)
    flips = transformation["flips"].numpy().reshape(-1)
    assert 0 < flips.sum() < 8
    monkeypatch.setattr(ours, "draw", lambda N: (flips,))
    np.testing.assert_array_equal(ours(x), theirs.transform_images(x, transformation, training=True))


@pytest.mark.parametrize("value_range", [(0, 255), (0, 120)])
def test_contrast_and_brightness_are_keras_s(tf, monkeypatch, value_range):
    x = photographs(5, 6, 7, 3)
    for name, factor, key in (
        ("RandomContrast", 0.7, "contrast_factor"),
        ("RandomContrast", (0.2, 0.9), "contrast_factor"),
        ("RandomBrightness", 0.4, "rgb_delta"),
        ("RandomBrightness", (-0.6, 0.1), "rgb_delta"),
    ):
        theirs = getattr(tf.keras.layers, name)(factor, value_range=value_range)
        ours = getattr(layers, name)(factor, value_range=value_range)
        assert ours.factor == pytest.approx(theirs.factor)
        transformation = theirs.get_random_transformation(x, training=True, seed=3)
        drawn = transformation[key].numpy().reshape(-1)
        monkeypatch.setattr(ours, "draw", lambda N, drawn=drawn: drawn)
        assert_close(ours(x), theirs.transform_images(tf.constant(x), transformation, training=True), 1e-5, name)


def test_a_crop_is_keras_s(tf, monkeypatch):
    x = photographs(3, 9, 8, 2)
    ours, theirs = layers.RandomCrop(4, 5), tf.keras.layers.RandomCrop(4, 5)
    for start in ((0, 0), (5, 3), (2, 1)):
        monkeypatch.setattr(ours, "start", lambda H, W, start=start: start)
        np.testing.assert_array_equal(ours(x), theirs.transform_images(tf.constant(x), start, training=True))
    assert layers.RandomCrop(4, 5).compute_output_shape((None, 9, 8, 2)) == (None, 4, 5, 2)


AUGMENTATION = [
    lambda: layers.RandomFlip(seed=1),
    lambda: layers.RandomRotation(0.2, seed=1),
    lambda: layers.RandomZoom(0.3, seed=1),
    lambda: layers.RandomTranslation(0.3, 0.3, seed=1),
    lambda: layers.RandomContrast(0.5, (-3, 3), seed=1),
    lambda: layers.RandomBrightness(0.2, (-3, 3), seed=1),
    lambda: layers.RandomCrop(4, 4, seed=1),
]


@pytest.mark.parametrize("make", AUGMENTATION)
def test_active_in_training_and_the_same_for_a_seed(make):
    x = normal(5, 6, 8, 3, dtype=np.float32)
    first, second, other = make()(x), make()(x), type(make()).from_config({**make().get_config(), "seed": 2})(x)
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    layer = make()
    layer(x)
    assert (layer(x) != first).any(), "every call draws anew"
    np.testing.assert_array_equal(make()(x[0]).shape, first.shape[1:])
    if type(layer) is not layers.RandomCrop:
        np.testing.assert_array_equal(layer(x, training=False), x)
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("make", AUGMENTATION)
def test_gradients(make, each_backend):
    layer = type(make()).from_config({**make().get_config(), "dtype": "float64"})
    assert keras.utils.gradient_check(layer, 0.4 * normal(2, 6, 7, 2), training=True, verbose=False) <= 1e-6


@pytest.mark.parametrize("make", AUGMENTATION)
def test_no_gradient_without_need(make):
    layer, x = make(), normal(2, 6, 7, 2, dtype=np.float32)
    y, saved = layer.forward(x, training=True)
    assert layer.backward(normal(*y.shape, seed=1, dtype=np.float32), saved, need_dx=False) is None


def test_the_backends_move_the_same_pixels(each_backend):
    x = normal(4, 7, 6, 3, dtype=np.float32)
    layer = layers.RandomRotation(0.3, seed=4)
    definition = layers.RandomRotation(0.3, seed=4)
    found = layer(x)
    keras.backend.set_backend("numpy")
    assert_close(found, definition(x), 1e-5)


def test_in_a_model(tf):
    """As in Keras, nested augmentation is active in a call without `training`, and not active in predict."""
    keras.utils.set_random_seed(3)
    augmentation = keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.2)]
    )
    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 255)(augmentation(inputs))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    pictures, labels = photographs(16, 8, 8, 3), np.arange(16) % 2
    model.fit(pictures, labels, epochs=2, batch_size=8, verbose=0)
    np.testing.assert_array_equal(model.predict(pictures, verbose=0), model.predict(pictures, verbose=0))
    assert (augmentation(pictures) != pictures).any()
    np.testing.assert_array_equal(augmentation(pictures, training=False), pictures)
    assert (model(pictures) != model(pictures)).any(), "as in Keras, where nobody says, augmentation is active"
    np.testing.assert_array_equal(model(pictures, training=False), model.predict(pictures, verbose=0))


def test_a_row_of_layers_for_pictures_takes_a_single_one(tf):
    x = photographs(12, 10, 3)

    def prepare(k):
        return k.Sequential([k.layers.Resizing(9, 7), k.layers.Rescaling(1 / 255), k.layers.CenterCrop(6, 5)])

    found = prepare(keras)(x)
    assert_close(found, prepare(tf.keras)(x), 1e-5)
    augment = keras.Sequential([layers.RandomFlip(seed=1), layers.RandomZoom(0.3, seed=2)])
    twin = keras.Sequential([layers.RandomFlip(seed=1), layers.RandomZoom(0.3, seed=2)])
    np.testing.assert_array_equal(augment(x, training=True), twin(x[None], training=True)[0])
    assert augment(x[None]).shape == (1, 12, 10, 3)  # a batch still works after a single image
    with pytest.raises(ValueError, match="shape"):
        keras.Sequential([layers.RandomFlip(), layers.Conv2D(2, 3)])(x)


def test_normalization_adapts_as_keras_s(tf, tmp_path):
    data = 1e4 + 3 * normal(50, 4, 5, 3, dtype=np.float32)
    for axis in (-1, None, 2, (1, 2), (-1, 1)):
        ours, theirs = layers.Normalization(axis=axis), tf.keras.layers.Normalization(axis=axis)
        ours.adapt(data)
        theirs.adapt(data.astype(np.float64))
        for mine, wanted in zip(ours.weights[:2], theirs.weights[:2], strict=True):
            np.testing.assert_allclose(mine.numpy(), wanted.numpy(), rtol=2e-4)
        assert ours.mean.shape == tuple(theirs.mean.shape)
        kept = () if axis is None else [a % 4 for a in (axis if isinstance(axis, tuple) else (axis,))]
        over = {"axis": tuple(a for a in range(4) if a not in kept), "dtype": np.float64, "keepdims": True}
        assert_close(ours(data), (data.astype(np.float64) - data.mean(**over)) / data.std(**over), 2e-3)
    batches = layers.Normalization()
    batches.adapt([data[:20], (data[20:], np.zeros(30))])
    np.testing.assert_allclose(batches.adapt_variance.numpy(), data.var((0, 1, 2), dtype=np.float64), rtol=1e-5)


def test_normalization_of_what_never_changes_is_zero(tf):
    data = np.full((20, 3), [1000.1, 3.7, 255.3], np.float32)
    ours, theirs = layers.Normalization(), tf.keras.layers.Normalization()
    for layer in (ours, theirs):
        layer.adapt(data)
    np.testing.assert_array_equal(ours(data), np.zeros((20, 3)))
    assert ours.mean.shape == tuple(theirs.mean.shape) == (1, 3)
    np.testing.assert_allclose(ours.mean.numpy(), theirs.mean.numpy(), rtol=1e-6)
    again = layers.Normalization.from_config(layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 4.0]).get_config())
    assert_close(again(np.array([[3.0, 6.0]])), [[1.0, 2.0]], 1e-6)


def test_normalization_adapts_to_batches_of_every_kind():
    x = normal(12, 3, 3, 2)
    layer = layers.Normalization()
    layer.adapt(keras.preprocessing.image.ImageDataGenerator().flow(x, batch_size=5))
    np.testing.assert_allclose(layer.mean.reshape(-1), x.mean((0, 1, 2)), atol=1e-6)

    class Numbered(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return x[4 * i : 4 * i + 4], np.zeros(4)

    layer = layers.Normalization()
    layer.adapt(Numbered())
    np.testing.assert_allclose(layer.mean.reshape(-1), x.mean((0, 1, 2)), atol=1e-6)
    assert len(list(Numbered())) == 3


def test_no_pictures_at_all():
    for make in AUGMENTATION:
        assert make()(np.zeros((0, 6, 8, 3), np.float32)).shape[0] == 0


def test_models_with_augmentation_go_to_keras_and_back(tf, tmp_path):
    for k, other in ((keras, tf.keras), (tf.keras, keras)):
        model = k.Sequential(
            [
                k.Input((10, 9, 3)), k.layers.RandomFlip("horizontal"), k.layers.RandomRotation(0.1),
                k.layers.RandomZoom(0.2, 0.1), k.layers.RandomTranslation(0.1, 0.2, fill_mode="constant"),
                k.layers.RandomContrast(0.3), k.layers.RandomBrightness(0.2), k.layers.Resizing(6, 6),
                k.layers.CenterCrop(5, 5), k.layers.Normalization(), k.layers.Flatten(), k.layers.Dense(2),
            ]
        )  # fmt: skip
        model.layers[-3].adapt(photographs(8, 5, 5, 3))
        model.save(tmp_path / "model.keras")
        again = other.models.load_model(tmp_path / "model.keras")
        x = photographs(4, 10, 9, 3)
        assert_close(again.predict(x, verbose=0), model.predict(x, verbose=0), 1e-5)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: layers.RandomRotation(1.5), "factor must be a number, or a list of two, between -1 and 1"),
        (lambda: layers.RandomRotation(0.1, fill_mode="mirror"), "'mirror'"),
        (lambda: layers.RandomZoom(-1.0), "A zoom factor must be above -1"),
        (lambda: layers.RandomFlip("left"), "'left'"),
        (lambda: layers.RandomContrast(-0.5), "between 0 and 1"),
        (lambda: layers.RandomBrightness(0.5, value_range=3), "value_range"),
        (lambda: layers.Resizing(0, 5), "height must be a positive integer; received height=0"),
        (lambda: layers.Resizing(5, 5, interpolation="cubic"), "'cubic'"),
        (lambda: layers.Normalization(axis=1).build((None, None, 4, 3)), "needs to know the sizes along axis=1"),
        (lambda: layers.Normalization(axis=0).build((5, 4, 4, 3)), "which is not the batch's axis"),
        (lambda: layers.Normalization(axis=(1, 5)).build((None, 4, 4, 3)), "has axis=\\(1, 5\\)"),
        (lambda: layers.Normalization(axis="last"), "axis is an integer"),
        (lambda: layers.Normalization(mean=[[1.0]], variance=[[1.0]]), "more axes"),
        (lambda: layers.RandomHue(1.5), "factor must be a number"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), "kernel_size must be an odd number"),
        (lambda: layers.RandomGrayscale(2), "factor must be between 0 and 1"),
        (lambda: layers.RandomPosterization(0), "between 1 and 8"),
        (lambda: layers.Normalization(mean=1.0), "must be given together"),
    ],
)
def test_mistakes_are_reported(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def colored(*keys):
    """What a layer of Keras has drawn, in the form that minicnn's `draw` returns it."""
    return lambda t: tuple(np.asarray(t[name], np.float32).reshape(-1) for name in keys)


LIKE_KERAS = {  # {name: (the layer, what Keras drew as minicnn's draw returns it)}
    "hue": (lambda L, r: L.RandomHue(0.6, value_range=r), colored("factor")),
    "saturation": (lambda L, r: L.RandomSaturation((0.2, 0.8), value_range=r), colored("factor")),
    "degeneration": (lambda L, r: L.RandomColorDegeneration(0.7, value_range=r), colored("factor")),
    "grayscale": (lambda L, r: L.RandomGrayscale(0.5), lambda t: (np.asarray(t, np.float32).reshape(-1),)),
    "invert": (lambda L, r: L.RandomInvert(0.9, value_range=r), colored("apply_inversion")),
    "posterization": (
        lambda L, r: L.RandomPosterization((2, 6), value_range=r),
        lambda t: (np.exp2(np.asarray(t["shift_factor"], np.float32)).reshape(-1),),
    ),
    "solarization": (lambda L, r: L.Solarization(0.3, 0.8, value_range=r), colored("additions", "thresholds")),
    "sharpness": (lambda L, r: L.RandomSharpness(0.9, value_range=r), colored("factor")),
    "contrast of the channels": (lambda L, r: L.AutoContrast(value_range=r), lambda t: ()),
    "equalization": (lambda L, r: L.Equalization(value_range=r), None),
    "equalization in few steps": (lambda L, r: L.Equalization(value_range=r, bins=16), None),
    "blur": (
        lambda L, r: L.RandomGaussianBlur(0.8, (3, 5), (0.3, 1.0), value_range=r),
        lambda t: (np.asarray(t["should_apply_blur"], np.float32), np.asarray(t["blur_factor"])),
    ),
    "erasing": (
        lambda L, r: L.RandomErasing(0.9, (0.1, 0.6), value_range=r),
        lambda t: (
            np.asarray(t["batch_masks"])[..., :1] & np.asarray(t["apply_erasing"]).reshape(-1, 1, 1, 1),
            np.asarray(t["fill_value"]),
        ),
    ),
    "mixing": (
        lambda L, r: L.MixUp(0.8),
        lambda t: (np.asarray(t["mix_weight"]), np.eye(6)[np.asarray(t["permutation_order"])]),
    ),
    "cutting": (
        lambda L, r: L.CutMix(0.8),
        lambda t: (np.asarray(t["batch_masks"])[..., :1], np.eye(6)[np.asarray(t["permutation_order"])]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("value_range", [(0, 255), (0, 1)])
@pytest.mark.parametrize("name", LIKE_KERAS)
def test_changed_pictures_are_keras_s(tf, monkeypatch, each_backend, name, value_range):
    make, drawn = LIKE_KERAS[name]
    x = (photographs(6, 8, 9, 3) * (value_range[1] / 255)).astype(np.float32)
    x[1, ..., 1] = x[1, 0, 0, 1]  # a channel of one number
    x[2] = x[2, ..., :1]  # a grey image
    x[3, :2] = 0
    tf.keras.utils.set_random_seed(3)
    ours, theirs = make(layers, value_range), make(tf.keras.layers, value_range)
    transformation = theirs.get_random_transformation(tf.constant(x), training=True)
    expected = np.asarray(theirs.transform_images(tf.constant(x), transformation, training=True))
    if name == "blur":
        chosen, sigma = drawn(transformation)
        kernel = keras.ops.image.gaussian_kernel(ours.kernel_size, sigma, 3)
        monkeypatch.setattr(ours, "draw", lambda *shape: (chosen, kernel))
    elif drawn is not None:
        monkeypatch.setattr(ours, "draw", lambda *shape: drawn(transformation))
    found = np.asarray(ours(x, training=True))
    assert (found != x).any()
    wrong = (abs(found - expected) > 2e-3 * value_range[1]).mean()
    assert wrong <= (0.01 if "equalization" in name or name == "posterization" else 0), "beside the last bit's choice"


@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_sheared_pictures_are_keras_s(tf, monkeypatch, fill_mode):
    x = photographs(6, 9, 14, 3)
    options = {"fill_mode": fill_mode, "fill_value": 20.0}
    ours, theirs = layers.RandomShear(0.4, 0.3, **options), tf.keras.layers.RandomShear(0.4, 0.3, **options)
    transformation = theirs.get_random_transformation(x, training=True, seed=5)
    shears = transformation["shear_factor"].numpy()
    monkeypatch.setattr(ours, "draw", lambda N: (shears[:, 0], shears[:, 1]))
    wrong = abs(ours(x) - theirs.transform_images(x, transformation, training=True).numpy()) > 1e-2
    assert wrong.mean() < 0.02, wrong.mean()


def test_labels_are_mixed_with_the_images():
    x, labels = photographs(5, 6, 6, 3), np.eye(5, dtype=np.float32)
    for layer in (layers.MixUp(0.9, seed=3), layers.CutMix(seed=3)):
        made = layer({"images": x, "labels": labels})
        assert made["labels"].sum(1) == pytest.approx(np.ones(5), abs=1e-5)
        mixed = np.einsum("nm,mhwc->nhwc", made["labels"], x) if isinstance(layer, layers.MixUp) else None
        if mixed is not None:
            assert_close(made["images"] / 255, mixed / 255, 1e-5)
        else:
            own = (made["images"] == x).all(-1).mean((1, 2))
            assert_close(own, np.diag(made["labels"]), 0.35, "a box's share, up to whole pixels")
    np.testing.assert_array_equal(layers.MixUp()(x, training=False), x)


POLICIES = [layers.RandAugment(seed=2), layers.AugMix(seed=2), layers.AugMix(all_ops=False, seed=1)]


@pytest.mark.parametrize("layer", POLICIES)
def test_policies_stay_in_range_and_have_a_gradient(layer):
    x = photographs(4, 8, 8, 3)
    for _ in range(6):
        y, saved = layer.forward(x, True, True)
        assert y.shape == x.shape and np.isfinite(y).all()
        assert type(layer) is layers.RandAugment or 0 <= y.min() <= y.max() <= 255
        assert layer.backward(np.ones_like(y), saved).shape == x.shape
    again = type(layer).from_config(layer.get_config())
    model = keras.Sequential([keras.Input((8, 8, 3)), again, layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(x / 255, np.zeros((4, 2)), verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x, verbose=0))


COLORED = [
    lambda: layers.RandomHue(0.5, (0, 255), seed=1), lambda: layers.RandomSaturation((0.3, 0.6), seed=1),
    lambda: layers.RandomColorDegeneration(0.5, seed=1), lambda: layers.RandomGrayscale(0.5, seed=2),
    lambda: layers.RandomInvert(seed=1), lambda: layers.RandomPosterization((2, 6), seed=1),
    lambda: layers.Solarization(0.1, 0.9, seed=1), lambda: layers.RandomSharpness(0.9, seed=1),
    lambda: layers.RandomGaussianBlur(sigma=(0.5, 1.0), seed=1), lambda: layers.RandomErasing(seed=1),
    lambda: layers.MixUp(0.8, seed=1), lambda: layers.CutMix(seed=1), lambda: layers.RandomShear(0.3, 0.2, seed=1),
    lambda: layers.RandomColorJitter((0, 255), 0.1, 0.3, (0.4, 0.6), 0.2, seed=1), lambda: layers.Equalization(),
    lambda: layers.RandAugment(factor=0.3, seed=1), lambda: layers.AugMix(factor=0.2, seed=1),
    lambda: layers.AutoContrast(),
]  # fmt: skip


@pytest.mark.parametrize("make", COLORED)
def test_colors_are_active_in_training_and_have_a_gradient(make, tmp_path):
    layer, x = make(), photographs(4, 6, 7, 3)
    first = np.array(layer(x))
    np.testing.assert_array_equal(make()(x), first, "the same seed, the same images")
    if type(layer) not in (layers.AutoContrast, layers.Equalization):
        assert any((np.asarray(layer(x)) != first).any() for _ in range(5)), "every call draws anew"
        np.testing.assert_array_equal(make()(x, training=False), x)
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    y, saved = layer.forward(x, True, True)
    assert layer.backward(np.ones_like(y), saved, need_dx=False) is None
    double = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
    pictures = photographs(3, 4, 5, 3).astype(np.float64)
    if type(layer) in (layers.Equalization, layers.RandomPosterization):  # steps: every slope is 0
        assert not double.backward(np.ones_like(pictures), double.forward(pictures, True, True)[1]).any()
    else:
        assert keras.utils.gradient_check(double, pictures, training=True, verbose=False) <= 1e-6
    model = keras.Sequential([keras.Input((6, 7, 3)), layer, layers.Flatten(), layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_models_with_colors_go_to_keras_and_back(tf, tmp_path):
    def row(k):
        L = k.layers
        colors = [
            L.RandomHue(0.5), L.RandomSaturation(0.5), L.RandomColorDegeneration(0.3), L.RandomGrayscale(0.2),
            L.RandomInvert(0.5), L.RandomPosterization(4), L.Solarization(0.1, 0.9), L.RandomSharpness(0.5),
            L.RandomGaussianBlur(0.5), L.RandomErasing(0.5), L.MixUp(0.3), L.CutMix(0.5), L.RandomShear(0.2, 0.1),
            L.AutoContrast(),  # and not Equalization: Keras 3.15 cannot put it into a model
        ]  # fmt: skip
        return k.Sequential([k.Input((8, 8, 3)), *colors, L.RandomColorJitter(hue_factor=0.2), L.Flatten(), L.Dense(2)])

    x = photographs(4, 8, 8, 3)
    mine, theirs = row(keras), row(tf.keras)
    mine.save(tmp_path / "mine.keras")
    opened = tf.keras.models.load_model(tmp_path / "mine.keras", compile=False)
    assert_close(opened.predict(x, verbose=0) / 255, mine.predict(x, verbose=0) / 255, 1e-4)
    theirs.save(tmp_path / "theirs.keras")
    opened = keras.models.load_model(tmp_path / "theirs.keras")
    assert_close(opened.predict(x, verbose=0) / 255, theirs.predict(x, verbose=0) / 255, 1e-4)


@pytest.mark.parametrize("name", ["RandomFlip", "RandomInvert", "RandomErasing", "RandAugment", "MixUp", "CutMix"])
def test_dictionaries_of_images_and_labels(name):
    images, rows = 255 * np.random.default_rng(0).random((4, 8, 8, 3), np.float32), np.eye(4, dtype=np.float32)
    layer = getattr(layers, name)()
    given = {"images": images, "labels": rows, "names": "kept"}
    still = layer(given, training=False)
    np.testing.assert_array_equal(still["images"], images)
    np.testing.assert_array_equal(still["labels"], rows)
    changed = layer(given, training=True)
    assert changed["images"].shape == images.shape and changed["labels"].shape == (4, 4)
    assert changed["names"] == still["names"] == "kept" and (changed["images"] != images).any()
    one = layer({"images": images[0], "labels": rows[0]})
    assert one["images"].shape == (8, 8, 3) and one["labels"].shape == (4,)
    with pytest.raises(ValueError, match='takes images, or a dictionary with "images" and "labels"'):
        layers.RandomFlip()({"images": images, "bounding_boxes": rows})


def test_what_a_layer_computes_follows_its_attributes():
    layer, x = layers.RandomInvert(factor=(1.0, 1.0)), np.full((2, 4, 4, 3), 10.0, np.float32)
    assert (layer(x) == 245).all()
    layer.value_range = (0, 100)
    assert (layer(x) == 90).all()


def test_a_symbol_of_one_image_is_an_image():
    for make in (lambda: layers.RandomFlip(), lambda: layers.Resizing(4, 6), lambda: layers.CenterCrop(4, 6)):
        image = layers.Input(batch_shape=(8, 8, 3))
        made = make()(image)
        assert made.shape == (8, 8, 3) if isinstance(made.node.layer, layers.RandomFlip) else (4, 6, 3)
        with pytest.raises(ValueError, match=r"takes inputs of shape \(N, H, W, C\); received shape \(None, 8, 3\)"):
            make()(layers.Input((8, 3)))
    image, made = layers.Input(batch_shape=(8, 8, 3)), layers.Resizing(4, 6)
    x = normal(8, 8, 3, dtype=np.float32)
    np.testing.assert_array_equal(keras.Model(image, made(image))(x), made(x))


def test_an_input_layer_checks_its_arguments():
    symbol = layers.Input(batch_shape=(2, 3))
    assert layers.InputLayer(input_tensor=symbol, shape=(3,), batch_size=2, dtype="float32").output is symbol
    for wrong in ({"shape": (4,)}, {"batch_shape": (2, 4)}, {"batch_size": 5}, {"dtype": "float64"}):
        with pytest.raises(ValueError, match="does not fit input_tensor"):
            layers.InputLayer(input_tensor=symbol, **wrong)
    with pytest.raises(ValueError, match="input_tensor must be a symbol; received a ndarray"):
        layers.InputLayer(input_tensor=np.zeros(3))
    with pytest.raises(ValueError, match="Give batch_size or batch_shape, not both"):
        layers.InputLayer(batch_size=2, batch_shape=(2, 3))
    with pytest.raises(ValueError, match="no sparse or ragged arrays"):
        layers.InputLayer((3,), sparse=True)
