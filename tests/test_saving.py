"""Models in files: what minicnn writes real Keras reads, what Keras writes minicnn reads, and nothing else gets in."""

from __future__ import annotations

import io
import json
import random
import zipfile

import h5py
import numpy as np
import pytest
from helpers import assert_close, labels, normal

import minicnn
from minicnn import layers
from minicnn.saving import archive, legacy_h5

X, Y = normal(24, 8, 8, 2, dtype=np.float32), labels(24, classes=3)


def row(k):
    """A Sequential model in the words of the library k."""
    return k.Sequential([
        k.layers.Input((8, 8, 2)),
        k.layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2"),
        k.layers.BatchNormalization(),
        k.layers.MaxPooling2D(2),
        k.layers.Conv2D(5, 2, kernel_initializer="he_normal"),
        k.layers.LeakyReLU(),
        k.layers.Flatten(),
        k.layers.Dense(6, activation="relu", bias_regularizer=k.regularizers.L1(0.01)),
        k.layers.Dense(3, activation="softmax"),
    ], name="row")  # fmt: skip


def graph(k):
    """A functional model with branches, a layer used twice, and models within."""
    x = k.layers.Input((8, 8, 2), name="pixels")
    shared = k.layers.Conv2D(2, 3, padding="same", name="shared")
    inner = k.Sequential([k.layers.Input((8, 8, 2)), k.layers.DepthwiseConv2D(3, padding="same")], name="inner")
    a, b = shared(x), shared(inner(x))
    y = k.layers.Add()([a, b])
    y = k.layers.Concatenate()([y, k.layers.AveragePooling2D(1)(x)])
    z = k.layers.Input((8, 8, 4))
    deeper = k.Model(z, k.layers.Activation("tanh")(k.layers.Conv2D(3, 2, strides=2)(z)), name="deeper")
    y = k.layers.GlobalAveragePooling2D()(deeper(y))
    return k.Model(x, k.layers.Dense(3, activation="softmax")(y), name="graph")


@pytest.fixture
def keras(tf):
    """The real Keras."""
    return tf.keras


def with_dropout(k):
    return k.Sequential([
        k.layers.Input((8, 8, 2)), k.layers.Flatten(), k.layers.Dropout(0.5, seed=3), k.layers.Dense(3),
    ])  # fmt: skip


MODELS = {"row": row, "graph": graph}
FORMATS = [".keras", ".h5"]


def compiled(k, model, optimizer="adam"):
    make = {
        "adam": lambda: k.optimizers.Adam(0.01), "amsgrad": lambda: k.optimizers.Adam(0.01, amsgrad=True),
        "momentum": lambda: k.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        "rmsprop": lambda: k.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        "adagrad": lambda: k.optimizers.Adagrad(0.05), "adadelta": lambda: k.optimizers.Adadelta(1.0),
        "adamax": lambda: k.optimizers.Adamax(0.01),
    }  # fmt: skip
    model.compile(make[optimizer](), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(model, epochs=2):
    return model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0).history["loss"]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_keras_reads_what_minicnn_writes(keras, tmp_path, name, ending):
    ours = compiled(minicnn, MODELS[name](minicnn))
    trained(ours)
    ours.save(tmp_path / f"model{ending}")
    theirs = keras.models.load_model(tmp_path / f"model{ending}")
    assert_close(np.asarray(theirs.predict(X, verbose=0)), ours.predict(X, verbose=0), 1e-5)
    assert theirs.name == name and [layer.name for layer in theirs.layers] == [layer.name for layer in ours.layers]
    if ending == ".keras":
        assert_close(trained(theirs), trained(ours), 1e-4, "training goes on")
    else:  # from .h5 files Keras 3.15 starts with a fresh optimizer
        ours.optimizer = minicnn.optimizers.Adam(0.01)
        assert_close(trained(theirs), trained(ours), 1e-4, "training begins anew")


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_minicnn_reads_what_keras_writes(keras, tmp_path, name, ending):
    theirs = compiled(keras, MODELS[name](keras))
    trained(theirs)
    theirs.save(tmp_path / f"model{ending}")
    ours = minicnn.models.load_model(tmp_path / f"model{ending}")
    assert_close(ours.predict(X, verbose=0), np.asarray(theirs.predict(X, verbose=0)), 1e-5)
    assert ours.count_params() == theirs.count_params()
    assert_close(trained(ours), trained(theirs), 1e-4, "training goes on")


