"""Metrics that count, rank and score, compared with Keras's."""

from __future__ import annotations

import numpy as np
import pytest
from beside_keras import N, X, Y
from helpers import assert_close, labels, normal, probabilities

import minicnn
from minicnn import layers, metrics

METRICS = [  # name, options, whether its targets are labels
    ("TopKCategoricalAccuracy", {"k": 2}, False), ("SparseTopKCategoricalAccuracy", {"k": 2}, True),
    ("TruePositives", {}, False), ("FalsePositives", {"thresholds": 0.3}, False), ("TrueNegatives", {}, False),
    ("FalseNegatives", {"thresholds": [0.2, 0.6]}, False), ("Precision", {}, False), ("Recall", {"class_id": 1}, False),
    ("Precision", {"top_k": 2}, False), ("Recall", {"top_k": 3, "class_id": 2}, False),
    ("Recall", {"top_k": 1, "thresholds": [0.1, 0.4]}, False),
    *(
        ("AUC", {"num_thresholds": 20, "curve": curve, "summation_method": method, **labels}, False)
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
        for labels in ({}, {"multi_label": True})
    ),
    ("AUC", {"thresholds": [0.1, 0.15, 0.7]}, False), ("AUC", {"from_logits": True}, False),
    ("AUC", {"multi_label": True, "num_labels": 4, "label_weights": [1.0, 2.0, 0.0, 0.5]}, False),
    ("AUC", {"label_weights": [1.0, 2.0, 0.0, 0.5]}, False),
    ("SensitivityAtSpecificity", {"specificity": 0.8}, False),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6}, False),
    ("PrecisionAtRecall", {"recall": 0.3, "num_thresholds": 7}, False),
    ("RecallAtPrecision", {"precision": 0.35, "class_id": 1}, False),
    ("RecallAtPrecision", {"precision": 0.3, "num_thresholds": 1}, False),
    ("F1Score", {}, False), ("F1Score", {"average": "micro"}, False), ("F1Score", {"threshold": 0.3}, False),
    ("FBetaScore", {"average": "macro", "beta": 2.0}, False), ("FBetaScore", {"average": "weighted"}, False),
    ("R2Score", {}, False), ("R2Score", {"class_aggregation": "variance_weighted_average"}, False),
    ("R2Score", {"class_aggregation": None, "num_regressors": 2}, False),
]  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("name", "options", "sparse"), METRICS, ids=str)
def test_metrics(tf, name, options, sparse, weighted):
    ours, theirs = getattr(metrics, name)(**options), getattr(tf.keras.metrics, name)(**options)
    assert ours.name == theirs.name.rsplit("_", 1)[0] if theirs.name[-1].isdigit() else ours.name == theirs.name
    config = {
        key: value.numpy().tolist() if hasattr(value, "numpy") else value for key, value in theirs.get_config().items()
    }
    assert {**ours.get_config(), "dtype": None, "name": None} == {**config, "dtype": None, "name": None}
    for seed in range(3):
        t = labels(9, classes=4, seed=seed)
        y = t if sparse else np.eye(4, dtype=np.float32)[t]
        p = probabilities(9, 4, seed=seed, dtype=np.float32)
        p[0] = 0.25  # if all are equal, the first ones count as the largest
        w = np.linspace(0, 2, 9).astype(np.float32) if weighted else None
        ours.update_state(y, p, w)
        theirs.update_state(y, p, w)
    assert_close(ours.result(), np.asarray(theirs.result()), 1e-6)
    ours.reset_state()
    theirs.reset_state()
    assert_close(ours.result(), np.nan_to_num(theirs.result()), 1e-6)  # R2Score is 0 / 0 there


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("TruePositives", {}), ("Precision", {"thresholds": 0.3}), ("Recall", {}), ("CategoricalAccuracy", {}),
        ("TopKCategoricalAccuracy", {"k": 2}), ("MeanSquaredError", {}), ("CategoricalCrossentropy", {}),
    ],
    ids=str,
)  # fmt: skip
def test_predictions_with_three_axes(tf, name, options, weighted):
    """Rows (N, A, K) count as N * A rows of K numbers, and have weights (N, A)."""
    ours, theirs = getattr(metrics, name)(**options), getattr(tf.keras.metrics, name)(**options)
    t, p = np.eye(4, dtype=np.float32)[labels(5, 3, classes=4)], probabilities(5, 3, 4, seed=1, dtype=np.float32)
    w = np.linspace(0, 2, 15, dtype=np.float32).reshape(5, 3)
    if name in ("TruePositives", "Precision", "Recall"):  # Keras weighs each number there, and repeats no weights
        theirs.update_state(t, p, np.repeat(w[..., None], 4, axis=2) if weighted else None)
    else:
        theirs.update_state(t, p, w if weighted else None)
    ours.update_state(t, p, w if weighted else None)
    assert_close(ours.result(), np.asarray(theirs.result()), 1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("AUC", {}), ("AUC", {"num_thresholds": 11}), ("AUC", {"curve": "PR"}), ("AUC", {"curve": "PRGAIN"}),
        ("AUC", {"thresholds": [0.2, 0.35, 0.7]}), ("AUC", {"thresholds": [0.25, 0.5, 0.75]}),
        ("AUC", {"num_thresholds": 2}), ("SensitivityAtSpecificity", {"specificity": 0.5}),
        ("SpecificityAtSensitivity", {"sensitivity": 1.0, "num_thresholds": 11}),
        ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 1}), ("RecallAtPrecision", {"precision": 0.6}),
    ],
    ids=str,
)  # fmt: skip
def test_predictions_at_thresholds_and_beyond(tf, name, options):
    p = np.float32([[0], [1], [0.3], [0.2], [0.6], [0.7], [0.1], [-3], [2], [0.5], [0.35], [1.3]])
    for t in ([1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0], [255, 0, 0, 255, 2, 0, 1, 0, 1, 1, 0, 0]):
        ours, theirs = getattr(metrics, name)(**options), getattr(tf.keras.metrics, name)(**options)
        y = np.float32(t)[:, None]
        assert_close(ours(y, p), np.asarray(theirs(y, p)), 1e-6)


