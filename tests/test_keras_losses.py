"""Losses, metrics, optimizers and initializers agree with Keras's."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, labels, normal, probabilities

import minicnn
from minicnn import initializers, layers, losses, metrics, optimizers

TOLERANCE = 1e-5


def one_hot(y, classes):
    return np.eye(classes, dtype=np.float32)[y]


def saturated(*shape):
    p = probabilities(*shape, dtype=np.float32)
    p[0], p[1] = 0, 1
    return p


LOSSES = {
    "sparse_categorical_crossentropy": ("SparseCategoricalCrossentropy", lambda: labels(7, classes=5)),
    "categorical_crossentropy": ("CategoricalCrossentropy", lambda: one_hot(labels(7, classes=5), 5)),
    "binary_crossentropy": ("BinaryCrossentropy", lambda: labels(7, 5, classes=2).astype(np.float32)),
    "mean_squared_error": ("MeanSquaredError", lambda: normal(7, 5, seed=3, dtype=np.float32)),
    "mean_absolute_error": ("MeanAbsoluteError", lambda: normal(7, 5, seed=3, dtype=np.float32)),
    "mean_absolute_percentage_error": ("MeanAbsolutePercentageError", lambda: normal(7, 5, seed=3, dtype=np.float32)),
    "mean_squared_logarithmic_error": ("MeanSquaredLogarithmicError", lambda: probabilities(7, 5, seed=3)),
    "huber": ("Huber", lambda: normal(7, 5, seed=3, dtype=np.float32)),
    "log_cosh": ("LogCosh", lambda: normal(7, 5, seed=3, dtype=np.float32)),
    "kl_divergence": ("KLDivergence", lambda: probabilities(7, 5, seed=3, dtype=np.float32)),
    "poisson": ("Poisson", lambda: labels(7, 5, classes=4).astype(np.float32)),
    "hinge": ("Hinge", lambda: 2 * labels(7, 5, classes=2).astype(np.float32) - 1),
    "squared_hinge": ("SquaredHinge", lambda: labels(7, 5, classes=2).astype(np.float32)),
}


OF_OPS = {  # losses with `call`: (targets, options)
    "BinaryFocalCrossentropy": (lambda: labels(7, 5, classes=2), {"apply_class_balancing": True, "gamma": 1.5}),
    "CategoricalFocalCrossentropy": (lambda: one_hot(labels(7, classes=5), 5), {"label_smoothing": 0.125}),
    "CategoricalGeneralizedCrossEntropy": (lambda: labels(7, classes=5), {"q": 0.75}),
    "CategoricalHinge": (lambda: one_hot(labels(7, classes=5), 5), {}),
    "CosineSimilarity": (lambda: normal(7, 5, seed=3, dtype=np.float32), {}),
    "Dice": (lambda: labels(7, 5, classes=2), {"axis": 1}),
    "Tversky": (lambda: labels(7, 5, classes=2), {"alpha": 0.25, "beta": 0.75}),
}


@pytest.mark.parametrize("name", OF_OPS)
def test_losses_made_of_functions(tf, name):
    import keras

    target, options = OF_OPS[name]
    y_true, y_pred = target(), probabilities(7, 5, dtype=np.float32)
    for given in ({}, options):
        ours, theirs = getattr(losses, name)(**given), getattr(keras.losses, name)(**given)
        assert_close(ours(y_true, y_pred), theirs(y_true, y_pred), TOLERANCE)
        none = getattr(losses, name)(**given, reduction="none")(y_true, y_pred)
        assert_close(none, getattr(keras.losses, name)(**given, reduction="none")(y_true, y_pred), TOLERANCE)
        described = theirs.get_config()
        assert all(described.get(key, value) == value for key, value in ours.get_config().items())
        _assert_same_gradient(tf, ours, theirs, y_true, y_pred)
    assert type(losses.as_loss(ours.name)) is type(ours) is type(losses.deserialize(losses.serialize(ours)))
    assert losses.get(ours.name) is getattr(losses, ours.name)


@pytest.mark.parametrize("label", [-1, 0, 1])
@pytest.mark.parametrize("name", ["Hinge", "SquaredHinge"])
def test_hinges_of_targets_of_one_class(tf, name, label):
    """Labels 0 and 1 count as -1 and 1, also if the targets hold only one of them."""
    y_true, y_pred = np.full((7, 5), label, np.float32), normal(7, 5, dtype=np.float32)
    assert_close(getattr(losses, name)()(y_true, y_pred), getattr(tf.keras.losses, name)()(y_true, y_pred), TOLERANCE)


@pytest.mark.parametrize("predictions", [probabilities, saturated], ids=["ordinary", "zeros and ones"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_probabilities(tf, name, predictions):
    class_name, target = LOSSES[name]
    y_true, y_pred = target(), predictions(7, 5).astype(np.float32)
    ours, theirs = getattr(losses, class_name), getattr(tf.keras.losses, class_name)
    weights = np.linspace(0.2, 2, 7).astype(np.float32)
    assert_close(ours()(y_true, y_pred), theirs()(y_true, y_pred), TOLERANCE)
    assert_close(ours()(y_true, y_pred, weights), theirs()(y_true, y_pred, weights), TOLERANCE)
    assert_close(ours(reduction="sum")(y_true, y_pred), theirs(reduction="sum")(y_true, y_pred), TOLERANCE)
    rows = tf.keras.losses.get(name)(y_true, y_pred)
    assert_close(ours(reduction="none")(y_true, y_pred), rows, TOLERANCE)
    assert_close(getattr(losses, name)(y_true, y_pred), rows, TOLERANCE)
    assert ours().name == theirs().name
    assert losses.get(name) is getattr(losses, name) is losses.deserialize(name)
    assert type(losses.as_loss(name)) is type(losses.as_loss(ours().get_config()["name"])) is ours
    _assert_same_gradient(tf, ours(), theirs(), y_true, y_pred)


@pytest.mark.parametrize("scale", [1, 60], ids=["ordinary", "raw pixels"])
@pytest.mark.parametrize("name", [name for name in LOSSES if "crossentropy" in name])
def test_losses_of_logits(tf, name, scale):
    class_name, target = LOSSES[name]
    y_true, y_pred = target(), scale * normal(7, 5, dtype=np.float32)
    ours, theirs = getattr(losses, class_name), getattr(tf.keras.losses, class_name)
    expected = theirs(from_logits=True)(y_true, y_pred)
    assert_close(ours(from_logits=True)(y_true, y_pred), expected, TOLERANCE)
    _assert_same_gradient(tf, ours(from_logits=True), theirs(from_logits=True), y_true, y_pred)


@pytest.mark.parametrize("name", ["categorical_crossentropy", "binary_crossentropy"])
@pytest.mark.parametrize("from_logits", [False, True])
def test_label_smoothing(tf, name, from_logits):
    class_name, target = LOSSES[name]
    y_true, options = target(), {"from_logits": from_logits, "label_smoothing": 0.2}
    y_pred = (normal if from_logits else probabilities)(7, 5, dtype=np.float32)
    ours, theirs = getattr(losses, class_name)(**options), getattr(tf.keras.losses, class_name)(**options)
    assert_close(ours(y_true, y_pred), theirs(y_true, y_pred), TOLERANCE)
    assert_close(getattr(losses, name)(y_true, y_pred, **options),
                 getattr(tf.keras.losses, name)(y_true, y_pred, **options), TOLERANCE)  # fmt: skip
    assert losses.get({"class_name": class_name, "config": ours.get_config()}).label_smoothing == 0.2
    _assert_same_gradient(tf, ours, theirs, y_true, y_pred)
    with pytest.raises(ValueError, match="from 0 to 1"):
        getattr(losses, class_name)(label_smoothing=2)


def test_huber_with_another_delta(tf):
    y_true, y_pred = normal(7, 5, dtype=np.float32), normal(7, 5, seed=1, dtype=np.float32)
    ours, theirs = losses.Huber(0.3), tf.keras.losses.Huber(0.3)
    assert_close(ours(y_true, y_pred), theirs(y_true, y_pred), TOLERANCE)
    _assert_same_gradient(tf, ours, theirs, y_true, y_pred)


def _assert_same_gradient(tf, ours, theirs, y_true, y_pred):
    shape = ours.shape_of_losses(y_true.shape, y_pred.shape)
    tensor, upstream = tf.constant(y_pred), np.asarray(normal(*shape, seed=8, dtype=np.float32))
    theirs.reduction = None
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        total = tf.reduce_sum(theirs(y_true, tensor) * upstream)
    targets = ours.targets(y_true, y_pred.shape, np.float32)
    _, saved = ours.forward(targets, y_pred)
    assert_close(ours.backward(upstream.reshape(-1), saved), tape.gradient(total, tensor), TOLERANCE)


@pytest.mark.parametrize(
    ("activation", "loss", "from_logits"),
    [
        ("softmax", "sparse_categorical_crossentropy", False),
        ("softmax", "categorical_crossentropy", False),
        ("sigmoid", "binary_crossentropy", False),
        ("softmax", "binary_crossentropy", False),
        ("sigmoid", "categorical_crossentropy", False),
        ("softmax", "sparse_categorical_crossentropy", True),
        ("sigmoid", "binary_crossentropy", True),
        ("linear", "categorical_crossentropy", True),
        ("tanh", "mean_squared_error", False),
        ("linear", "mean_absolute_error", False),
    ],
)
@pytest.mark.filterwarnings("ignore:.*received `from_logits=True`")
def test_the_loss_that_fit_and_evaluate_report(tf, activation, loss, from_logits):
    """The inputs are large, so only a loss that is computed from the logits agrees with Keras's."""
    class_name, target = LOSSES[loss]
    x, y = 50 * normal(7, 4, dtype=np.float32), target()

    def build(k):
        model = k.Sequential([k.layers.Input((4,)), k.layers.Dense(5, activation=activation)])
        loss_class = getattr(k.losses, class_name)
        model.compile("sgd", loss_class(from_logits=True) if from_logits else loss_class(), metrics=["accuracy"])
        model.set_weights([normal(4, 5, dtype=np.float32), normal(5, seed=1, dtype=np.float32)])
        return model

    ours, theirs = build(minicnn), build(tf.keras)
    assert_close(ours.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), TOLERANCE)
    assert_close(ours.train_on_batch(x, y), theirs.train_on_batch(x, y), TOLERANCE)
    for mine, wanted in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, wanted, TOLERANCE)