@pytest.mark.parametrize("optimizer", ["amsgrad", "momentum", "rmsprop", "adagrad", "adadelta", "adamax"])
def test_the_state_of_every_optimizer_goes_both_ways(keras, tmp_path, optimizer):
    ours = compiled(minicnn, row(minicnn), optimizer)
    trained(ours)
    ours.save(tmp_path / "ours.keras")
    theirs = keras.models.load_model(tmp_path / "ours.keras")
    assert_close(trained(theirs), trained(ours), 1e-3)
    for ending in FORMATS:
        theirs.save(tmp_path / f"theirs{ending}")
    more = trained(theirs)
    for ending in FORMATS:
        again = minicnn.models.load_model(tmp_path / f"theirs{ending}")
        assert again.optimizer.iterations == 12
        assert_close(trained(again), more, 1e-3)


@pytest.mark.parametrize("ending", [".weights.h5", ".h5"])
@pytest.mark.parametrize("name", MODELS)
def test_weights_alone_go_both_ways(keras, tmp_path, name, ending):
    if ending == ".h5":
        ours, theirs = MODELS[name](minicnn), MODELS[name](keras)
        ours.save_weights(tmp_path / "ours.h5")
        theirs.load_weights(tmp_path / "ours.h5")
    else:
        ours, theirs = MODELS[name](minicnn), MODELS[name](keras)
        ours.save_weights(tmp_path / f"ours{ending}")
        theirs.load_weights(tmp_path / f"ours{ending}")
        fresh = MODELS[name](keras)
        fresh.save_weights(tmp_path / f"theirs{ending}")
        other = MODELS[name](minicnn)
        other.load_weights(tmp_path / f"theirs{ending}")
        assert_close(other.predict(X, verbose=0), np.asarray(fresh.predict(X, verbose=0)), 1e-5)
    assert_close(np.asarray(theirs.predict(X, verbose=0)), ours.predict(X, verbose=0), 1e-5)


def test_dropout_layers_go_both_ways(keras, tmp_path):
    with_dropout(minicnn).save(tmp_path / "ours.keras")
    assert keras.models.load_model(tmp_path / "ours.keras").layers[1].rate == 0.5
    with_dropout(keras).save(tmp_path / "theirs.keras")
    assert minicnn.models.load_model(tmp_path / "theirs.keras").layers[1].seed == 3


@pytest.mark.parametrize("name", MODELS)
def test_json_goes_both_ways_and_clones(keras, name):
    ours = MODELS[name](minicnn)
    theirs = keras.models.model_from_json(ours.to_json())
    assert [w.shape for w in theirs.weights] == [w.shape for w in ours.weights]
    again = minicnn.models.model_from_json(MODELS[name](keras).to_json())
    clone = minicnn.models.clone_model(ours)
    for model in (again, clone):
        assert [w.shape for w in model.weights] == [w.shape for w in ours.weights]
        model.set_weights(ours.get_weights())
        np.testing.assert_array_equal(model.predict(X, verbose=0), ours.predict(X, verbose=0))