def test_scores_at_the_threshold_and_of_other_outputs(tf):
    y, p = np.float32([[1, 0], [0, 1]]), np.float32([[0.3, 0.3], [0.2, 0.3]])
    for k in (metrics, tf.keras.metrics):
        score = k.F1Score(threshold=0.3)
        np.testing.assert_array_equal(score(y, p).numpy(), [0, 0])
    score = metrics.R2Score(class_aggregation=None)
    score(y, p)
    with pytest.raises(ValueError, match="'r2_score' was used with 2 outputs before; received 1 outputs"):
        score(y[:, :1], p[:, :1])
    score.reset_state()
    assert score(y[:, :1], p[:, :1]).shape == (1,)
    assert isinstance(metrics.get("f_beta_score"), metrics.FBetaScore)
    assert metrics.FBetaScore(beta=2).get_config()["beta"] == 2.0
    model = minicnn.Sequential([layers.Input((7,)), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[metrics.F1Score()])
    stopping = minicnn.callbacks.EarlyStopping("f1_score", mode="max")
    with pytest.raises(ValueError, match="EarlyStopping watches one number; 'f1_score' has 2, one for each output"):
        model.fit(X, np.eye(2)[Y % 2], epochs=3, verbose=0, callbacks=[stopping])


def test_counting_metrics_in_fit(tf):
    def histories():
        for k in (minicnn, tf.keras):
            model = k.Sequential([k.Input((7,)), k.layers.Dense(1, activation="sigmoid")])
            model.set_weights([normal(7, 1, dtype=np.float32), np.zeros(1, np.float32)])
            counted = ["precision", k.metrics.Recall(name="recall"), k.metrics.FalsePositives(name="fp"), "AUC"]
            counted += [k.metrics.AUC(curve="PR", name="pr"), k.metrics.F1Score(threshold=0.5), k.metrics.R2Score()]
            model.compile(k.optimizers.SGD(0.5), "binary_crossentropy", metrics=counted)
            yield model.fit(
                X, (Y > 0)[:, None], epochs=3, shuffle=False, verbose=0, validation_data=(X, (Y > 0)[:, None])
            ).history

    found, expected = histories()
    assert list(found) == list(expected)
    for key, values in expected.items():
        assert_close(found[key], values, 1e-5, key)


def test_weights_of_rows_with_several_numbers_each(tf):
    values, weights = normal(2, 3, dtype=np.float32), np.array([1.0, 2.0], np.float32)
    means = metrics.Mean(), tf.keras.metrics.Mean()
    for mean in means:
        mean.update_state(values, sample_weight=weights)
    assert_close(*(float(mean.result()) for mean in means), 1e-6)
    results = []
    for k in (minicnn, tf.keras):
        model = k.Sequential([k.Input((7,)), k.layers.Dense(2)])
        model.set_weights([normal(7, 2, dtype=np.float32), np.zeros(2, np.float32)])
        model.compile("sgd", "mse", weighted_metrics=[lambda t, p: abs(t - p)])
        results.append(model.evaluate(X, X[:, :2].copy(), sample_weight=np.arange(N, dtype=np.float32), verbose=0))
    assert_close(*results, 1e-5)


LABELS, GUESSES = labels(6, 4, 4, classes=3), labels(6, 4, 4, classes=3, seed=1)
ONE_HOT, SCORES = np.eye(3, dtype=np.float32)[LABELS], probabilities(6, 4, 4, 3, dtype=np.float32)
VECTORS = normal(6, 3, seed=2, dtype=np.float32), normal(6, 3, dtype=np.float32)
BESIDE_KERAS = [  # (class, options, targets, predictions)
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, LABELS, GUESSES),
    ("MeanIoU", {"num_classes": 3}, LABELS, GUESSES),
    ("MeanIoU", {"num_classes": 4, "ignore_class": 1}, LABELS, GUESSES),
    ("MeanIoU", {"num_classes": 3, "sparse_y_pred": False}, LABELS, SCORES),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.25}, LABELS == 1, SCORES[..., 0]),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [1]}, ONE_HOT, SCORES),
    ("OneHotMeanIoU", {"num_classes": 3}, ONE_HOT, SCORES),
    ("Accuracy", {}, LABELS[:, 0, 0], GUESSES[:, 0, 0]),
    ("CategoricalHinge", {}, ONE_HOT[:, 0, 0], SCORES[:, 0, 0]),
    ("CosineSimilarity", {}, *VECTORS),
]


