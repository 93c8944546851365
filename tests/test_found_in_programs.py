"""What programs of other people do beside what the other tests hold, beside Keras."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn

X, Y = normal(12, 6, dtype=np.float32), normal(12, 3, seed=1, dtype=np.float32)


def _both(tf):
    return (minicnn, tf.keras)


@pytest.mark.parametrize(
    "name",
    ["Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "BatchNormalization", "LeakyReLU", "Rescaling",
     "RandomFlip", "ZeroPadding2D", "MaxPooling2D", "LayerNormalization", "Activation", "Conv2D", "Dense", "Flatten"],
)  # fmt: skip
def test_a_subclass_of_every_kind_of_layer_calls_its_parent(tf, name):
    arguments = {"Rescaling": (0.5,), "Conv2D": (2, 2), "Dense": (2,), "Activation": ("relu",)}
    x = normal(4, 6, 6, 3, dtype=np.float32)
    random = name in ("RandomFlip",) or "Dropout" in name or "Noise" in name
    found = []
    for k in _both(tf):
        parent = getattr(k.layers, name)

        class Own(parent):
            def call(self, inputs, training=None):
                return super().call(inputs, training=training) if random or "Batch" in name else super().call(inputs)

        layer = Own(*arguments.get(name, (0.5,) if random and name != "RandomFlip" else ()))
        model = k.Sequential(
            [k.Input((6, 6, 3)), layer, k.layers.GlobalAveragePooling2D() if name != "Flatten" else k.layers.Dense(2)]
        )
        if found:
            model.set_weights(found[0][1])
        found.append((np.asarray(model.predict(x, verbose=0)), model.get_weights()))
        model.compile("sgd", "mse")
        model.fit(x, np.zeros(found[-1][0].shape), verbose=0)
    assert_close(found[0][0], found[1][0], 1e-5)


def test_dropout_that_stays_active():
    class MCDropout(minicnn.layers.Dropout):
        def call(self, inputs, training=None):
            return super().call(inputs, training=True)

    model = minicnn.Sequential([minicnn.Input((6,)), MCDropout(0.5), minicnn.layers.Dense(3)])
    samples = [model.predict(X, verbose=0) for _ in range(3)] + [np.asarray(model(X)) for _ in range(2)]
    assert all((a != b).any() for i, a in enumerate(samples) for b in samples[:i])
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=3, verbose=0)


class Kept:
    def distance(self, a, b):
        return minicnn.ops.mean(minicnn.ops.square(a - b), -1)

    def __call__(self, a, b):
        return self.distance(a, b)


def _scaled(a, b, factor):
    return factor * minicnn.ops.mean(minicnn.ops.square(a - b), -1)


def test_losses_and_metrics_may_be_methods_objects_and_losses():
    expected = None
    for loss in ("mse", Kept().distance, Kept(), functools.partial(_scaled, factor=1.0)):
        minicnn.utils.set_random_seed(1)
        model = minicnn.Sequential([minicnn.Input((6,)), minicnn.layers.Dense(3)])
        found = model.compile("sgd", loss) or model.fit(X, Y, epochs=2, verbose=0).history["loss"]
        expected = expected or found
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    metrics = [Kept().distance, Kept(), functools.partial(_scaled, factor=2.0), minicnn.losses.MeanAbsoluteError()]
    model.compile("sgd", "mse", metrics=metrics)
    history = model.fit(X, Y, batch_size=12, verbose=0).history
    assert set(history) == {"loss", "distance", "kept", "partial", "mean_absolute_error"}
    assert history["kept"] == history["distance"] and history["partial"][0] == pytest.approx(2 * history["kept"][0])


def test_names_of_functions_in_logs_are_keras_s(tf):
    keys = []
    for k in _both(tf):

        def IoU(a, b, k=k):
            return k.ops.mean(a * b)

        def dice_Coef(a, b, k=k):
            return k.ops.mean(a + b)

        model = k.Sequential([k.Input((6,)), k.layers.Dense(3)])
        model.compile("sgd", "mse", metrics=[IoU, dice_Coef, lambda a, b, k=k: k.ops.mean(b)])
        keys.append(set(model.fit(X, Y, verbose=0).history))
    assert keys[0] == keys[1] == {"loss", "io_u", "dice__coef", "lambda"}


def test_functions_as_constraints(tf):
    found = []
    for k in _both(tf):

        def between(w, k=k):
            return k.ops.clip(w, -0.1, 0.1)

        class Halved:
            def __call__(self, w):
                return w * 0.5

        dense = k.layers.Dense(3, kernel_constraint=between, bias_constraint=Halved(), kernel_initializer="ones")
        model = k.Sequential([k.Input((6,)), dense])
        model.compile("sgd", "mse")
        model.fit(X, Y, batch_size=12, verbose=0)
        found.append(model.get_weights())
    for ours, theirs in zip(*found, strict=True):
        assert_close(ours, theirs, 1e-6)
    assert np.abs(found[0][0]).max() <= np.float32(0.1)


def test_build_of_the_parent_in_a_layer_of_several_inputs(tf):
    for k in _both(tf):

        class Margin(k.layers.Layer):
            def build(self, shapes):
                super().build(shapes[0])
                self.w = self.add_weight(name="w", shape=(shapes[0][-1], 3))

            def call(self, inputs, k=k):
                x, y = inputs
                return k.ops.softmax(k.ops.matmul(x, self.w) + y)

        a, b = k.Input((6,)), k.Input((3,))
        model = k.Model([a, b], Margin()([a, b]))
        assert model.count_params() == 18 and model.predict([X, Y], verbose=0).shape == (12, 3)


def test_a_shape_of_the_output_with_an_open_batch(tf):
    for k in _both(tf):

        class Doubled(k.layers.Layer):
            def call(self, x):
                return x * 2

            def compute_output_shape(self, shape):
                return (None, 6)

        model = k.Sequential([k.Input((6,)), Doubled()])
        model.compile("sgd", "mse")
        assert len(model.fit(X, X, verbose=0).history["loss"]) == 1


def test_layers_of_one_depth_come_in_keras_s_order(tf):
    for make in (_two_ways, _crossing):
        ours, theirs = ([layer.name for layer in make(k).layers] for k in _both(tf))
        assert ours == theirs


def _two_ways(k):
    first, second = k.Input((8,), name="first"), k.Input((4,), name="second")
    x = k.layers.Dense(4, name="d2")(k.layers.Dense(6, name="d1")(first))
    return k.Model([first, second], k.layers.Add(name="add")([x, second]))


def _crossing(k):
    a, b, c = (k.Input((4,), name=name) for name in "abc")
    shared = k.layers.Dense(4, name="shared")
    x, y, z = shared(a), k.layers.Dense(4, name="y")(b), k.layers.Dense(4, name="z")(shared(c))
    left = k.layers.Add(name="left")([k.layers.Dense(4, name="after")(y), x])
    right = k.layers.Concatenate(name="right")([z, x, y])
    return k.Model([c, a, b], [k.layers.Dense(1, name="last")(right), left])


def test_classes_of_a_data_frame_are_numbers(tf, tmp_path):
    pandas = pytest.importorskip("pandas")
    from PIL import Image

    for i in range(4):
        Image.fromarray(np.full((6, 6, 3), 40 * i, np.uint8)).save(tmp_path / f"{i}.png")
    frame = pandas.DataFrame({"filename": [f"{i}.png" for i in range(4)], "class": ["b", "a", "b", "a"]})
    for k in _both(tf):
        make = k.preprocessing.image.ImageDataGenerator()
        made = make.flow_from_dataframe(
            frame, str(tmp_path), class_mode="categorical", target_size=(6, 6), shuffle=False
        )
        np.testing.assert_array_equal(made.classes, [1, 0, 1, 0])
        x, y = made[0]
        np.testing.assert_array_equal(y, np.eye(2)[[1, 0, 1, 0]])


def test_operations_in_losses_and_calls_use_up_no_names(tf):
    names = []
    for k in _both(tf):
        k.backend.clear_session()

        class Scaled(k.layers.Layer):
            def call(self, x, k=k):
                return k.ops.relu(x + 1.0) * k.ops.exp(-x)

        model = k.Sequential([k.Input((6,)), k.layers.Dense(3), Scaled()])
        model.compile("sgd", lambda a, b, k=k: k.ops.mean(k.ops.relu(a - b) + k.ops.abs(a - b)))
        model.fit(X, Y, verbose=0)
        inputs = k.Input((4,))
        x = k.layers.Activation("relu")(k.layers.Dense(4)(inputs))
        made = k.Model(inputs, k.layers.Multiply()([k.layers.Add()([inputs, x]), k.ops.relu(inputs)]))
        names.append([layer.name for layer in made.layers])
    assert names[0] == names[1]


def test_losses_of_a_dictionary_of_outputs_come_in_its_order(tf):
    found = []
    for k in _both(tf):
        inputs = k.Input((6,))
        outputs = {
            name: k.layers.Dense(n, name=name, kernel_initializer="ones")(inputs) for name, n in (("z", 2), ("y", 3))
        }
        model = k.Model(inputs, outputs)
        model.compile(k.optimizers.SGD(0.0), "mse", metrics={"y": ["mae"], "z": ["mae"]})
        y = {"y": Y, "z": Y[:, :2]}
        model.fit(X, y, verbose=0)
        found.append(model.evaluate(X, y, verbose=0))
    assert_close(found[0], found[1], 1e-5)


def test_metrics_within_calls(tf):
    found = []
    for k in _both(tf):

        class Watched(k.layers.Layer):
            def __init__(self, k=k):
                super().__init__()
                self.size = k.metrics.Mean(name="size")
                self.k = k

            def call(self, z):
                size = self.k.ops.mean(self.k.ops.square(z))
                self.add_loss(0.1 * size)
                self.size.update_state(size)
                return z

        class Own(k.Model):
            def __init__(self, k=k):
                super().__init__()
                self.dense, self.watched = k.layers.Dense(3, kernel_initializer="ones"), Watched()
                self.never = k.metrics.Mean(name="never")

            def call(self, inputs):
                return self.watched(self.dense(inputs))

        inputs = k.Input((6,))
        graph = k.Model(inputs, Watched()(k.layers.Dense(3, kernel_initializer="ones")(inputs)))
        for model in (graph, Own()):
            model.compile(k.optimizers.SGD(0.01), "mse", metrics=["mae"])
            history = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0, validation_data=(X, Y)).history
            found.append((history, model.evaluate(X, Y, verbose=0, return_dict=True)))
    for ours, theirs in zip(found[:2], found[2:], strict=True):
        assert set(ours[0]) == set(theirs[0]) and set(ours[1]) == set(theirs[1]) >= {"loss", "mae", "size"}
        for key, values in theirs[0].items():
            assert_close(ours[0][key], values, 1e-5, key)
        for key, value in theirs[1].items():
            assert_close(ours[1][key], value, 1e-5, key)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["none", None])
def test_training_lowers_the_sum_of_losses_that_are_not_reduced(tf, reduction, weighted):
    found = []
    weights = np.arange(1.0, 13.0, dtype=np.float32) / 6 if weighted else None
    for k in _both(tf):
        model = k.Sequential([k.Input((6,)), k.layers.Dense(3, kernel_initializer="ones")])
        model.compile(k.optimizers.SGD(0.01), k.losses.MeanSquaredError(reduction=reduction))
        model.fit(X, Y, batch_size=5, epochs=2, shuffle=False, verbose=0, sample_weight=weights)
        found.append((model.history.history["loss"], *model.get_weights()))
    for ours, theirs in zip(*found, strict=True):
        assert_close(np.asarray(ours), np.asarray(theirs), 1e-5)


@pytest.mark.parametrize("interpolation", ["bicubic", "lanczos3", "lanczos5", "area"])
def test_folders_of_pictures_resized_by_every_method(tf, tmp_path, interpolation):
    from PIL import Image

    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(2):
            pixels = np.random.default_rng(i).integers(0, 255, (14, 11, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    made = [
        k.utils.image_dataset_from_directory(
            tmp_path, image_size=(9, 8), batch_size=4, shuffle=False, interpolation=interpolation, verbose=False
        )
        for k in _both(tf)
    ]
    ours, theirs = (next(iter(data))[0] for data in made)
    assert_close(np.asarray(ours) / 255, np.asarray(theirs) / 255, 2e-3)


def test_older_arguments_of_flow_from_dataframe(tmp_path):
    pandas = pytest.importorskip("pandas")
    from PIL import Image

    Image.fromarray(np.zeros((6, 6, 3), np.uint8)).save(tmp_path / "0.png")
    frame, generator = pandas.DataFrame({"filename": ["0.png"]}), minicnn.preprocessing.image.ImageDataGenerator()
    with pytest.warns(UserWarning, match="drop_duplicates have no effect"):
        generator.flow_from_dataframe(frame, str(tmp_path), class_mode=None, drop_duplicates=True)
    with pytest.raises(TypeError, match="no argument 'target'"):
        generator.flow_from_dataframe(frame, str(tmp_path), class_mode=None, target=3)