@pytest.mark.parametrize("shape", ["(N,)", "(N, 1)", "floats", "uint8"])
def test_forms_of_labels(tf, shape):
    y = labels(7, classes=5)
    y = {"(N,)": y, "(N, 1)": y[:, None], "floats": y.astype(np.float64), "uint8": y.astype(np.uint8)}[shape]
    p = probabilities(7, 5, dtype=np.float32)
    expected = tf.keras.losses.sparse_categorical_crossentropy(y, p)
    assert_close(losses.sparse_categorical_crossentropy(y, p), expected, TOLERANCE)


METRICS = {
    "SparseCategoricalAccuracy": lambda: labels(9, classes=5),
    "CategoricalAccuracy": lambda: one_hot(labels(9, classes=5), 5),
    "BinaryAccuracy": lambda: labels(9, 5, classes=2),
    "SparseCategoricalCrossentropy": lambda: labels(9, classes=5),
    "CategoricalCrossentropy": lambda: one_hot(labels(9, classes=5), 5),
    "BinaryCrossentropy": lambda: labels(9, 5, classes=2).astype(np.float32),
    "MeanSquaredError": lambda: normal(9, 5, dtype=np.float32),
    "MeanAbsoluteError": lambda: normal(9, 5, dtype=np.float32),
    "RootMeanSquaredError": lambda: normal(9, 5, dtype=np.float32),
    "MeanAbsolutePercentageError": lambda: normal(9, 5, dtype=np.float32),
    "MeanSquaredLogarithmicError": lambda: probabilities(9, 5, seed=3, dtype=np.float32),
    "KLDivergence": lambda: probabilities(9, 5, seed=3, dtype=np.float32),
    "Poisson": lambda: labels(9, 5, classes=4).astype(np.float32),
    "LogCoshError": lambda: normal(9, 5, dtype=np.float32),
    "Hinge": lambda: 2 * labels(9, 5, classes=2).astype(np.float32) - 1,
    "SquaredHinge": lambda: 2 * labels(9, 5, classes=2).astype(np.float32) - 1,
}


