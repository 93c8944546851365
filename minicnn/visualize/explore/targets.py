"""The loss that the page differentiates, and the targets in the form in which the page takes them."""

from __future__ import annotations

import numpy as np

from ...layers.penalty import makes_gradients

_KNOWN = {  # operations of minicnn's losses: their names in `losses.js`
    "sparse_softmax_cross_entropy": "softmax_cross_entropy",
    "softmax_cross_entropy": "softmax_cross_entropy",
    "sigmoid_cross_entropy": "sigmoid_cross_entropy",
    "sparse_categorical_cross_entropy": "categorical_cross_entropy",
    "categorical_cross_entropy": "categorical_cross_entropy",
    "binary_cross_entropy": "binary_cross_entropy",
    "mean_squared_error": "mean_squared_error",
}
_OF_ENDS = {"softmax": "softmax_cross_entropy", "sigmoid": "sigmoid_cross_entropy"}  # of a model that is not compiled


def loss_of(model, y, output, are_classes) -> dict:
    """{"operation": name in `losses.js` or None, "joined": whether it reads what the last activation reads,
    "smoothing", "choices", "classifies": whether the outputs are classes, "part": whether the model's whole loss has
    more parts, from other outputs or penalties}. are_classes: the caller named them."""
    loss, end = model._heads[0].loss if model.compiled else None, model.ends_in
    end = end[0] if isinstance(end, list) else end
    if loss is None:
        operation, joined = (None if model.compiled else _OF_ENDS.get(end)), end is not None
    else:
        joined = loss.joins(end)
        reads_logits = joined or getattr(loss, "from_logits", False)
        operation = _KNOWN.get(loss.logits_operation if reads_logits else loss.operation)
    if y is None and operation == "mean_squared_error":
        operation = None
    smoothing, K = float(getattr(loss, "label_smoothing", 0.0)), output.shape[-1]
    labels = y is not None and y.size == len(y) and K > 1
    if getattr(loss, "ignore_class", None) is not None:
        operation = None  # the page counts every row
    return {
        "operation": operation,
        "joined": bool(joined and operation),
        "smoothing": smoothing,
        "choices": loss.choices(output.shape) if smoothing else K,
        "part": model.gives_several or _has_penalties(model),
        "classifies": output.ndim == 2 and (are_classes or end is not None or "entropy" in str(operation) or labels),
    }


def _has_penalties(model) -> bool:
    return makes_gradients(model) or any(variable.regularizer is not None for variable in model.trainable_variables)


def targets_of(y, output, operation, numbers) -> dict:
    """{"labels": a number for each image} or {"targets": numbers of the output's shape}; {} without y."""
    if y is None:
        return {}
    K, rows = output.shape[-1], y.reshape(len(y), -1)
    one_number = rows.shape[1] == 1
    if one_number and (output.size == len(output) or operation != "mean_squared_error"):
        return {"labels": [float(label) for label in rows[:, 0]]}
    if K > 1 and rows.shape[1] * K == output[0].size and y.dtype.kind in "iu":  # a label for each pixel
        return {"targets": numbers.add(np.eye(K, dtype=np.float32)[y.reshape(output.shape[:-1])])}
    if rows.shape[1] != output[0].size:
        raise ValueError(f"y must be labels (N,) or have the output's shape {output.shape}; received shape {y.shape}.")
    one_hot = output.ndim == 2 and np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all()
    if one_hot and operation != "mean_squared_error":
        return {"labels": [float(label) for label in rows.argmax(axis=1)]}
    return {"targets": numbers.add(y.reshape(output.shape))}
