"""Bad input raises an error that shows the received value, before anything has changed."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import labels, normal

import minicnn
from minicnn import (
    activations,
    backend,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)  # fmt: skip

X, Y = normal(12, 6, 5, 1, dtype=np.float32), labels(12, classes=3)


def model(loss="sparse_categorical_crossentropy", metrics=("acc",)):
    made = minicnn.Sequential([
        layers.Input((6, 5, 1)), layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    made.compile("adam", loss, metrics=list(metrics))
    return made


def one_hot():
    return np.eye(3)[Y]


CONSTRUCTION = {  # {what is wrong: (the call, what its error says)}
    "filters=0": (lambda: layers.Conv2D(0, 3), "filters must be a positive integer; received filters=0"),
    "filters=2.5": (lambda: layers.Conv2D(2.5, 3), r"received filters=2\.5"),
    "kernel_size=-1": (lambda: layers.Conv2D(4, -1), "kernel_size must be a positive integer or a pair"),
    "kernel_size of three": (lambda: layers.Conv2D(4, (3, 3, 3)), r"received kernel_size=\(3, 3, 3\)"),
    "strides=0": (lambda: layers.Conv2D(4, 3, strides=0), "strides must be .*received strides=0"),
    "padding='sane'": (lambda: layers.Conv2D(4, 3, padding="sane"), "padding must be one of 'valid', 'same'; received padding='sane'"),
    "channels_first": (lambda: layers.Conv2D(4, 3, data_format="channels_first"), r"\(N, H, W, C\).*received data_format='channels_first'"),
    "channels_first pool": (lambda: layers.MaxPooling2D(data_format="channels_first"), "channels_last"),
    "strides with dilation": (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), "cannot both be larger than 1"),
    "groups": (lambda: layers.Conv2D(4, 3, groups=3), "filters must be divisible by groups; received filters=4, groups=3"),
    "units=0": (lambda: layers.Dense(0), "units must be a positive integer; received units=0"),
    "rate=1.5": (lambda: layers.Dropout(1.5), r"rate must be a number from 0 to 1; received rate=1\.5"),
    "pool_size=0": (lambda: layers.MaxPooling2D(0), "pool_size must be"),
    "depth_multiplier": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "received depth_multiplier=0"),
    "padding of three": (lambda: layers.ZeroPadding2D((1, 2, 3)), r"received padding=\(1, 2, 3\)"),
    "two -1": (lambda: layers.Reshape((-1, -1)), "at most one -1"),
    "target_shape of floats": (lambda: layers.Reshape((2.0, 3)), r"received \(2\.0, 3\)"),
    "epsilon=0": (lambda: layers.BatchNormalization(epsilon=0), "epsilon must be positive"),
    "negative_slope": (lambda: layers.LeakyReLU(negative_slope=-1), "negative_slope must be zero or more"),
    "unknown argument": (lambda: layers.Conv2D(4, 3, stride=2), "Conv2D has no argument 'stride'.*Did you mean 'strides'"),
    "unknown activation": (lambda: layers.Dense(3, activation="relo"), "Unknown activation 'relo'. Did you mean 'relu'"),
    "unknown initializer": (lambda: layers.Dense(3, kernel_initializer="he_normol"), "Unknown initializer 'he_normol'.*'he_normal'"),
    "unknown regularizer": (lambda: layers.Dense(3, kernel_regularizer="l3"), "Unknown regularizer 'l3'"),
    "a number as regularizer": (lambda: layers.Dense(3, kernel_regularizer=0.01), "A regularizer is a name.*received 0.01"),
    "l2 < 0": (lambda: regularizers.L2(-1), "l2 must be a number, zero or more; received l2=-1"),
    "input of size 0": (lambda: layers.Input((0, 3)), "must hold positive integers"),
    "input of a string": (lambda: layers.Input(("a",)), "must hold positive integers"),
    "float16": (lambda: layers.Dense(3, dtype="float16"), "float32 or float64; received dtype='float16'"),
    "name=3": (lambda: layers.Dense(3, name=3), "A layer's name is a string; received name=3"),
    "add a function": (lambda: minicnn.Sequential([len]), "Only layers can be added"),
    "two layers of a name": (
        lambda: minicnn.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")]), "'a' already; names must be unique",
    ),
    "kernel larger than input": (
        lambda: minicnn.Sequential([layers.Input((4, 4, 1)), layers.Conv2D(1, 5)]), r"covers 5 x 5 cells does not fit an image of 4 x 4",
    ),
    "pool larger than input": (
        lambda: minicnn.Sequential([layers.Input((4, 4, 1)), layers.MaxPooling2D(5)]), "does not fit an image of 4 x 4",
    ),
    "dense on an unknown size": (lambda: layers.Dense(2)(layers.Input((None,))), "with a known last size"),
    "shapes that do not merge": (
        lambda: layers.Add()([layers.Input((3,)), layers.Input((4,))]), r"cannot merge inputs of shapes \(None, 3\), \(None, 4\)",
    ),
    "one input to merge": (lambda: layers.Concatenate()([layers.Input((3,))]), "at least two inputs"),
    "two inputs to one": (lambda: layers.Dense(3)([layers.Input((3,)), layers.Input((3,))]), "takes one input; received 2"),
    "reshape that does not fit": (lambda: layers.Reshape((5,))(layers.Input((4,))), "cannot reshape 4 numbers"),
    "an input that is not the model's": (
        lambda: minicnn.Model(layers.Input((3,)), layers.Dense(2)(layers.Input((3,)))), "depends on the input 'input_layer",
    ),
    "model of arrays": (lambda: minicnn.Model(np.ones(3), np.ones(3)), "takes symbols as inputs"),
    "learning_rate": (lambda: optimizers.Adam(-1), "learning_rate must be a number, zero or more; received learning_rate=-1"),
    "learning_rate='fast'": (lambda: optimizers.SGD("fast"), "received learning_rate='fast'"),
    "momentum": (lambda: optimizers.SGD(momentum="0.9"), "received momentum='0.9'"),
    "beta_1=1": (lambda: optimizers.Adam(beta_1=1.0), "beta_1 must be a number from 0 to below 1"),
    "two clippings": (lambda: optimizers.SGD(clipnorm=1, clipvalue=1), "Only one of clipnorm"),
    "unknown optimizer": (lambda: optimizers.get("adm"), "Unknown optimizer 'adm'. Did you mean 'adam'"),
    "unknown loss": (lambda: losses.get("mean_square_error"), "Did you mean 'mean_squared_error'"),
    "a number as loss": (lambda: losses.get(5), "received 5"),
    "unknown metric": (lambda: metrics.get("acuracy"), "Unknown metric 'acuracy'. Did you mean 'accuracy'"),
    "unknown backend": (lambda: backend.set_backend("cuba"), "Unknown backend 'cuba'"),
    "reduction": (lambda: losses.MeanSquaredError(reduction="max"), "received 'max'"),
    "mode": (lambda: callbacks.EarlyStopping(mode="best"), "received mode='best'"),
    "seed": (lambda: utils.set_random_seed(-1), "A seed is an integer, zero or more; received seed=-1"),
    "labels out of range": (lambda: utils.to_categorical([0, 3], 3), "Labels must be from 0 to 2; received labels from 0 to 3"),
    "labels that are halves": (lambda: utils.to_categorical([0.5]), "whole numbers"),
    "initializer": (lambda: initializers.get(3), "received 3 of type int"),
    "activation that is a number": (lambda: activations.get(3), "a name, a function or a layer; received 3"),
    "floatx": (lambda: minicnn.config.set_floatx("int8"), "received dtype='int8'"),
}  # fmt: skip


@pytest.mark.parametrize("what", CONSTRUCTION)
def test_construction(what):
    action, sentence = CONSTRUCTION[what]
    with pytest.raises((ValueError, TypeError), match=sentence):
        action()


CALLS = {
    "wrong rank": (lambda m: m.fit(X[0, 0, 0], Y), "samples|shape"),
    "too many axes": (lambda m: m.predict(np.zeros((2, 6, 5, 1, 2))), r"takes inputs of shape \(None, 6, 5, 1\); received shape \(None, 6, 5, 1, 2\)"),
    "wrong channels": (lambda m: m.fit(np.zeros((12, 6, 5, 3)), Y), r"\(None, 6, 5, 1\); received shape \(None, 6, 5, 3\)"),
    "wrong size": (lambda m: m.predict(np.zeros((2, 7, 5, 1))), r"received shape \(None, 7, 5, 1\)"),
    "label too large": (lambda m: m.fit(X, Y + 1), "labels must be from 0 to 2; received labels from 1 to 3"),
    "label negative": (lambda m: m.evaluate(X, Y - 1), "received labels from -1 to 1"),
    "label NaN": (lambda m: m.fit(X, np.where(Y == 1, np.nan, Y)), "labels must be from 0 to 2"),
    "label one half": (lambda m: m.fit(X, Y * 0.5), r"whole numbers; received .*0\.5"),
    "one-hot for sparse": (lambda m: m.fit(X, one_hot()), "For one-hot targets use categorical_crossentropy"),
    "lengths": (lambda m: m.fit(X, Y[:5]), "received 12 samples in x and 5 in y"),
    "lengths of weights": (lambda m: m.fit(X, Y, sample_weight=np.ones(5)), "12 samples in x and 5 in sample_weight"),
    "weights of a strange shape": (lambda m: m.fit(X, Y, sample_weight=np.ones((12, 7))), r"Sample weights of shape \(12, 7\)"),
    "empty": (lambda m: m.fit(X[:0], Y[:0]), r"x is empty: received an array of shape \(0, 6, 5, 1\)"),
    "empty predict": (lambda m: m.predict(X[:0]), "x is empty"),
    "strings": (lambda m: m.predict(np.array([["a"]])), "x must hold numbers; received an array of type <U1"),
    "None": (lambda m: m.fit(None, Y), "x must hold numbers; received an array of type object"),
    "ragged": (lambda m: m.fit(X, [Y[:3], Y[:4]]), "y|inhomogeneous"),
    "no targets": (lambda m: m.fit(X), r"fit needs targets: call fit\(x, y\)"),
    "batch_size=0": (lambda m: m.fit(X, Y, batch_size=0), "batch_size must be a positive integer; received batch_size=0"),
    "batch_size=2.5": (lambda m: m.predict(X, batch_size=2.5), r"received batch_size=2\.5"),
    "epochs=-1": (lambda m: m.fit(X, Y, epochs=-1), "epochs must be an integer, zero or more; received epochs=-1"),
    "initial_epoch": (lambda m: m.fit(X, Y, initial_epoch=1.5), r"initial_epoch must be an integer, zero or more; received initial_epoch=1\.5"),
    "validation_split=1": (lambda m: m.fit(X, Y, validation_split=1.0), "validation_split must be between 0 and 1"),
    "validation_split of little": (lambda m: m.fit(X, Y, validation_split=0.999), "leaves no samples for training or for validation"),
    "validation_data": (lambda m: m.fit(X, Y, validation_data=X), r"validation_data must be \(x, y\)"),
    "validation_data of three axes": (lambda m: m.fit(X, Y, validation_data=(X[..., 0][..., :2], Y)), "received shape"),
    "validation labels": (lambda m: m.fit(X, Y, validation_data=(X, Y + 1)), "received labels from 1 to 3"),
    "validation without targets": (lambda m: m.fit(X, Y, validation_data=(X, None)), "needs targets"),
    "validation_freq=0": (lambda m: m.fit(X, Y, validation_data=(X, Y), validation_freq=0), "validation_freq must be"),
    "validation_batch_size=0": (lambda m: m.fit(X, Y, validation_data=(X, Y), validation_batch_size=0), "received batch_size=0"),
    "class_weight": (lambda m: m.fit(X, Y, class_weight={0: np.nan}), "class_weight must hold finite numbers"),
    "verbose=3": (lambda m: m.fit(X, Y, verbose=3), 'verbose must be 0, 1, 2 or "auto"; received verbose=3'),
    "verbose=None": (lambda m: m.fit(X, Y, verbose=None), "received verbose=None"),
    "callbacks": (lambda m: m.fit(X, Y, callbacks=[print]), "must be minicnn.callbacks.Callback objects"),
    "weights": (lambda m: m.set_weights([np.zeros((2, 2))]), "has 8 weights; received 1 arrays"),
    "weights of a wrong shape": (lambda m: m.set_weights([w[..., :1] for w in m.get_weights()]), r"has shape \(3, 3, 1, 2\); received"),
    "weights of letters": (lambda m: m.set_weights([*m.get_weights()[:-1], np.array(["a", "b", "c"])]), "could not convert"),
    "weight of a wrong shape": (lambda m: m.layers[0].kernel.assign(np.zeros(3)), r"received an array of shape \(3,\)"),
    "compile with a wrong metric": (lambda m: m.compile("sgd", "mse", metrics=["akkuracy"]), "Did you mean 'accuracy'"),
    "compile with a wrong loss": (lambda m: m.compile("sgd", "mze"), "Unknown loss 'mze'"),
    "gradient_check without a loss": (lambda m: utils.gradient_check(layers.Dense(3), np.ones((2, 2)), np.ones((2, 3))), "needs a loss"),
    "train_on_batch": (lambda m: m.train_on_batch(X, Y + 5), "received labels from 5 to 7"),
}  # fmt: skip


@pytest.mark.parametrize("what", CALLS)
def test_calls_change_nothing(what):
    action, sentence = CALLS[what]
    made = model()
    made.fit(X, Y, verbose=0)
    before = [w.copy() for w in made.get_weights()], made.optimizer, made.loss, made.optimizer.iterations
    with pytest.raises((ValueError, TypeError), match=sentence):
        action(made)
    for one, other in zip(made.get_weights(), before[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert (made.optimizer, made.loss, made.optimizer.iterations) == before[1:]
    assert np.isfinite(made.fit(X, Y, verbose=0).history["loss"]).all(), "the model is as usable as before"


def test_before_compile():
    made = minicnn.Sequential([layers.Input((2,)), layers.Dense(3)])
    for call in (made.fit, made.evaluate, made.train_on_batch, made.test_on_batch):
        with pytest.raises(RuntimeError, match=r"Call compile\(optimizer, loss\) before"):
            call(np.ones((2, 2)), np.ones((2, 3)))
    made.compile("adam")
    with pytest.raises(ValueError, match="has no loss: give one"):
        made.fit(np.ones((2, 2)), np.ones((2, 3)))
    assert made.metrics_names == ["loss"]


def test_models_without_layers_or_weights():
    with pytest.raises(ValueError, match="has no layers"):
        minicnn.Sequential().predict(np.ones((2, 2)), verbose=0)
    with pytest.raises(ValueError, match="has no weights yet"):
        minicnn.Sequential([layers.Dense(3)]).count_params()
    with pytest.raises(TypeError, match="Model needs inputs and outputs"):
        minicnn.Model()
    with pytest.raises(ValueError, match="has no layer to remove"):
        minicnn.Sequential().pop()
    with pytest.raises(AttributeError, match="does not know its shapes yet: build it"):
        _ = minicnn.Sequential([layers.Dense(3)]).output_shape

    class Empty(minicnn.Model):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty does not define forward: .* or define call"):
        Empty().predict(np.ones((2, 2)), verbose=0)

    class Nothing(minicnn.Model):
        def call(self, x):
            pass

    with pytest.raises(ValueError, match="call of 'nothing' must return what it computes; it returned None"):
        Nothing().predict(np.ones((2, 2)), verbose=0)


def test_losses_and_metrics_called_on_arrays():
    p = np.full((4, 3), 1 / 3)
    for thing in (losses.SparseCategoricalCrossentropy(), metrics.SparseCategoricalAccuracy()):
        with pytest.raises(ValueError, match="4 predictions need 4 targets"):
            thing([0, 1], p)
        with pytest.raises(ValueError, match="labels must be from 0 to 2; received labels from 0 to 7"):
            thing([0, 1, 2, 7], p)
    with pytest.raises(ValueError, match="4 predictions need 4 targets"):
        losses.mean_squared_error(np.zeros((2, 3)), p)
    with pytest.raises(ValueError, match=r"Sample weights of shape \(2,\)"):
        losses.MeanSquaredError()(np.zeros((4, 3)), p, sample_weight=[1, 2])
    with pytest.raises(ValueError, match="For integer labels use sparse_categorical_crossentropy"):
        losses.CategoricalCrossentropy()([0, 1, 2, 0], p)


@pytest.mark.parametrize("layer", [layers.Conv2D(2, 3), layers.Dense(3), layers.GlobalMaxPooling2D()], ids=repr)
def test_axes_of_size_zero(layer):
    shape = (2, 0) if isinstance(layer, layers.Dense) else (2, 4, 4, 0)
    with pytest.raises(ValueError, match="positive sizes"):
        layer(np.zeros(shape))


def test_an_empty_batch_is_an_empty_result():
    assert layers.Dense(3)(np.zeros((0, 4))).shape == (0, 3)
    assert layers.Conv2D(3, 2)(np.zeros((0, 4, 4, 1))).shape == (0, 3, 3, 3)


def test_contiguity_and_type_are_checked_where_machine_code_would_not():
    from minicnn.ops import dense

    with pytest.raises(Exception, match="takes contiguous arrays of one float type"):
        dense.forward(np.ones((2, 3)), np.ones((3, 4), np.float32), None)


def test_what_is_wrong_is_reported():
    for make, sentence in (
        (lambda: metrics.Precision(thresholds=2), "thresholds must be between 0 and 1; received thresholds=2"),
        (lambda: metrics.Precision(top_k=0), "top_k must be a positive integer; received top_k=0"),
        (lambda: metrics.Precision(top_k=3)([[0, 1]], [[0.1, 0.2]]), "There are 2 outputs; received top_k=3"),
        (lambda: metrics.AUC(curve="ROT"), 'curve must be "ROC", "PR" or "PRGAIN"; received'),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds must be an integer, 2 or more; received"),
        (lambda: metrics.AUC(thresholds=[0.5, 2]), "thresholds must be a list of numbers between 0 and 1"),
        (lambda: metrics.AUC(thresholds=0.5), "thresholds must be a list of numbers between 0 and 1; received"),
        (lambda: metrics.AUC(label_weights=2.0), "label_weights must be a list of numbers that are zero or more;"),
        (lambda: metrics.AUC(num_labels=2), "num_labels needs multi_label=True; received num_labels=2"),
        (lambda: metrics.AUC(label_weights=[1])([[0, 1]], [[0.1, 0.2]]), "There are 2 outputs; received label_weights"),
        (lambda: metrics.PrecisionAtRecall(1.5), "recall must be between 0 and 1; received recall=1.5"),
        (lambda: metrics.F1Score("mean"), 'average must be None, "micro", "macro" or "weighted"; received'),
        (lambda: metrics.F1Score()([1, 0], [[0.1, 0.2], [1, 0]]), r"takes targets and outputs of one shape \(N, K\)"),
        (lambda: metrics.R2Score("sum"), 'class_aggregation must be None, "uniform_average" or'),
        (lambda: metrics.TopKCategoricalAccuracy(0), "k must be a positive integer; received k=0"),
        (lambda: metrics.Recall(class_id=4)([[0, 1]], [[0.1, 0.2]]), "class_id must be from 0 to 1; received 4"),
        (lambda: layers.GaussianNoise(-1), "stddev must be a number, zero or more; received stddev=-1"),
        (lambda: layers.GaussianDropout(1), "needs a rate below 1"),
        (lambda: layers.AlphaDropout(2), "rate must be a number from 0 to 1; received rate=2"),
        (lambda: layers.Subtract()([layers.Input((3,))] * 3), "subtracts one input from another; received 3 inputs"),
        (lambda: constraints.get(3), "A constraint is a name, a configuration or"),
        (lambda: constraints.MaxNorm(axis=4)(np.zeros((20, 7))), r"from -2 to 1 .*\(20, 7\); received axis=4"),
        (lambda: layers.Dense(3, kernel_constraint="max_nrm"), "Unknown constraint 'max_nrm'. Did you mean 'max_norm'"),
        (lambda: losses.MeanSquaredError(reduction="average"), "reduction must be"),
    ):
        with pytest.raises(ValueError, match=sentence):
            make()
    for module, name in ((layers, "LSTM"), (losses, "CTC"), (minicnn, "distribution"), (utils, "pad_sequences")):
        with pytest.raises(AttributeError, match=f"has no '{name}'. minicnn/README.md lists the Keras names"):
            getattr(module, name)


def test_imports_of_what_is_missing_say_where_to_look():
    for line in (
        "from minicnn.layers import LSTM", "from minicnn.ops import fft", "from minicnn.datasets import imdb",
        "from minicnn.activations import sparsemax", "from minicnn import distribution", "from minicnn.saving import x",
        "from minicnn.optimizers import MultiOptimizer", "from minicnn.visualize import x",
        "from minicnn.preprocessing import x",
    ):  # fmt: skip
        with pytest.raises(ImportError, match=r"has no '\w+'. minicnn/README.md lists the Keras names"):
            exec(line)
    assert not hasattr(layers, "LSTM") and not hasattr(minicnn.datasets, "imdb")