@pytest.mark.parametrize("name", METRICS)
def test_metrics(tf, name):
    y_true, y_pred = METRICS[name](), probabilities(9, 5, dtype=np.float32)
    ours, theirs = getattr(metrics, name)(), getattr(tf.keras.metrics, name)()
    assert ours.name == theirs.name
    for rows in (slice(0, 6), slice(6, 9)):
        ours.update_state(y_true[rows], y_pred[rows])
        theirs.update_state(y_true[rows], y_pred[rows])
    assert_close(ours.result(), theirs.result(), TOLERANCE)
    weights = np.linspace(0, 2, 9).astype(np.float32)
    ours.update_state(y_true, y_pred, weights)
    theirs.update_state(y_true, y_pred, weights)
    assert_close(ours.result(), theirs.result(), TOLERANCE)
    ours.reset_state()
    assert ours.result() == 0


def test_mean_and_binary_threshold(tf):
    ours, theirs = metrics.Mean(), tf.keras.metrics.Mean()
    for values, weights in (([1.0, 2.0, 5.0], None), ([4.0], [0.5])):
        ours.update_state(values, weights)
        theirs.update_state(values, weights)
    assert_close(ours.result(), theirs.result(), TOLERANCE)
    y, p = np.array([[0.0], [1.0]], np.float32), np.array([[0.3], [0.3]], np.float32)
    assert metrics.BinaryAccuracy(threshold=0.3)(y, p) == float(tf.keras.metrics.BinaryAccuracy(threshold=0.3)(y, p))