@pytest.mark.parametrize(("name", "options", "t", "p"), BESIDE_KERAS, ids=lambda value: str(value)[:30])
def test_metrics_of_segmentation_and_others_are_keras_s(tf, name, options, t, p):
    import keras

    ours, theirs = getattr(metrics, name)(**options), getattr(keras.metrics, name)(**options)
    for part in (slice(None, 4), slice(4, None)):
        ours.update_state(t[part], p[part])
        theirs.update_state(t[part], p[part])
    assert_close(ours.result(), np.asarray(theirs.result()), 1e-6)
    assert theirs.name.startswith(ours.name)  # Keras counts the metrics of one name
    again = metrics.deserialize(metrics.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    ours.reset_state()
    again.update_state(t[:2], p[:2])
    ours.update_state(t[:2], p[:2])
    assert ours.result() == again.result()


def test_sum_and_a_function_as_a_metric(tf):
    ours, theirs = metrics.Sum(), tf.keras.metrics.Sum()
    for k in (ours, theirs):
        k.update_state([1.0, 2.0, 3.0], [1.0, 0.0, 2.0])
    assert ours.result() == float(theirs.result()) == 7.0
    wrapped = metrics.MeanMetricWrapper(lambda t, p, scale: scale * np.abs(t - p).mean(axis=-1), "scaled", scale=2.0)
    assert_close(wrapped([[1.0, 2.0]], [[0.0, 0.0]]), 3.0, 1e-6)


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize(
    ("values", "weights"),
    [
        ((4,), None), ((4, 3), None), ((4, 3, 2), None), ((4,), ()), ((4, 3), ()), ((4,), (4,)), ((4,), (4, 1)),
        ((4, 1), (4,)), ((4, 3, 1), (4, 3)), ((4, 3), (4,)), ((4, 3), (4, 1)), ((4, 3), (4, 3)), ((4, 3), (4, 3, 1)),
        ((4, 3, 2), (4,)), ((4, 3, 2), (4, 3)), ((4, 3, 2), (4, 1, 1)), ((4, 3, 2), (4, 3, 1)), ((4, 3, 2), (4, 3, 2)),
    ],
)  # fmt: skip
def test_means_and_sums_with_weights_of_every_rank(tf, name, values, weights):
    ours, theirs = (getattr(k.metrics, name)() for k in (minicnn, tf.keras))
    for seed in (1, 2):
        x = normal(*values, seed=seed, dtype=np.float32)
        w = None if weights is None else np.abs(normal(*weights, seed=seed + 10, dtype=np.float32))
        ours.update_state(x, w)
        theirs.update_state(x, w)
    assert_close(ours.result(), float(theirs.result()), 1e-5)


def test_curves_count_nan_as_0():
    for make in (metrics.AUC, lambda: metrics.AUC(thresholds=[0.3, 0.7])):
        ours, theirs = make(), make()
        ours.update_state([1, 0, 1, 0], np.array([0.9, np.nan, np.nan, 0.2]))
        theirs.update_state([1, 0, 1, 0], np.array([0.9, 0, 0, 0.2]))
        assert ours.result() == theirs.result()


NUMBERS_T = np.array([[1, 0, 1], [0, 1, 1]])
NUMBERS_P = np.array([[0.9, 0.8, 0.3], [0.2, 0.3, 0.7]], np.float32)
PER_NUMBER = np.array([[1.0, 2, 3], [3, 4, 5]])
WEIGHTS = {"none": None, "numbers": PER_NUMBER, "row of numbers": PER_NUMBER[:1], "rows": np.array([1.0, 2])}
WITH_WEIGHTS = {
    "BinaryAccuracy": {}, "Accuracy": {}, "Precision": {}, "Recall": {"thresholds": [0.2, 0.6]}, "TruePositives": {},
    "FalseNegatives": {}, "AUC": {}, "AUC of each output": {"multi_label": True},
    "SensitivityAtSpecificity": {"specificity": 0.3},
}  # fmt: skip


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_weights_of_every_number(tf, name, weights):
    ours, theirs = (getattr(k.metrics, name.split()[0])(**WITH_WEIGHTS[name]) for k in (minicnn, tf.keras))
    for _ in range(2):
        for metric in (ours, theirs):
            metric.update_state(NUMBERS_T, NUMBERS_P, sample_weight=WEIGHTS[weights])
    assert_close(ours.result(), np.asarray(theirs.result()), 1e-6)
    counted = [np.sort(np.concatenate([np.ravel(v.numpy()) for v in metric.variables])) for metric in (ours, theirs)]
    assert_close(counted[0], counted[1].astype(np.float64), 1e-6)


@pytest.mark.parametrize("name", ["BinaryAccuracy", "Precision", "AUC"])
def test_weights_of_every_number_of_pixels(tf, name):
    y_true, y_pred, weights = (np.stack([part, 1 - part[:, ::-1]], 1) for part in (NUMBERS_T, NUMBERS_P, PER_NUMBER))
    ours, theirs = (getattr(k.metrics, name)() for k in (minicnn, tf.keras))
    for metric in (ours, theirs):
        metric.update_state(y_true, y_pred, sample_weight=np.abs(weights))
        metric.update_state(y_true[:1], 1 - y_pred[:1])  # the same counting without weights
    assert_close(ours.result(), float(theirs.result()), 1e-6)


def test_the_weight_of_one_image_in_iou(tf):
    ours, theirs = metrics.MeanIoU(2), tf.keras.metrics.MeanIoU(2, dtype="float32")  # without it Keras cuts to integers
    for metric in (ours, theirs):
        metric.update_state([1], [1], sample_weight=[0.5])
        metric.update_state([0, 1, 1], [1, 1, 1], sample_weight=[1.0, 2.0, 0.25])
    assert_close(ours.result(), float(theirs.result()), 1e-6)


def test_one_row_of_outputs_for_the_largest(tf):
    for weights in (None, PER_NUMBER[0]):
        ours, theirs = (k.metrics.Precision(top_k=2) for k in (minicnn, tf.keras))
        for metric in (ours, theirs):
            metric.update_state(NUMBERS_T[0], NUMBERS_P[0], sample_weight=weights)
        assert_close(ours.result(), float(theirs.result()), 1e-6)
        assert_close(np.ravel(ours.true_positives), np.ravel(theirs.true_positives.numpy()), 1e-6)


OPTIONS = {
    "BinaryCrossentropy": ({"label_smoothing": 0.2}, NUMBERS_T, NUMBERS_P),
    "CategoricalCrossentropy": ({"label_smoothing": 0.2, "axis": -1}, np.eye(3)[:2], NUMBERS_P),
    "SparseCategoricalCrossentropy": ({"ignore_class": 2, "axis": -1}, np.array([1, 2]), NUMBERS_P),
    "SparseTopKCategoricalAccuracy": (
        {"k": 2, "from_sorted_ids": True}, np.array([1, 2]), np.array([[2, 1, 0], [0, 1, 2]]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_metrics(tf, name):
    options, y_true, y_pred = OPTIONS[name]
    ours, theirs = (getattr(k.metrics, name)(**options) for k in (minicnn, tf.keras))
    assert_close(ours(y_true, y_pred), float(theirs(y_true, y_pred)), 1e-6)
    assert {k: v for k, v in ours.get_config().items() if k != "name"}.items() <= theirs.get_config().items()


def test_binary_accuracy_of_arrays(tf):
    ours, theirs = (k.metrics.binary_accuracy(NUMBERS_T, NUMBERS_P) for k in (minicnn, tf.keras))
    np.testing.assert_array_equal(ours, np.asarray(theirs))


@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("name", ["Pearson", "Concordance"])
def test_correlations(tf, name, axis):
    t, p = normal(4, 6, dtype=np.float32), normal(4, 6, seed=1, dtype=np.float32)
    function = f"{name.lower()}_correlation"
    assert_close(getattr(metrics, function)(t, p, axis), getattr(tf.keras.metrics, function)(t, p, axis), 1e-5)
    ours, theirs = (getattr(k.metrics, f"{name}Correlation")(axis=axis) for k in (minicnn, tf.keras))
    for metric in (ours, theirs):
        metric.update_state(t, p)
        metric.update_state(p, 2 * t)
    assert_close(ours.result(), float(theirs.result()), 1e-5)
    assert type(metrics.get(function)) is type(ours)


def test_automatic_names_are_numbered(tf):
    for k in (minicnn, tf.keras):
        k.utils.clear_session()
        names = [k.metrics.Precision().name for _ in range(2)] + [k.metrics.BinaryAccuracy().name for _ in range(2)]
        assert names == ["precision", "precision_1", "binary_accuracy", "binary_accuracy"]
        assert [k.optimizers.Adam().name for _ in range(2)] == ["adam", "adam_1"]


def test_variables_and_metrics_in_attributes_belong_to_a_metric():
    def made():
        own = metrics.Mean()
        own.more = {"a": [minicnn.Variable(0.0), minicnn.Variable(1.0)]}
        return own

    metric = made()
    metric.inner = [made(), metrics.Sum()]
    assert len(made().variables) == 4 and len(metric.variables) == 4 + 4 + 1
    assert metrics.get(None) is None


def test_none_is_no_metric_of_a_model():
    model = minicnn.Sequential([minicnn.Input((3,)), layers.Dense(1)])
    with pytest.raises(ValueError, match=r"A metric is a name, .* received None"):
        model.compile("sgd", "mse", metrics=[None, "mae"])
