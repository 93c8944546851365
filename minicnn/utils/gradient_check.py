"""Are the gradients right? Compare them with slopes that are measured by changing each number a little.

The measured slope of f at a number v is (f(v + h) - f(v - h)) / 2h. Its error falls with h^2. In float64 with
h = 1e-5 the slope is exact to about ten digits, so a mistake in a `backward` is easy to see.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from .. import losses
from ..layers.base import Layer
from ..layers.penalty import collected_losses, with_activity_penalty
from ..layers.state import unchanged_state
from ..notebook import table
from ..printing import say
from ..runtime import transfer
from ..runtime.replay import changes

_KINK = 1e-3  # if left and right slope differ by more than this (relative), there is a kink between them
_KINKS_ALLOWED = 0.05  # the largest share of a tensor's entries


def gradient_check(
    model_or_layer: Layer,
    x,
    y=None,
    *,
    loss=None,
    training: bool = True,
    step: float = 1e-5,
    max_entries: int = 400,
    seed: int = 0,
    verbose: bool = True,
) -> CheckedGradients:
    """The largest error of a layer's or model's gradients, for its inputs x and all trainable weights: a float.

    Everything runs in float64, and dropout draws the same mask every time. Afterwards weights, moving statistics and
    random states are as before. Without y the checked function is a sum of the outputs, each times a random factor
    (equal factors would hide mistakes). With targets y it is the model's loss (or `loss`), where each sample has a
    random weight.

    The error of a tensor is max|analytic - measured| / max(1, max|measured|); a right gradient stays below 1e-6.
    In large tensors, max_entries entries are checked, chosen at random. Entries where left and right slope differ are
    left out: there is a kink (of relu, max, abs) within one `step`. ValueError if they are more than 5 % of a tensor.
    The worst entry is printed unless verbose is False.
    """
    layer, rng = model_or_layer, np.random.default_rng(seed)
    xs = [np.array(v, np.float64) for v in (x if layer.takes_several else [x])]
    layer.build_for([v.shape for v in xs] if layer.takes_several else xs[0].shape)
    with _in_float64(layer):
        problem = _Problem(layer, xs, y, loss, training, rng)
        gradients = problem.gradients()
        worst = None
        left_out = 0
        for name, array, gradient in gradients:
            found, kinks = _worst_entry(problem, name, array, gradient, step, max_entries, rng)
            left_out += kinks
            if found is not None and (worst is None or found[0] > worst[0]):
                worst = found
    if worst is None:
        raise ValueError(f"{layer.name!r} has nothing to check: no inputs and no trainable weights.")
    error, name, place, analytic, measured = worst
    if verbose:
        say(
            f"gradient_check of {layer.name}: worst entry {name}[{', '.join(map(str, place))}] "
            f"analytic {analytic:.10g} measured {measured:.10g}, error {error:.1e} "
            f"(step {step:g}, {left_out} entries at kinks left out)"
        )
    return CheckedGradients(error, layer.name, f"{name}[{', '.join(map(str, place))}]", analytic, measured, left_out)


class CheckedGradients(float):
    """The largest error. `entry` is where it is, `analytic` and `measured` are the two slopes there, and `left_out` is
    the number of entries that were not compared because of a kink."""

    def __new__(cls, error, layer="", entry="", analytic=0.0, measured=0.0, left_out=0):
        self = super().__new__(cls, error)
        self.layer, self.entry, self.analytic, self.measured, self.left_out = layer, entry, analytic, measured, left_out
        return self

    def _repr_html_(self):
        """In a notebook: a table with the worst entry."""
        names = ["worst entry", "analytic", "measured", "error", "entries at kinks left out"]
        row = [self.entry, f"{self.analytic:.10g}", f"{self.measured:.10g}", f"{float(self):.1e}", self.left_out]
        return table(f"gradient_check of {self.layer}", names, [row])


class _Problem:
    """The checked function of a layer's inputs and weights: its value, and its gradients by `backward`."""

    def __init__(self, layer, xs, y, loss, training, rng):
        self.layer, self.xs, self.training, self.rng = layer, xs, training, rng
        self.held = [(variable, variable.array) for variable in layer.weights]  # on the host, where entries are changed
        self.y, self.loss, self.factors = None, None, None  # factors: of the outputs or losses, drawn at the first use
        if y is not None:
            loss = getattr(layer, "loss", None) if loss is None else loss
            if loss is None or layer.gives_several:
                raise ValueError(
                    "With targets y, gradient_check needs a loss (from compile, or given as loss=...) and a model "
                    "with one output."
                )
            self.y, self.loss = np.asarray(y), losses.as_loss(loss)
        self.joined = self.loss is not None and self.loss.joins(layer.ends_in)

    def _outputs(self, need_saved):
        """(the list of outputs, saved, the losses that layers add)."""
        for variable, value in self.held:
            variable.array = transfer.to_device(value)
        xs = [transfer.to_device(x) for x in self.xs]
        x = xs if self.layer.takes_several else xs[0]
        logits = {"logits": True} if self.joined else {}
        with unchanged_state(self.layer), collected_losses() as added:
            y, saved = with_activity_penalty(self.layer).forward(x, self.training, need_saved, **logits)
        return (y if self.layer.gives_several else [y]), saved, added

    def _losses(self, outputs):
        self.loss.check_targets(self.y, outputs.shape)
        targets = transfer.to_device(self.loss.targets(self.y, outputs.shape, outputs.dtype))
        return self.loss.forward(targets, outputs, self.joined)

    def _weigh(self, arrays):
        """The sum of all numbers, each times a random factor. Factors are drawn once, and none is near zero."""
        arrays = [transfer.to_host(array) for array in arrays]
        if self.factors is None:
            self.factors = [self.rng.uniform(0.5, 1.5, a.shape) * self.rng.choice([-1.0, 1.0], a.shape) for a in arrays]
        return sum(float((a * factors).sum()) for a, factors in zip(arrays, self.factors, strict=True))

    def value(self):
        outputs, _, added = self._outputs(need_saved=False)
        weighed = self._weigh(outputs if self.loss is None else [self._losses(outputs[0])[0]])
        return weighed + sum(float(loss) for loss in added)

    def gradients(self):
        """(name, array, gradient) of every input and trainable weight."""
        variables = self.layer.trainable_weights
        outputs, saved, _ = self._outputs(need_saved=True)
        if self.loss is None:
            self._weigh(outputs)
            dys = [transfer.to_device(factors) for factors in self.factors]
            dy = dys if self.layer.gives_several else dys[0]
        else:
            values, saved_loss = self._losses(outputs[0])
            self._weigh([values])
            dy = self.loss.backward(transfer.to_device(self.factors[0]), saved_loss)
        for variable in variables:
            variable.grad = None
        dx = with_activity_penalty(self.layer).backward(dy, saved, need_dx=True)
        dxs = dx if self.layer.takes_several else [dx]
        found = [("x" if len(dxs) == 1 else f"x{i}", v, g) for i, (v, g) in enumerate(zip(self.xs, dxs, strict=True))]
        held = {id(variable): value for variable, value in self.held}
        found += [(variable.path, held[id(variable)], variable.grad) for variable in variables]
        for variable in variables:
            variable.grad = None
        return [
            (name, array, np.zeros_like(array) if g is None else np.array(transfer.to_host(g)))
            for name, array, g in found
        ]