OPTIMIZERS = {
    "sgd": lambda k: k.SGD(0.1),
    "sgd momentum": lambda k: k.SGD(0.05, momentum=0.9),
    "sgd nesterov": lambda k: k.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda k: k.RMSprop(0.01),
    "rmsprop momentum": lambda k: k.RMSprop(0.01, rho=0.8, momentum=0.7),
    "rmsprop centered": lambda k: k.RMSprop(0.01, centered=True),
    "adam": lambda k: k.Adam(0.01),
    "adam amsgrad": lambda k: k.Adam(0.01, beta_1=0.8, beta_2=0.95, amsgrad=True),
    "adamw": lambda k: k.AdamW(0.01, weight_decay=0.1),
    "adagrad": lambda k: k.Adagrad(0.1, initial_accumulator_value=0.05),
    "adadelta": lambda k: k.Adadelta(1.0, rho=0.8),
    "adamax": lambda k: k.Adamax(0.01, beta_1=0.8, beta_2=0.95),
    "nadam": lambda k: k.Nadam(0.01, beta_1=0.8, beta_2=0.95),
    "lamb": lambda k: k.Lamb(0.01, beta_1=0.8, beta_2=0.95, weight_decay=0.1),
    "lion": lambda k: k.Lion(0.01, beta_1=0.8),
    "ftrl": lambda k: k.Ftrl(0.1),
    "ftrl of all options": lambda k: k.Ftrl(
        0.1,
        -0.4,
        0.2,
        l1_regularization_strength=0.01,
        l2_regularization_strength=0.1,
        l2_shrinkage_regularization_strength=0.2,
        beta=0.3,
    ),
    "adafactor": lambda k: k.Adafactor(0.1),
    "adafactor of all options": lambda k: k.Adafactor(
        0.9, -0.7, 1e-20, 0.01, clip_threshold=0.5, relative_step=False, weight_decay=0.1
    ),
    "muon": lambda k: k.Muon(0.1),
    "muon of all options": lambda k: k.Muon(
        0.1,
        adam_beta_1=0.8,
        adam_beta_2=0.95,
        adam_weight_decay=0.2,
        weight_decay=0.1,
        momentum=0.7,
        ns_steps=3,
        nesterov=False,
        rms_rate=None,
        adam_lr_ratio=0.5,
    ),
    "loss scale": lambda k: k.LossScaleOptimizer(k.Adam(0.1), dynamic_growth_steps=2),
    "average": lambda k: k.SGD(0.1, use_ema=True, ema_momentum=0.7),
    "average overwrites": lambda k: k.Adam(0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=2),
    "accumulation": lambda k: k.Adam(0.1, gradient_accumulation_steps=2, clipnorm=0.9, weight_decay=0.1),
    "accumulation and average": lambda k: k.Nadam(
        0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=1
    ),
    "callable rate": lambda k: k.SGD(lambda: 0.25),
    "clipnorm": lambda k: k.SGD(0.1, clipnorm=0.5),
    "clipvalue": lambda k: k.Adam(0.01, clipvalue=0.1),
    "global_clipnorm": lambda k: k.SGD(0.1, global_clipnorm=0.5),
    "weight_decay": lambda k: k.SGD(0.1, weight_decay=0.01),
}


