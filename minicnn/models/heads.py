"""The heads of a model: for each output a loss with its weight, and metrics."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .. import losses, metrics
from ..activations import Activation
from ..arguments import is_ours
from ..nest import flatten
from ..registry import object_name
from ..running_mean import RunningMean
from ..runtime import transfer
from ..runtime.replay import changes
from .by_name import in_order, listed


class Head(changes.Watched):
    """Output number `index` in training. Without a loss it is not trained, without metrics it is not measured.

    In logs its loss is called `loss_name`, and `prefix` comes before the names of its metrics, if there are several.
    """

    def __init__(self, index, name, loss, weight, identifiers, weighted_identifiers, loss_name=None):
        self.index, self.name = index, name
        self.loss_name, self.prefix = (f"{name}_loss", f"{name}_") if loss_name is None else (loss_name, "")
        self.loss: losses.Loss | None = loss
        self.weight = 1.0 if weight is None else float(weight)
        self.identifiers, self.weighted_identifiers = identifiers, weighted_identifiers
        self.metrics: list[metrics.Metric] | None = None  # chosen with the first data
        self.weighted_metrics: list[metrics.Metric] = []
        self.activation_in_loss: Activation | None = None  # the last activation, if the loss computes it as well
        self.loss_mean = RunningMean()
        for identifier in (*identifiers, *weighted_identifiers):  # a wrong name is an error now, not later
            if metrics.get(identifier, None, (None,), (None, 1)) is None:
                raise ValueError("A metric is a name, a function or a minicnn.metrics.Metric; received None.")

    def prepare(self, y, weights, output_shape, ends_in, dtype) -> None:
        """Check targets and weights against the output. Choose metrics, and the activation that is in the loss."""
        if self.loss is not None:
            self.loss.check_targets(y, output_shape)
            self.activation_in_loss = Activation(ends_in, ends_in) if self.loss.joins(ends_in) else None
        if self.metrics is None and y is not None:
            self.metrics, self.weighted_metrics = (
                [metrics.get(identifier, self.loss, y.shape, output_shape) for identifier in identifiers]
                for identifiers in (self.identifiers, self.weighted_identifiers)
            )
        for metric in self.all_metrics():
            metric.check_targets(y, output_shape)
        if weights is not None:
            shape = output_shape[:-1] if self.loss is None else self.loss.shape_of_losses(y.shape, output_shape)
            losses.weights_per_row(weights, shape, dtype)

    @property
    def is_not_reduced(self) -> bool:
        """Whether the loss has reduction="none": logs show the mean of its numbers, and training lowers their sum."""
        return self.loss is not None and self.loss.reduction in ("none", None)

    @property
    def has_other_gradient(self) -> bool:
        """Whether the gradient of the sum of losses weighs the rows otherwise than the loss in the logs does."""
        return self.weight != 1 or self.is_not_reduced

    def all_metrics(self) -> list[metrics.Metric]:
        return [*(self.metrics or []), *self.weighted_metrics]

    def targets(self, y, shape, dtype):
        """A batch of targets in the form that the loss takes, moved to where the backend computes."""
        return transfer.to_device(self.loss.targets(y, shape, dtype))

    def update_metrics(self, y, output, weights) -> None:
        """Give a batch to the metrics. minicnn's read the output where it is; others get a NumPy copy to keep."""
        copied = None
        for metric in self.all_metrics():
            shown = output
            if not metric.takes_arrays_of_the_backend:
                shown = copied = np.array(transfer.to_host(output)) if copied is None else copied
            if metric in self.weighted_metrics and weights is not None:
                metric.update_state(y, shown, weights)
            else:
                metric.update_state(y, shown)

    def reset(self) -> None:
        self.loss_mean = RunningMean()
        for metric in self.all_metrics():
            metric.reset_state()


def check_identifiers(loss, loss_weights, metrics_given, weighted_given) -> None:
    """ValueError if a name of a loss or metric is unknown: while the outputs are unknown, nothing else is known."""
    for identifier in _leaves(loss):
        losses.as_loss(identifier)
    for identifier in [*_leaves(metrics_given), *_leaves(weighted_given)]:
        metrics.get(identifier, None, (None,), (None, 1))


