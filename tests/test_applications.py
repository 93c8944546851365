"""Known networks have Keras's layer names and parameters, and give Keras's outputs with its weight files."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn as keras
from minicnn import applications
from minicnn.applications import VGG16, MobileNetV2, ResNet50, mobilenet_v2, resnet50, vgg16
from minicnn.initializers import left_out

NETWORKS = {
    "vgg16": (VGG16, "vgg16", "VGG16", {}),
    "resnet50": (ResNet50, "resnet50", "ResNet50", {}),
    "mobilenet_v2": (MobileNetV2, "mobilenet_v2", "MobileNetV2", {}),
    "mobilenet_v2, narrow": (MobileNetV2, "mobilenet_v2", "MobileNetV2", {"alpha": 0.35}),
    "vgg19": (applications.VGG19, "vgg19", "VGG19", {}),
    "resnet101": (applications.ResNet101, "resnet", "ResNet101", {}),
    "resnet50v2": (applications.ResNet50V2, "resnet_v2", "ResNet50V2", {}),
    "densenet121": (applications.DenseNet121, "densenet", "DenseNet121", {}),
    "mobilenet": (applications.MobileNet, "mobilenet", "MobileNet", {"alpha": 0.5}),
    "xception": (applications.Xception, "xception", "Xception", {}),
    "inception_v3": (applications.InceptionV3, "inception_v3", "InceptionV3", {}),
    "inception_resnet_v2": (applications.InceptionResNetV2, "inception_resnet_v2", "InceptionResNetV2", {}),
    "efficientnetb0": (applications.EfficientNetB0, "efficientnet", "EfficientNetB0", {}),
    "efficientnetb3": (applications.EfficientNetB3, "efficientnet", "EfficientNetB3", {}),
    "efficientnetv2b0": (applications.EfficientNetV2B0, "efficientnet_v2", "EfficientNetV2B0", {}),
    "efficientnetv2b3": (applications.EfficientNetV2B3, "efficientnet_v2", "EfficientNetV2B3", {}),
    "efficientnetv2s": (applications.EfficientNetV2S, "efficientnet_v2", "EfficientNetV2S", {}),
    "mobilenet_v3": (applications.MobileNetV3Small, "mobilenet_v3", "MobileNetV3Small", {}),
    "mobilenet_v3, large": (applications.MobileNetV3Large, "mobilenet_v3", "MobileNetV3Large", {"alpha": 1.25}),
    "mobilenet_v3, minimalistic": (
        applications.MobileNetV3Large, "mobilenet_v3", "MobileNetV3Large",
        {"minimalistic": True, "include_preprocessing": False, "dropout_rate": 0.0},
    ),
    "convnext": (applications.ConvNeXtTiny, "convnext", "ConvNeXtTiny", {}),
}  # fmt: skip


def pictures(size, count=2):
    return np.random.default_rng(1).uniform(0, 255, (count, size, size, 3)).astype(np.float32)


SAME_CODE = (  # as another network here: one end is enough
    "vgg19", "resnet101", "inception_resnet_v2", "efficientnetb3", "efficientnetv2b3", "efficientnetv2s",
)  # fmt: skip


@pytest.mark.parametrize(
    ("network", "end"),
    [(name, end) for name in NETWORKS for end in ("plain", "top", "avg", "max")[: 1 if name in SAME_CODE else 4]],
)
def test_layers_and_parameters_are_keras_s(tf, network, end):
    ours, _, name, options = NETWORKS[network]
    theirs = getattr(tf.keras.applications, name)
    if end == "top":
        options = {**options, "weights": None, "classes": 7}
    else:
        options = {**options, "weights": None, "include_top": False, "input_shape": (96, 80, 3)}
        options["pooling"] = None if end == "plain" else end
    with left_out(), tf.keras.StatelessScope(initialize_variables=False):  # only names and shapes are compared
        mine, wanted = ours(**options), theirs(**options)
    tf.keras.backend.clear_session(free_memory=False)  # else the next model initializes the variables of this one too
    assert mine.name == wanted.name
    automatic = (
        "input_layer", "global_", "dropout", "zero_padding2d", "max_pooling2d", "average_pooling2d", "conv2d", "batch_",
        "activation", "add", "concatenate", "rescaling", "normalization", "re_lu", "flatten", "custom_scale", "layer_",
    )  # fmt: skip
    pairs = list(zip(mine.layers, wanted.layers, strict=True))
    assert [type(a).__name__ for a, _ in pairs] == [type(b).__name__ for _, b in pairs]
    assert [a.name for a, b in pairs if a.name != b.name and not a.name.startswith(automatic)] == []
    assert mine.count_params() == wanted.count_params()
    assert [w.shape for w in mine.weights] == [tuple(w.shape) for w in wanted.weights]
    assert mine.output_shape == wanted.output_shape


AS_WHOLE_MODELS = ("efficientnetb0", "mobilenet_v3")


@pytest.mark.parametrize(
    "network",
    ["vgg16", "resnet50", "mobilenet_v2", "resnet50v2", "densenet121", "mobilenet", "xception", "inception_v3",
     "efficientnetv2b0", "convnext", "inception_resnet_v2", *AS_WHOLE_MODELS],
)  # fmt: skip
def test_keras_s_files_give_keras_s_outputs(tf, tmp_path, network):
    """Files of weights, whole models in the older format, and in the present one. Keras opens minicnn's file too."""
    ours, module, name, options = NETWORKS[network]
    options = {**options, "include_top": False, "input_shape": (80, 80, 3), "pooling": "avg"}
    theirs = getattr(tf.keras.applications, name)(weights=None, **options)
    rng = np.random.default_rng(3)
    theirs.set_weights(  # so that moving means and variances are not 0 and 1
        [abs(w) + 0.05 if "variance" in v.name else w if v.name == "count" else w + 0.05 * rng.standard_normal(w.shape)
         for v, w in zip(theirs.weights, theirs.get_weights(), strict=True)]
    )  # fmt: skip
    x = getattr(keras.applications, module).preprocess_input(pictures(80))
    assert_close(x, getattr(tf.keras.applications, module).preprocess_input(pictures(80)), 1e-6)
    wanted = np.asarray(theirs(x, training=False))
    largest = abs(wanted).max()
    theirs.save_weights(tmp_path / "weights.weights.h5")
    theirs.save(tmp_path / "weights.h5")
    for file in ("weights.weights.h5", "weights.h5"):
        mine = ours(weights=str(tmp_path / file), **options)
        assert_close(mine.predict(x, verbose=0) / largest, wanted / largest, 1e-4)
    if network in AS_WHOLE_MODELS:
        theirs.save(tmp_path / "theirs.keras")
        mine.save(tmp_path / "mine.keras")
        for file in ("theirs.keras", "mine.keras"):
            opened = keras.models.load_model(tmp_path / file)
            np.testing.assert_array_equal(opened.predict(x, verbose=0), mine.predict(x, verbose=0))
        opened = tf.keras.models.load_model(tmp_path / "mine.keras", compile=False)
        assert_close(np.asarray(opened(x, training=False)) / largest, wanted / largest, 1e-4)