OPTIMIZER_NAMES = (
    "sgd", "rmsprop", "adam", "adamw", "adagrad", "adadelta", "adamax", "nadam", "lamb", "lion", "ftrl",
    "adafactor", "muon",
)  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(tf, name, each_backend):
    from minicnn.variable import Variable

    ours, theirs = OPTIMIZERS[name](optimizers), OPTIMIZERS[name](tf.keras.optimizers)
    shapes = [(3, 4), (4,), (5, 3)]
    mine = [Variable(normal(*s, seed=i, dtype=np.float32), name="w", path=f"w{i}") for i, s in enumerate(shapes)]
    wanted = [tf.keras.Variable(v.value) for v in mine]
    for step in range(5):
        gradients = [normal(*s, seed=10 * step + i, dtype=np.float32) for i, s in enumerate(shapes)]
        ours.apply_gradients(zip(gradients, mine, strict=True))
        theirs.apply_gradients(zip([tf.constant(g) for g in gradients], wanted, strict=True))
        for found, expected in zip(mine, wanted, strict=True):
            assert_close(found.value, expected, TOLERANCE, f"step {step}")


@pytest.mark.parametrize("name", OPTIMIZER_NAMES)
def test_default_options_are_keras_s(tf, name):
    ours = optimizers.get(name)
    theirs = getattr(tf.keras.optimizers, type(ours).__name__)()
    config = theirs.get_config()
    for option, value in ours.get_config().items():
        if option != "name":
            assert config[option] == (pytest.approx(value) if isinstance(value, float) else value), option


INITIALIZERS = [
    "GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal", "RandomNormal",
    "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros", "Ones", "Constant", "Orthogonal",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name in INITIALIZERS for shape in ((300, 400), (3, 3, 40, 60), (60, 60))]
    + [("Identity", (30, 40)), ("Identity", (60, 60))],
    ids=str,
)
def test_initializers_have_keras_s_distribution(tf, name, shape):
    ours = getattr(initializers, name)()(shape, "float64")
    theirs = np.asarray(getattr(tf.keras.initializers, name)()(shape, dtype="float64"))
    assert ours.shape == shape
    assert ours.dtype == np.float64
    assert abs(ours.mean() - theirs.mean()) <= 6 * (theirs.std() + 1e-12) / np.sqrt(ours.size)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05, abs=1e-12)
    # uniform and truncated distributions end where Keras's do
    quantiles = np.linspace(0, 1, 41)[1:-1]
    assert_close(
        np.quantile(ours, quantiles) / (theirs.std() + 1e-12),
        np.quantile(theirs, quantiles) / (theirs.std() + 1e-12),
        0.1,
    )
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.25, abs=1e-12)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (3, 3, 2, 5)], ids=str)
def test_orthogonal_weights_are_orthogonal_and_train(shape):
    w = initializers.Orthogonal()(shape, "float64").reshape(-1, shape[-1])
    small = w @ w.T if w.shape[0] < w.shape[1] else w.T @ w
    assert_close(small, np.eye(len(small)), 1e-12)
    layer = layers.Dense(6, kernel_initializer="orthogonal")
    model = minicnn.Sequential([layers.Input((4,)), layer])
    model.compile("sgd", "mse")
    before = layer.kernel.numpy()
    model.train_on_batch(normal(5, 4), normal(5, 6))
    assert (layer.kernel.numpy() != before).all()