def _leaves(given):
    if isinstance(given, dict) and "class_name" not in given:
        return _leaves(list(given.values()))
    if isinstance(given, (list, tuple)):
        return [leaf for part in given for leaf in _leaves(part)]
    return [] if given is None else [given]


def make_heads(names: list[str], loss, loss_weights, metrics_given, weighted_given, named=True) -> list[Head]:
    """A head for every output, from what `compile` takes: one loss for all, or lists and dictionaries by output.

    named: whether logs show the outputs' names. If not, losses are told apart by their own names, as in Keras.
    """
    if isinstance(loss, dict) and "class_name" not in loss:
        chosen = in_order(loss, names, "loss", missing_allowed=True)
    elif isinstance(loss, (list, tuple)):
        chosen = in_order(loss, names, "loss")
    else:
        chosen = [loss] * len(names)
    chosen = [one[0] if isinstance(one, (list, tuple)) and len(one) == 1 else one for one in chosen]
    weights = [None] * len(names)
    if loss_weights is not None:
        given = [loss_weights] if isinstance(loss_weights, (int, float)) else loss_weights
        weights = in_order(given, names, "loss_weights", missing_allowed=True)
        if not all(w is None or isinstance(w, (int, float, np.number)) for w in weights):
            raise ValueError(f"loss_weights must be numbers; received {loss_weights!r}.")
    per_output = zip(
        names, chosen, weights, _by_output(metrics_given, names, "metrics"),
        _by_output(weighted_given, names, "weighted_metrics"), strict=True,
    )  # fmt: skip
    return [
        Head(i, name, losses.as_loss(one_loss), weight, plain, weighted, None if named else _loss_name(one_loss))
        for i, (name, one_loss, weight, plain, weighted) in enumerate(per_output)
    ]


def _loss_name(identifier):
    """The name of a loss in logs where outputs have no names."""
    return f"{identifier if isinstance(identifier, str) else object_name(identifier)}_loss"


def _by_output(given, names, what) -> list[list]:
    """The metrics of each output. A model with one output takes a list of metrics, or one metric. A model with several
    takes a list with one entry for each output, or a dictionary by name."""
    if given is None or (isinstance(given, (list, tuple, dict)) and not given):
        return [[] for _ in names]
    if isinstance(given, dict) and "class_name" not in given:
        return [listed(entry) for entry in in_order(given, names, what, missing_allowed=True)]
    if len(names) > 1:
        return [listed(entry) for entry in in_order(given, names, what)]
    of_one = listed(given)
    return [of_one[0] if len(of_one) == 1 and isinstance(of_one[0], (list, tuple)) else of_one]


def metrics_within(model) -> list[metrics.Metric]:
    """The metrics that users' layers, and a user's model, keep in attributes."""
    own = [layer for layer in model.flattened() if not is_ours(type(layer))]
    held = [v for layer in own for name, v in vars(layer).items() if name not in ("compile_arguments", "_heads")]
    found = [part for part in flatten(held) if isinstance(part, metrics.Metric)]
    return list({id(metric): metric for metric in found}.values())


def log_names(heads: list[Head]) -> dict[str, metrics.Metric]:
    """{name in the logs: metric}, with Keras's names. With several outputs the output's name comes first. If a name
    comes twice, the second gets "weighted_" or a number."""
    found: dict[str, metrics.Metric] = {}
    taken: Counter[str] = Counter()
    several = len(heads) > 1

    def add(head, metric, name, spare=None):
        full = f"{head.prefix}{name}" if several else name
        if taken[full] and spare:
            full = f"{head.prefix}{spare}" if several else spare
        number = taken[full]
        taken[full] += 1
        found[f"{full}_{number}" if number else full] = metric

    for head in heads:
        for metric in head.metrics or []:
            add(head, metric, metric.name)
    for head in heads:
        for metric in head.weighted_metrics:
            add(head, metric, metric.name, f"weighted_{metric.name}")
    return found