def test_layers_that_only_known_networks_have_go_both_ways(tf, tmp_path):
    from keras.src.applications.convnext import LayerScale
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    inputs = tf.keras.Input((4, 4, 3))
    scaled = CustomScaleLayer(0.3)([inputs, tf.keras.layers.Conv2D(3, 1)(inputs)])
    theirs = tf.keras.Model(inputs, LayerScale(0.5, 3)(scaled))
    theirs.set_weights([np.random.default_rng(4).standard_normal(w.shape) for w in theirs.get_weights()])
    theirs.save(tmp_path / "theirs.keras")
    mine = keras.models.load_model(tmp_path / "theirs.keras")
    x = normal(2, 4, 4, 3, dtype=np.float32)
    assert_close(mine.predict(x, verbose=0), np.asarray(theirs(x)), 1e-5)
    mine.save(tmp_path / "mine.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "mine.keras")(x), mine(x))
    assert_close(np.asarray(tf.keras.models.load_model(tmp_path / "mine.keras")(x)), np.asarray(theirs(x)), 1e-6)


@pytest.mark.parametrize("module", [vgg16, resnet50, mobilenet_v2])
def test_preprocessing_of_arrays_and_symbols(tf, module):
    name = module.__name__.split(".")[-1]
    x = pictures(5)
    wanted = getattr(tf.keras.applications, name).preprocess_input(x.copy())
    kept = x.copy()
    assert_close(module.preprocess_input(x), wanted, 1e-6)
    np.testing.assert_array_equal(x, kept, "the array given is left as it is")
    assert_close(module.preprocess_input(x.astype(np.uint8)), module.preprocess_input(np.floor(x)), 1e-6)
    inputs = keras.Input((5, 5, 3))
    assert_close(keras.Model(inputs, module.preprocess_input(inputs)).predict(x, verbose=0), wanted, 1e-5)
    for mode in ("caffe", "tf", "torch"):
        theirs = tf.keras.applications.imagenet_utils.preprocess_input(x.copy(), mode=mode)
        assert_close(keras.applications.imagenet_utils.preprocess_input(x, mode=mode), theirs, 1e-6)


def unreachable(address, timeout):
    raise OSError("no network")


def test_names_of_classes(tf, tmp_path, monkeypatch, capsys):
    import json

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    index = {str(i): [f"n{i:08d}", f"thing {i}"] for i in range(1000)}
    file = tmp_path / "models" / "imagenet_class_index.json"
    file.write_text(json.dumps(index))
    probabilities = np.random.default_rng(0).dirichlet(np.ones(1000), 2).astype(np.float32)
    from minicnn.utils import get_file  # the function; its module has the same name

    module = sys.modules[get_file.__module__]
    monkeypatch.setattr(module, "urlopen", unreachable)
    with pytest.raises(FileNotFoundError, match=r"imagenet_class_index\.json"):
        vgg16.decode_predictions(probabilities)
    assert "is not the expected file" in capsys.readouterr().out
    monkeypatch.setattr(module, "_is_expected", lambda *arguments: True)
    found = vgg16.decode_predictions(probabilities, top=3)
    for row, likeliest in zip(probabilities, found, strict=True):
        best = np.argsort(row)[::-1][:3]
        assert likeliest == [(f"n{i:08d}", f"thing {i}", row[i]) for i in best]
    with pytest.raises(ValueError, match=r"\(N, 1000\)"):
        vgg16.decode_predictions(probabilities[:, :10])


def test_without_a_network_the_missing_file_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(sys.modules[keras.utils.get_file.__module__], "urlopen", unreachable)
    with pytest.raises(FileNotFoundError) as told:
        VGG16(include_top=False)
    said = str(told.value)
    assert "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" in said and str(tmp_path / "models") in said
    assert "https://storage.googleapis.com" in said and "no network" in said


def test_imagenet_s_weights_come_from_keras_s_cache(tf, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(sys.modules[keras.utils.get_file.__module__], "urlopen", unreachable)
    theirs = tf.keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(96, 96, 3), alpha=0.35)
    theirs.save(tmp_path / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5")
    mine = MobileNetV2(include_top=False, input_shape=(96, 96, 3), alpha=0.35)
    np.testing.assert_array_equal(mine.get_weights()[0], theirs.get_weights()[0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": "nowhere.h5"}, "weights must be None"),
        ({"classes": 10}, "needs classes=1000; received classes=10"),
        ({"weights": None, "include_top": False, "pooling": "min"}, "pooling must be"),
        ({"weights": None, "include_top": False, "input_shape": (20, 20, 3)}, "at least 32 pixels"),
        ({"weights": None, "include_top": False, "input_shape": (64, 64)}, r"\(H, W, 3\)"),
        ({"weights": None, "input_shape": (None, None, 3)}, "all sizes must be known"),
        ({"input_shape": (64, 64, 3)}, r"needs input_shape=\(224, 224, 3\)"),
        ({"weights": None, "input_tensor": np.zeros(3)}, "input_tensor must be a symbol"),
    ],
)
def test_mistakes_are_reported(options, said):
    with pytest.raises(ValueError, match=said):
        VGG16(**options)


def test_an_input_tensor_and_frozen_layers():
    inputs = keras.Input((32, 32, 3))
    network = VGG16(weights=None, include_top=False, input_tensor=keras.layers.Rescaling(1 / 255)(inputs))
    assert network.inputs[0] is inputs and network.layers[1].name.startswith("rescaling")
    network.trainable = False
    assert network.trainable_weights == [] and len(network.non_trainable_weights) == 26
    network.get_layer("block5_conv3").trainable = True
    assert len(network.layers) == 20


def test_a_frozen_network_is_not_gone_back_through(monkeypatch):
    """A frozen network saves nothing for backward, backward is not called, and its weights stay bit for bit the same.

    After its last block is unfrozen, that block learns, and the layers before it still save nothing.
    """
    base = VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    base.trainable = False
    layers = keras.layers
    model = keras.Sequential([base, layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    asked = []
    forward = base.forward
    monkeypatch.setattr(
        base, "forward", lambda x, training, want, **o: asked.append(want) or forward(x, training, want, **o)
    )
    monkeypatch.setattr(base, "backward", lambda *a, **o: pytest.fail("a frozen network needs no backward pass"))
    x, y, before = pictures(32, 4) / 255, np.arange(4) % 2, base.get_weights()
    model.fit(x, y, epochs=2, verbose=0)
    assert asked == [False, False]
    for old, new in zip(before, base.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    monkeypatch.undo()
    base.trainable = True
    for layer in base.layers[:-4]:
        layer.trainable = False
    kept = []
    for name in ("block1_conv1", "block4_conv3", "block5_conv1"):
        layer = base.get_layer(name)
        real = layer.forward
        monkeypatch.setattr(
            layer,
            "forward",
            lambda *a, name=name, real=real, **o: kept.append((name, a[2] if len(a) > 2 else None)) or real(*a, **o),
        )
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    model.fit(x, y, verbose=0)
    wants = dict(kept)
    assert not wants["block1_conv1"] and not wants["block4_conv3"] and wants["block5_conv1"]
    changed = [not np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True)]
    assert changed == [False] * 20 + [True] * 6


def test_operations_are_not_among_the_layers(tf):
    """As in Keras: `for layer in model.layers[:n]` counts layers. `summary` shows the operations too."""

    def made(keras):
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(4, 3, name="c")(inputs)
        x = keras.layers.ReLU(6.0, name="r")(x + 3.0) * (1 / 6)
        return keras.Model(inputs, keras.layers.Flatten(name="f")(keras.ops.abs(x)))

    mine, wanted = made(keras), made(tf.keras)
    assert [layer.name for layer in mine.layers[1:]] == [layer.name for layer in wanted.layers[1:]] == ["c", "r", "f"]
    lines = []
    mine.summary(print_fn=lines.append)
    assert "add" in "".join(lines) and "multiply" in "".join(lines)
    again = keras.models.clone_model(mine)
    assert [layer.name for layer in again.layers] == [layer.name for layer in mine.layers]