def test_truncated_normal_is_cut_at_two_deviations():
    w = initializers.TruncatedNormal(stddev=1.0)((200, 200), "float64")
    assert 1.99 < np.abs(w).max() <= 2
    variance = initializers.HeNormal()((500, 400), "float64").var()
    assert variance == pytest.approx(2 / 500, rel=0.03)


def test_a_seed_repeats_and_no_seed_does_not():
    assert (initializers.HeNormal(seed=3)((4, 4)) == initializers.HeNormal(seed=3)((4, 4))).all()
    assert (initializers.HeNormal()((4, 4)) != initializers.HeNormal()((4, 4))).any()


def test_an_initializer_of_the_users_own_is_cast_and_checked():
    layer = layers.Dense(3, kernel_initializer=lambda shape, dtype=None: np.ones(shape))
    assert layer(np.ones((2, 4))).tolist() == [[4, 4, 4]] * 2
    assert layer.kernel.dtype == "float32"
    with pytest.raises(ValueError, match=r"must have shape \(4, 3\); received \(2, 2\)"):
        layers.Dense(3, kernel_initializer=lambda shape, dtype=None: np.ones((2, 2)))(np.ones((2, 4)))


@pytest.mark.parametrize("regularizer", ["l1", "l2", "l1_l2"])
def test_regularizers_in_the_loss_and_in_the_gradient(tf, regularizer):
    x, y = normal(6, 4, dtype=np.float32), normal(6, 3, seed=1, dtype=np.float32)

    def build(k):
        penalty = {
            "l1": lambda: k.regularizers.l1(0.02),
            "l2": lambda: k.regularizers.l2(0.03),
            "l1_l2": lambda: k.regularizers.l1_l2(0.01, 0.02),
        }[regularizer]
        dense = k.layers.Dense(3, kernel_regularizer=penalty(), bias_regularizer=penalty())
        model = k.Sequential([k.layers.Input((4,)), dense])
        model.compile(k.optimizers.SGD(0.1), "mse")
        model.set_weights([normal(4, 3, seed=2, dtype=np.float32), normal(3, seed=3, dtype=np.float32)])
        return model

    ours, theirs = build(minicnn), build(tf.keras)
    assert_close(ours.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), TOLERANCE)
    mine = ours.fit(x, y, epochs=3, batch_size=2, shuffle=False, verbose=0).history["loss"]
    assert_close(mine, theirs.fit(x, y, epochs=3, batch_size=2, shuffle=False, verbose=0).history["loss"], TOLERANCE)
    for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(found, expected, TOLERANCE)


def test_to_categorical(tf):
    for y, classes in (([0, 2, 1], None), ([[0], [2]], 4), (np.array([[0, 1], [2, 0]]), 3)):
        assert_close(minicnn.utils.to_categorical(y, classes), tf.keras.utils.to_categorical(y, classes), 0)


