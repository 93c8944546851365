"""Models in files: Keras reads minicnn's files, minicnn reads Keras's files, and unknown classes are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from helpers import assert_close, normal
from saved_models import FORMATS, MODELS, X, Y, graph, row

import minicnn
from minicnn import layers


@pytest.fixture
def keras(tf):
    """Keras itself, from TensorFlow."""
    return tf.keras


def with_dropout(k):
    return k.Sequential([
        k.layers.Input((8, 8, 2)), k.layers.Flatten(), k.layers.Dropout(0.5, seed=3), k.layers.Dense(3),
    ])  # fmt: skip


def compiled(k, model, optimizer="adam"):
    make = {
        "adam": lambda: k.optimizers.Adam(0.01), "amsgrad": lambda: k.optimizers.Adam(0.01, amsgrad=True),
        "momentum": lambda: k.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        "rmsprop": lambda: k.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        "adagrad": lambda: k.optimizers.Adagrad(0.05), "adadelta": lambda: k.optimizers.Adadelta(1.0),
        "adamax": lambda: k.optimizers.Adamax(0.01), "nadam": lambda: k.optimizers.Nadam(0.01),
        "lamb": lambda: k.optimizers.Lamb(0.01), "lion": lambda: k.optimizers.Lion(0.001),
        "ftrl": lambda: k.optimizers.Ftrl(0.05),
        "adafactor": lambda: k.optimizers.Adafactor(0.05), "muon": lambda: k.optimizers.Muon(0.01),
        "loss scale": lambda: k.optimizers.LossScaleOptimizer(k.optimizers.Adam(0.01), dynamic_growth_steps=5),
        "average": lambda: k.optimizers.SGD(0.05, momentum=0.9, use_ema=True, ema_momentum=0.8),
        "accumulation": lambda: k.optimizers.Nadam(0.01, gradient_accumulation_steps=4, use_ema=True),
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
    else:  # from .h5 files Keras 3.15 starts with a new optimizer
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


STATES = (
    "amsgrad", "momentum", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "lamb", "lion", "ftrl", "average",
    "accumulation", "adafactor", "muon", "loss scale",
)  # fmt: skip


@pytest.mark.parametrize("optimizer", STATES)
def test_the_state_of_every_optimizer_goes_both_ways(keras, tmp_path, optimizer):
    ours = compiled(minicnn, row(minicnn), optimizer)
    trained(ours)
    ours.save(tmp_path / "ours.keras")
    theirs = keras.models.load_model(tmp_path / "ours.keras")
    assert_close(trained(theirs), trained(ours), 1e-3)
    endings = [".keras"] if optimizer == "adafactor" else FORMATS  # Keras itself cannot save Adafactor in .h5
    for ending in endings:
        theirs.save(tmp_path / f"theirs{ending}")
    more = trained(theirs)
    for ending in endings:
        again = minicnn.models.load_model(tmp_path / f"theirs{ending}")
        assert again.optimizer.iterations * (again.optimizer.gradient_accumulation_steps or 1) == 12
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
    """A user's layer."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def forward(self, x, training=False, need_saved=True):
        return x * self.factor, None

    def backward(self, dy, saved, need_dx=True):
        return dy * self.factor


def test_a_users_layers_are_given_by_name(tmp_path):
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
    """A user's layer with the name of a layer of minicnn."""

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
    """A model that is compiled with loss and metric objects and not trained, and one that is trained, then frozen."""
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