def _worst_entry(problem, name, array, gradient, step, max_entries, rng):
    """((error, name, place, analytic, measured) of the worst entry or None, number of entries left out at kinks)."""
    places = list(np.ndindex(array.shape))
    if len(places) > max_entries:
        places = [places[i] for i in np.sort(rng.choice(len(places), max_entries, replace=False))]
    checked, kinks = [], 0
    middle = problem.value()
    for place in places:
        original = array[place]
        array[place] = original + step
        right = problem.value()
        array[place] = original - step
        left = problem.value()
        array[place] = original
        slopes = (right - middle) / step, (middle - left) / step
        if abs(slopes[0] - slopes[1]) > _KINK * max(1.0, abs(slopes[0]), abs(slopes[1])):
            kinks += 1
            continue
        checked.append((place, float(gradient[place]), (right - left) / (2 * step)))
    if kinks > _KINKS_ALLOWED * len(places):
        raise ValueError(
            f"{kinks} of {len(places)} entries of {name} are within {step:g} of a kink; at most 5 % are allowed. "
            "Use other data, or a smaller step."
        )
    scale = max([1.0, *(abs(measured) for _, _, measured in checked)])
    errors = [
        (abs(analytic - measured) / scale, name, place, analytic, measured) for place, analytic, measured in checked
    ]
    nans = [error for error in errors if error[0] != error[0]]
    return (nans[0] if nans else max(errors, key=lambda error: error[0], default=None)), kinks


@contextmanager
def _in_float64(layer):
    """In this block the layer and all layers inside it store and compute float64."""
    inner = layer.flattened()
    dtypes = [(part, part.dtype) for part in inner]
    values = [(variable, variable.array) for part in inner for variable in part._variables]
    try:
        for part in inner:
            part.dtype = "float64"
        for variable, value in values:
            variable.array = np.array(transfer.to_host(value), np.float64)
        yield
    finally:
        for part, dtype in dtypes:
            part.dtype = dtype
        for variable, value in values:
            variable.array = value
        changes.of_weights.note()