def test_ignored_labels(tf):
    logits, y = normal(3, 4, 5, dtype=np.float32), labels(3, 4, classes=5)
    y[0, :2] = 255
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
        for w in (None, np.array([1.0, 2.0, 0.5], np.float32)):
            options = {"from_logits": True, "ignore_class": 255, "reduction": reduction}
            ours = losses.SparseCategoricalCrossentropy(**options)(y, logits, w)
            weights = None if w is None else np.repeat(w[:, None], 4, 1)
            theirs = tf.keras.losses.SparseCategoricalCrossentropy(**options)(y, logits, weights)
            assert_close(ours, np.asarray(theirs), 1e-5, reduction)
    x, found = normal(20, 3, 3, 2, dtype=np.float32), []
    marked = labels(20, 3, 3, classes=4)
    marked[::3] = 255
    weights = [normal(2, 4, dtype=np.float32), np.zeros(4, np.float32)]
    for k in (minicnn, tf.keras):
        model = k.Sequential([k.Input((3, 3, 2)), k.layers.Dense(4)])
        model.set_weights(weights)
        model.compile(k.optimizers.SGD(0.1), k.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255))
        found.append(model.fit(x, marked, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"])
    assert_close(*found, 1e-5)


@pytest.mark.parametrize("name", [
    "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "Huber",
    "LogCosh", "Hinge", "SquaredHinge", "Poisson", "KLDivergence",
])  # fmt: skip
def test_one_target_for_all_outputs(tf, name):
    """A size of 1 in targets stands for every output, also in fit."""
    y_true, y_pred = 0.5 + probabilities(7, 1, dtype=np.float32), probabilities(7, 5, dtype=np.float32)
    ours, theirs = getattr(losses, name)(), getattr(tf.keras.losses, name)()
    assert_close(ours(y_true, y_pred), theirs(y_true, y_pred), TOLERANCE)
    _assert_same_gradient(tf, ours, theirs, y_true, y_pred)
    with pytest.raises(ValueError, match="takes targets of the outputs' shape"):
        ours(np.ones((7, 2)), y_pred)


def test_losses_in_lists_of_one(tf):
    histories = []
    for k in (minicnn, tf.keras):
        inputs = k.Input((3,))
        ends = {name: k.layers.Dense(1, name=name, kernel_initializer="ones")(inputs) for name in ("a", "b")}
        model = k.Model(inputs, ends)
        model.compile("sgd", loss={"a": ["mse"], "b": "mae"})
        y = np.arange(4, dtype=np.float32)[:, None]
        histories.append(model.fit(np.ones((4, 3), np.float32), {"a": y, "b": y}, verbose=0).history)
    assert histories[0].keys() == histories[1].keys()
    assert_close(histories[0]["loss"], histories[1]["loss"], TOLERANCE)


def test_ignored_rows_have_no_weight_in_the_metric(tf):
    y_true, y_pred = np.array([0, 2]), np.array([[0.05, 0.95, 0], [0.1, 0.8, 0.1]], np.float32)
    for weights in (None, np.array([1.5, 2.0])):
        ours, theirs = (k.metrics.SparseCategoricalCrossentropy(ignore_class=0) for k in (minicnn, tf.keras))
        for metric in (ours, theirs):
            metric.update_state(y_true, y_pred, sample_weight=weights)
        assert_close(ours.result(), float(theirs.result()), TOLERANCE)


@pytest.mark.parametrize("options", [
    {}, {"gamma": 20.0, "margin": 0.2}, {"remove_diagonal": False}, {"reduction": "sum"}, {"reduction": "none"},
])  # fmt: skip
def test_circle(tf, options):
    rows = normal(8, 5, dtype=np.float32)
    rows, y = rows / np.linalg.norm(rows, axis=1, keepdims=True), np.array([0, 1, 0, 2, 2, 1, 0, 3])
    ours, theirs = losses.Circle(**options), tf.keras.losses.Circle(**options)
    assert_close(ours(y, rows), np.asarray(theirs(y, rows)), 1e-5)
    assert ours.get_config().items() <= theirs.get_config().items()
    others, labels = rows[::-1].copy(), y[::-1].copy()
    arguments = {"ref_labels": labels, "ref_embeddings": others, "remove_diagonal": False}
    mine = losses.circle(y, rows, **arguments)
    same = y[:, None] == labels
    distances = np.maximum(1 - rows.astype(float) @ others.T, 0)
    p = np.where(same, np.exp(-80 * (0.4 + distances) * (0.4 - distances)), 0).sum(axis=1)
    n = np.where(same, 0, np.exp(80 * np.maximum(1.4 - distances, 0) * (0.6 - distances))).sum(axis=1)
    assert_close(mine, np.log1p(p * n), 1e-4)


def test_circle_trains(tf):
    x, y, weights, histories = normal(8, 5, dtype=np.float32), np.array([0, 1, 0, 2, 2, 1, 0, 3]), None, []
    for k in (minicnn, tf.keras):
        model = k.Sequential([k.Input((5,)), k.layers.Dense(4), k.layers.UnitNormalization()])
        weights = weights or model.get_weights()
        model.set_weights(weights)
        model.compile("sgd", k.losses.Circle(gamma=4.0))
        histories.append(model.fit(x, y, batch_size=4, epochs=4, shuffle=False, verbose=0).history["loss"])
    assert_close(*histories, 1e-5)