def test_a_users_metrics_are_given_by_name(tmp_path):
    model = row(minicnn)
    model.compile(
        "sgd", "sparse_categorical_crossentropy", metrics=[mean_of_predictions, LargestPrediction(name="most")]
    )
    expected = model.evaluate(X, Y, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    known = {"mean_of_predictions": mean_of_predictions, "LargestPrediction": LargestPrediction}
    again = minicnn.models.load_model(tmp_path / "model.keras", custom_objects=known)
    assert again.evaluate(X, Y, verbose=0, return_dict=True) == expected


def test_an_optimizer_whose_state_does_not_fit_starts_again(tmp_path, capsys):
    ours = compiled(minicnn, row(minicnn))
    trained(ours)
    ours.save_weights(tmp_path / "adam.weights.h5")
    other = compiled(minicnn, row(minicnn), "momentum")
    other.load_weights(tmp_path / "adam.weights.h5")
    assert "'sgd' starts from the beginning" in capsys.readouterr().out and other.optimizer.iterations == 0
    np.testing.assert_array_equal(other.get_weights()[0], ours.get_weights()[0])


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
    assert len(theirs) == 3 and (ending == ".h5" or names < set(theirs))  # Keras's .h5 files lose these names too


def doubled(x):
    return 2 * x


@pytest.mark.parametrize("function", [doubled, lambda x: 2 * x], ids=["named", "lambda"])
@pytest.mark.parametrize("writer", ["minicnn", "keras"])
def test_the_function_of_a_lambda_layer_is_given_when_a_file_is_loaded(keras, tmp_path, writer, function):
    k = minicnn if writer == "minicnn" else keras
    k.Sequential([k.layers.Input((3,)), k.layers.Lambda(function)]).save(tmp_path / "model.keras")
    x = normal(2, 3, dtype=np.float32)
    again = minicnn.models.load_model(tmp_path / "model.keras", custom_objects={function.__name__: function})
    np.testing.assert_array_equal(again.predict(x, verbose=0), 2 * x)
    with pytest.raises(ValueError, match=rf"custom_objects={{'{function.__name__}': function}}"):
        minicnn.models.load_model(tmp_path / "model.keras")


def test_a_folder_with_the_members_of_the_zip(keras, tmp_path):
    for writer, reader in ((minicnn, keras), (keras, minicnn), (minicnn, minicnn)):
        model, folder = compiled(writer, row(writer)), tmp_path / f"of_{writer.__name__.split('.')[0]}"
        model.fit(X, Y, epochs=1, verbose=0)
        writer.models.save_model(model, folder, zipped=False)
        again = reader.models.load_model(folder)
        assert_close(again.predict(X, verbose=0), model.predict(X, verbose=0), 1e-5)
        assert int(np.asarray(again.optimizer.iterations)) == int(np.asarray(model.optimizer.iterations)) > 0


def test_an_open_file(keras, tmp_path):
    model, file = compiled(minicnn, row(minicnn)), io.BytesIO()
    model.save(file)
    file.seek(0)
    assert_close(minicnn.models.load_model(file).predict(X, verbose=0), model.predict(X, verbose=0), 1e-6)
    (tmp_path / "model.keras").write_bytes(file.getvalue())
    assert_close(keras.models.load_model(tmp_path / "model.keras").predict(X, verbose=0), model(X), 1e-5)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_model_that_is_not_built_is_saved_without_weights(keras, tmp_path, ending):
    model = minicnn.Sequential([layers.Dense(3, activation="relu"), layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="has no weights yet, and is saved without them"):
        model.save(tmp_path / f"unbuilt{ending}")
    for k in (minicnn, keras) if ending == ".keras" else (minicnn,):
        again = k.models.load_model(tmp_path / f"unbuilt{ending}")
        assert not again.built and again.compiled and [layer.units for layer in again.layers] == [3, 2]
        again.fit(np.ones((4, 5)), np.ones((4, 2)), verbose=0)


def test_older_formats_make_their_folder(tmp_path):
    model = row(minicnn)
    model.save(tmp_path / "a" / "b" / "model.h5")
    assert_close(minicnn.models.load_model(tmp_path / "a" / "b" / "model.h5").predict(X, verbose=0), model(X), 1e-6)


def test_the_optimizer_remembers_weights_without_gradients_too(keras):
    found = []
    for k in (minicnn, keras):
        inputs = k.Input((3,))
        used, unused = k.layers.Dense(2, name="used"), k.layers.Dense(4, name="unused")
        model = k.Model(inputs, [used(inputs), unused(inputs)])
        model.compile("adam", ["mse", None])
        model.fit(np.ones((4, 3)), [np.ones((4, 2)), np.ones((4, 4))], verbose=0)
        found.append([tuple(v.shape) for v in model.optimizer.variables])
    assert found[0] == found[1]