@pytest.mark.parametrize("ending", FORMATS)
def test_float64_models_stay_exact(tmp_path, ending):
    minicnn.config.set_floatx("float64")
    ours = compiled(minicnn, row(minicnn))
    trained(ours)
    ours.save(tmp_path / f"model{ending}")
    again = minicnn.models.load_model(tmp_path / f"model{ending}")
    for one, other in zip(again.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert trained(again) == pytest.approx(trained(ours), abs=1e-12)


class Scale(layers.Layer):
    """A layer of one's own."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def forward(self, x, training=False, need_saved=True):
        return x * self.factor, None

    def backward(self, dy, saved, need_dx=True):
        return dy * self.factor


def test_layers_of_ones_own_are_given_by_name(tmp_path):
    model = minicnn.Sequential([layers.Input((3,)), Scale(2.0), layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"'Scale'.*custom_objects"):
        minicnn.models.load_model(tmp_path / "model.keras")
    again = minicnn.models.load_model(tmp_path / "model.keras", custom_objects={"Scale": Scale})
    x = normal(4, 3, dtype=np.float32)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    with minicnn.utils.custom_object_scope({"Scale": Scale}):
        minicnn.models.load_model(tmp_path / "model.keras")


@minicnn.utils.register_keras_serializable("mine")
class Dense(layers.Dense):
    """A layer of one's own with the name of one of minicnn's."""

    def forward(self, x, training=False, need_saved=True, **options):
        y, saved = super().forward(x, training, need_saved, **options)
        return y * 100, saved


def test_registered_classes_are_found_and_never_mistaken_for_others(keras, tmp_path):
    model = minicnn.Sequential([layers.Input((3,)), Dense(2)])
    model.save(tmp_path / "model.keras")
    again, x = minicnn.models.load_model(tmp_path / "model.keras"), normal(4, 3, dtype=np.float32)
    assert type(again.layers[0]) is Dense
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert type(minicnn.models.clone_model(model).layers[0]) is Dense

    @keras.utils.register_keras_serializable("theirs")
    class Conv2D(keras.layers.Conv2D):
        pass

    keras.Sequential([keras.layers.Input((8, 8, 2)), Conv2D(2, 3)]).save(tmp_path / "theirs.keras")
    with pytest.raises(ValueError, match="'theirs>Conv2D'"):
        minicnn.models.load_model(tmp_path / "theirs.keras")


@pytest.mark.parametrize("ending", FORMATS)
def test_how_keras_compiles_is_understood(keras, tmp_path, ending):
    """A model compiled and not trained, with losses and metrics as objects; one trained, then partly frozen."""
    theirs = with_dropout(keras)
    theirs.compile("adam", keras.losses.CategoricalCrossentropy(), metrics=[keras.metrics.CategoricalAccuracy()])
    theirs.save(tmp_path / f"compiled{ending}")
    ours = minicnn.models.load_model(tmp_path / f"compiled{ending}")
    assert type(ours.loss).__name__ == "CategoricalCrossentropy" and ours.optimizer.iterations == 0
    theirs = compiled(keras, row(keras))
    trained(theirs)
    theirs.layers[0].trainable = False
    theirs.save(tmp_path / f"frozen{ending}")
    ours = minicnn.models.load_model(tmp_path / f"frozen{ending}")
    assert_close(ours.predict(X, verbose=0), np.asarray(theirs.predict(X, verbose=0)), 1e-5)


@pytest.mark.parametrize("ending", FORMATS)
def test_frozen_models_within_models_go_both_ways(keras, tmp_path, ending):
    def made(k):
        inner = k.Sequential([k.layers.Input((8, 8, 2)), k.layers.Conv2D(2, 1), k.layers.BatchNormalization(),
                              k.layers.Conv2D(2, 1), k.layers.BatchNormalization()])  # fmt: skip
        inner.layers[1].trainable = False
        return k.Sequential([k.layers.Input((8, 8, 2)), inner, k.layers.SpatialDropout2D(0.5), k.layers.Flatten()])

    ours, theirs = made(minicnn), made(keras)
    for model in (ours, theirs):
        model.set_weights([normal(*w.shape, seed=i, dtype=np.float32) ** 2 for i, w in enumerate(model.get_weights())])
    theirs.save(tmp_path / f"theirs{ending}")
    loaded = minicnn.models.load_model(tmp_path / f"theirs{ending}")
    assert_close(loaded.predict(X, verbose=0), np.asarray(theirs.predict(X, verbose=0)), 1e-5)
    ours.save(tmp_path / f"ours{ending}")
    again = keras.models.load_model(tmp_path / f"ours{ending}")
    assert_close(np.asarray(again.predict(X, verbose=0)), ours.predict(X, verbose=0), 1e-5)


def test_a_model_of_one_symbol_stays_one_in_keras(keras, tmp_path):
    graph(minicnn).save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras")
    longer = keras.Model(theirs.input, keras.layers.Dense(2)(theirs.output))
    assert longer.output.shape == (None, 2)


def test_dropout_goes_on_with_the_next_mask(tmp_path):
    model = with_dropout(minicnn)
    model.compile("sgd", minicnn.losses.SparseCategoricalCrossentropy(from_logits=True))
    trained(model)
    model.save(tmp_path / "model.keras")
    assert trained(minicnn.models.load_model(tmp_path / "model.keras")) == trained(model)


def mean_of_predictions(y_true, y_pred):
    return y_pred.mean(axis=-1)


class LargestPrediction(minicnn.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_pred.max(axis=-1))


def test_metrics_of_ones_own_are_given_by_name(tmp_path):
    model = row(minicnn)
    model.compile(
        "sgd", "sparse_categorical_crossentropy", metrics=[mean_of_predictions, LargestPrediction(name="most")]
    )
    expected = model.evaluate(X, Y, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    known = {"mean_of_predictions": mean_of_predictions, "LargestPrediction": LargestPrediction}
    again = minicnn.models.load_model(tmp_path / "model.keras", custom_objects=known)
    assert again.evaluate(X, Y, verbose=0, return_dict=True) == expected


def test_an_optimizer_whose_state_does_not_fit_starts_anew(tmp_path, capsys):
    ours = compiled(minicnn, row(minicnn))
    trained(ours)
    ours.save_weights(tmp_path / "adam.weights.h5")
    other = compiled(minicnn, row(minicnn), "momentum")
    other.load_weights(tmp_path / "adam.weights.h5")
    assert "'SGD' starts anew" in capsys.readouterr().out and other.optimizer.iterations == 0
    np.testing.assert_array_equal(other.get_weights()[0], ours.get_weights()[0])


# What goes wrong


@pytest.mark.parametrize("ending", FORMATS)
def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch, ending):
    model, file = row(minicnn), tmp_path / f"model{ending}"
    model.save(file)
    before = file.read_bytes()
    module = archive if ending == ".keras" else legacy_h5

    def interrupted(path, *arguments):
        with open(path, "wb") as half:
            half.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.save(file)
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_names_and_places_are_checked(tmp_path):
    model = row(minicnn)
    with pytest.raises(ValueError, match=r"\.keras, \.h5, \.hdf5; received .*model\.pkl"):
        model.save(tmp_path / "model.pkl")
    with pytest.raises(FileNotFoundError, match="no folder"):
        model.save(tmp_path / "nowhere" / "model.keras")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        minicnn.models.load_model(tmp_path / "missing.keras")
    model.save(tmp_path / "model.keras")
    with pytest.raises(FileExistsError):
        model.save(tmp_path / "model.keras", overwrite=False)
    with pytest.raises(ValueError, match="no weights yet"):
        minicnn.Sequential([layers.Dense(2)]).save(tmp_path / "unbuilt.keras")


@pytest.mark.parametrize("ending", [".weights.h5", ".h5"])
def test_weights_that_do_not_fit_change_nothing(tmp_path, ending):
    model, other = row(minicnn), graph(minicnn)
    other.save_weights(tmp_path / f"other{ending}")
    before = model.get_weights()
    with pytest.raises(ValueError, match="weights"):
        model.load_weights(tmp_path / f"other{ending}")
    for one, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, kept)
    wider = minicnn.Sequential([layers.Input((8, 8, 2)), layers.Flatten(), layers.Dense(4, name="a"), layers.Dense(3)])
    narrow = minicnn.Sequential([layers.Input((8, 8, 2)), layers.Flatten(), layers.Dense(5, name="a"), layers.Dense(3)])
    wider.save_weights(tmp_path / f"wider{ending}")
    with pytest.raises(ValueError, match=r"'a' do not fit"):
        narrow.load_weights(tmp_path / f"wider{ending}")
    narrow.load_weights(tmp_path / f"wider{ending}", skip_mismatch=True)


def test_old_files_can_be_taken_by_name(tmp_path):
    def model(units, name):
        return minicnn.Sequential([layers.Input((4,)), layers.Dense(3, name="a"), layers.Dense(units, name=name)])

    first, second = model(2, "b"), model(5, "c")
    first.save_weights(tmp_path / "first.h5")
    second.load_weights(tmp_path / "first.h5", by_name=True)
    np.testing.assert_array_equal(second.layers[0].get_weights()[0], first.layers[0].get_weights()[0])


# Hostile files


def rewritten(file, change):
    """The .keras file with its configuration changed."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


ATTACKS = {
    "a callable as a layer": lambda c: c["config"]["layers"].append(
        {"module": "os", "class_name": "system", "config": {"command": "touch hacked"}, "registered_name": None}
    ),
    "a function of a module": lambda c: c["config"]["layers"].append(
        {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
    ),
    "a Lambda with code": lambda c: c["config"]["layers"].append(
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {
            "class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None, "closure": None}}}}
    ),
    "a callable as an activation": lambda c: c["config"]["layers"][1]["config"].update(
        activation={"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}
    ),
    "a callable as an initializer": lambda c: c["config"]["layers"][1]["config"].update(
        kernel_initializer={"module": "subprocess", "class_name": "Popen", "config": {"args": "touch hacked"}}
    ),
    "a callable as the model": lambda c: c.update(module="subprocess", class_name="run", config={"args": ["id"]}),
    "a layer that opens files": lambda c: c["config"]["layers"].append(
        {"module": "keras.layers", "class_name": "TextVectorization", "config": {"vocabulary": "/etc/passwd"}}
    ),
    "a callable as the loss": lambda c: c.update(compile_config={
        "optimizer": "adam", "loss": {"module": "os", "class_name": "function", "config": "system"}, "metrics": None}),
    "a callable as the optimizer": lambda c: c.update(compile_config={
        "optimizer": {"module": "os", "class_name": "system", "config": {"command": "id"}}, "loss": "mse"}),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_configuration_runs_no_code(tmp_path, monkeypatch, attack):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "model.keras"
    row(minicnn).save(file)
    rewritten(file, attack)
    with pytest.raises(ValueError):
        minicnn.models.load_model(file)
    assert list(tmp_path.iterdir()) == [file]


def test_a_weights_file_opens_no_other_file(tmp_path):
    model = minicnn.Sequential([layers.Input((4,)), layers.Dense(3, use_bias=False)])
    secret, file = tmp_path / "secret.h5", tmp_path / "model.weights.h5"
    with h5py.File(secret, "w") as h5:
        h5["0"] = np.ones((4, 3), np.float32)
    for put in (
        lambda group: group.__setitem__("0", h5py.ExternalLink("secret.h5", "0")),
        lambda group: group.__setitem__("0", h5py.SoftLink("/elsewhere")),
        lambda group: group.create_dataset("0", (4, 3), "f4", external=[(str(secret), 0, 48)]),
        lambda group: group.file.__setitem__("model_weights", h5py.ExternalLink("secret.h5", "/")),
    ):
        with h5py.File(file, "w") as h5:
            put(h5.create_group("layers/dense/vars"))
        with pytest.raises(ValueError, match=r"elsewhere|another file"):
            model.load_weights(file)


def test_claims_of_enormous_sizes_are_refused(tmp_path):
    model = minicnn.Sequential([layers.Input((4,)), layers.Dense(3, use_bias=False)])
    with h5py.File(tmp_path / "huge.weights.h5", "w") as h5:
        h5.create_dataset("layers/dense/vars/0", (1 << 20, 1 << 16), "f4", chunks=(1024, 1024))
    with pytest.raises(ValueError, match="claims to hold"):
        model.load_weights(tmp_path / "huge.weights.h5")
    with h5py.File(tmp_path / "attribute.h5", "w", libver="latest") as h5:
        h5.attrs.create("layer_names", np.zeros(5 << 20, "S8"))
    with pytest.raises(ValueError, match="attribute 'layer_names' claims to hold 41943040 bytes"):
        model.load_weights(tmp_path / "attribute.h5")
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"0" * (200 << 20))
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(ValueError, match="claims to hold"):
        minicnn.models.load_model(tmp_path / "bomb.keras")


@pytest.mark.parametrize("ending", FORMATS)
def test_a_heap_that_never_ends_is_told(tmp_path, ending):
    """Objects of no size, through which the HDF5 library would walk forever."""
    file = tmp_path / f"model{ending}"
    minicnn.Sequential([layers.Input((3,)), layers.Dense(2)]).save(file)
    content = file.read_bytes()
    first = content.index(b"GCOL\x01") + 16
    file.write_bytes(content[:first] + bytes(16) + content[first + 16 :])
    if ending == ".keras":  # the zip's own sum would tell as well
        with zipfile.ZipFile(tmp_path / "again.keras", "w") as archive, zipfile.ZipFile(io.BytesIO(content)) as old:
            for name in old.namelist():
                part = old.read(name)
                heap = part.find(b"GCOL\x01") + 16
                archive.writestr(name, part if heap < 16 else part[:heap] + bytes(16) + part[heap + 16 :])
        file = tmp_path / "again.keras"
    with pytest.raises(ValueError, match="its heap of texts is damaged"):
        minicnn.models.load_model(file)


@pytest.mark.parametrize("ending", FORMATS)
def test_broken_files_are_told(tmp_path, ending):
    """A thousand files with changed, missing and added bytes: each loads, or is a ValueError."""
    file = tmp_path / f"model{ending}"
    model = minicnn.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.save(file)
    versions, chance = [file.read_bytes()], random.Random(0)
    refused = 0
    packed = tmp_path / "packed.zip"
    if ending == ".keras":  # the same, compressed in the three ways of zip
        for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            with zipfile.ZipFile(file) as old, zipfile.ZipFile(packed, "w", method) as new:
                for name in old.namelist():
                    new.writestr(name, old.read(name))
            versions.append(packed.read_bytes())
    for i in range(1000):
        content = bytearray(versions[i % len(versions)])
        kind = chance.randrange(4)
        if kind == 0:
            content = content[: chance.randrange(len(content))]
        elif kind == 1:
            start = chance.randrange(len(content))
            del content[start : start + chance.randrange(1, 64)]
        else:
            for _ in range(chance.choice([1, 1, 4, 32])):
                content[chance.randrange(len(content))] = chance.randrange(256)
        file.write_bytes(content)
        try:
            minicnn.models.load_model(file)
        except ValueError:
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_short_names_of_metrics_stay_in_the_logs(tf, tmp_path, ending):
    model = minicnn.Sequential([minicnn.Input((3,)), minicnn.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae", "kld"])
    x, y = np.ones((4, 3)), np.ones((4, 1))
    names = {"loss", "mae"}
    assert names < set(model.evaluate(x, y, verbose=0, return_dict=True))
    model.save(tmp_path / f"model{ending}")
    assert names < set(
        minicnn.models.load_model(tmp_path / f"model{ending}").evaluate(x, y, verbose=0, return_dict=True)
    )
    theirs = tf.keras.models.load_model(tmp_path / f"model{ending}").evaluate(x, y, verbose=0, return_dict=True)
    assert len(theirs) == 3 and (ending == ".h5" or names < set(theirs))  # an .h5 of Keras's forgets them as well
