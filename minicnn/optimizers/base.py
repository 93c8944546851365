"""The base class of optimizers: the rate, clipping, weight decay, and the memories of every weight."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import numpy as np

from ..ops import optimizer_update
from ..printing import say
from ..registry import Configurable, Registry, automatic_name, nearest, serialize
from ..results import Number
from ..runtime import transfer
from ..runtime.replay import changes
from ..shapes import is_number
from ..variable import Variable
from . import schedules
from .memories import AVERAGE, MEAN, RemembersWeights, is_schedule

registry = Registry("optimizer")


class Optimizer(changes.Watched, RemembersWeights, Configurable):
    """Base class. A subclass names its memories in `memory_names` and defines `update`.

    learning_rate      a number, one of `schedules`, or a function without arguments that every step calls
    weight_decay       every step also subtracts weight * rate * weight_decay
    clipnorm           the largest norm of each gradient; a larger gradient is scaled down
    clipvalue          every number of a gradient is limited to -clipvalue to clipvalue
    global_clipnorm    as clipnorm, for the norm of all gradients together
    use_ema            keep a moving average of each weight, which replaces the weight at the end of `fit`
    ema_momentum       the share of the old average in the new one
    ema_overwrite_frequency        the averages also replace the weights after every so many steps
    loss_scale_factor  the loss of your own step was multiplied by this: `apply_gradients` divides the gradients by it
    gradient_accumulation_steps    weights change only after so many steps, by the mean of these steps' gradients
    """

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **unknown,
    ):
        if unknown.pop("decay", None) is not None:  # in programs for Keras 2
            say("minicnn: the argument decay has no effect, as in Keras 3; a schedule lowers the rate.")
        if unknown:
            first, known = next(iter(unknown)), self._argument_names()
            said = "Did you mean 'learning_rate'?" if first == "lr" else nearest(first, known)
            raise TypeError(
                f"{type(self).__name__} has no argument {first!r} (received {first}={unknown[first]!r}). {said}"
            )
        self.name, self.steps = name or automatic_name(type(self).__name__), 0
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = use_ema, ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor, self.gradient_accumulation_steps = loss_scale_factor, gradient_accumulation_steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        if sum(value is not None for value in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(
                "Only one of clipnorm, clipvalue and global_clipnorm can be set; received "
                f"clipnorm={clipnorm!r}, clipvalue={clipvalue!r}, global_clipnorm={global_clipnorm!r}."
            )
        for label in ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"):
            value = getattr(self, label)
            if value is not None and not (is_number(value) and value >= 0):
                raise ValueError(f"{label} must be a number, zero or more; received {label}={value!r}.")
        if not (is_number(ema_momentum) and 0 <= ema_momentum <= 1):
            raise ValueError(f"ema_momentum must be a number from 0 to 1; received ema_momentum={ema_momentum!r}.")
        for label, least in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
            value = getattr(self, label)
            if value is not None and not (hasattr(value, "__index__") and value >= least):
                raise ValueError(f"{label} must be an integer, {least} or more, or None; received {label}={value!r}.")
        self._memories: dict[Variable, dict[str, np.ndarray]] = {}
        self._not_decayed: list[int] = []
        self._names_not_decayed: list[re.Pattern] = []

    @property
    def may_be_recorded(self) -> bool:
        """Whether every step runs the same kernels (`runtime/replay`)."""
        return not (self.gradient_accumulation_steps or (self.use_ema and self.ema_overwrite_frequency))

    @property
    def iterations(self) -> int:
        """How often the weights have changed."""
        return self.steps // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self) -> LearningRate:
        """The step size of the next step; may be set during training, unless it follows a schedule."""
        return LearningRate(self._rate(), self)

    def _rate(self):
        if self._schedule is None:
            return self._learning_rate
        return float(self._schedule(self.steps) if is_schedule(self._schedule) else self._schedule())

    @learning_rate.setter
    def learning_rate(self, value):
        if isinstance(value, dict):
            value = schedules.get(value)
        if self._schedule is not None:
            kind = getattr(self._schedule, "__name__", type(self._schedule).__name__)
            raise TypeError(f"The rate of {self.name!r} follows {kind}, and cannot be set.")
        if callable(value) and not isinstance(value, type):
            self._schedule = value
            return
        if not (is_number(value) and value >= 0):
            raise ValueError(f"learning_rate must be a number, zero or more; received learning_rate={value!r}.")
        self._learning_rate = float(value)

    _schedule: schedules.LearningRateSchedule | Callable[[], float] | None = None

    def get_config(self):
        """The constructor's arguments. In the place of a function as learning rate stands its number of now."""
        rate = self._schedule if is_schedule(self._schedule) else float(self._rate())
        return {**super().get_config(), "learning_rate": serialize(rate)}

    def step_rate(self, learning_rate: float, t: int) -> float | tuple[float, ...]:
        """The rate that multiplies the gradients of step t = 1, 2, ...; or several numbers that the step needs."""
        return learning_rate

    def update(self, w: np.ndarray, g: np.ndarray, memory: dict[str, np.ndarray], rate) -> None:
        """Change the weight w in place by its gradient g and the arrays named in `memory_names`. rate: what
        `step_rate` returned."""
        raise NotImplementedError(f"{type(self).__name__} does not define update.")

    def exclude_from_weight_decay(self, var_list=None, var_names=None) -> None:
        """Turn weight decay off for the weights in var_list, and for those with a path that matches a pattern."""
        self._not_decayed += [id(variable) for variable in var_list or []]
        self._names_not_decayed += [re.compile(name) for name in var_names or []]

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of this weight."""
        return self.weight_decay

    def decays(self, variable: Variable) -> bool:
        """Whether weight decay changes this weight."""
        named = any(name.search(variable.path) for name in self._names_not_decayed)
        return not named and id(variable) not in self._not_decayed

    def apply_gradients(self, grads_and_vars) -> None:
        """Do one step with your own gradients, NumPy arrays in pairs (gradient, variable)."""
        pairs = [
            (None if g is None else transfer.to_device(np.require(self._unscaled(g), v.dtype, ["C"])), v)
            for g, v in grads_and_vars
        ]
        if all(gradient is None for gradient, _ in pairs):
            raise ValueError("apply_gradients received no gradient: each of its pairs is (gradient, variable).")
        missing = ", ".join(repr(variable.path) for gradient, variable in pairs if gradient is None)
        if missing:
            warnings.warn(f"apply_gradients received no gradients for {missing}, which stay as they are.", stacklevel=2)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])

    def scale_loss(self, loss):
        """The loss times `loss_scale_factor`, for a step of your own."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def _unscaled(self, gradient):
        return gradient if self.loss_scale_factor is None else np.asarray(gradient) / self.loss_scale_factor

    def apply(self, gradients: list[np.ndarray | None], variables: list[Variable]) -> None:
        """Do one step: change every variable by its gradient. A variable without a gradient stays as it is."""
        if len(self._memories) < len(variables):
            self.build(variables)  # also for those that have no gradient in this step, as in Keras
        pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        dtype = pairs[0][1].array.dtype if pairs else "float64"
        changes_weights = True
        if self.gradient_accumulation_steps:
            pairs, changes_weights = self._means(pairs)
        rate = self._begin_step(dtype)
        with changes.of_weights.within():
            if changes_weights:
                self._update_all(pairs, rate, dtype)
            if self.use_ema:
                self._average(variables, dtype)
            for _, variable in pairs:
                if variable.constraint is not None:
                    variable.constraint.hold(_array_for(type(variable.constraint).hold, variable))

    def _update_all(self, pairs, rate, dtype):
        shares = {}  # {weight decay: the share of the weight that this step subtracts}
        for gradient, variable in zip(self._clipped([g for g, _ in pairs]), [v for _, v in pairs], strict=True):
            memory, decay = self._memory_of(variable), self.decay_of(variable)
            if decay and self.decays(variable):
                if decay not in shares:
                    shares[decay] = transfer.number(lambda decay=decay: decay * self._rate_of_step, dtype)
                optimizer_update.decay(variable.array, shares[decay])
            self.update(_array_for(type(self).update, variable), gradient, memory, rate)

    def _means(self, pairs):
        """Add the gradients to the means of this round of steps. Returns the pairs with the means, and whether the
        round is complete, so that the weights change."""
        place, count = self.steps % self.gradient_accumulation_steps, self.gradient_accumulation_steps
        for gradient, variable in pairs:
            optimizer_update.average(gradient, self._memory_of(variable)[MEAN], place / (place + 1))
        return [(self._memory_of(v)[MEAN], v) for _, v in pairs], place == count - 1

    def _average(self, variables, dtype):
        """Add the weights to their moving averages; every `ema_overwrite_frequency` steps take over the averages."""
        share = transfer.number(lambda: self.ema_momentum if self._step_before else 0.0, dtype)
        for variable in variables:
            optimizer_update.average(variable.array, self._memory_of(variable)[AVERAGE], share)
        if self.ema_overwrite_frequency and (self._step_before + 1) % self.ema_overwrite_frequency == 0:
            self.finalize_variable_values(variables)

    @property
    def _step_before(self):
        """`iterations` before this step."""
        return (self.steps - 1) // (self.gradient_accumulation_steps or 1)

    def finalize_variable_values(self, var_list: list[Variable]) -> None:
        """With use_ema, set the weights to their moving averages. `fit` does this at its end."""
        if self.use_ema:
            with changes.of_weights.within():
                for variable in var_list:
                    transfer.assign(variable.array, transfer.to_host(self._memory_of(variable)[AVERAGE]))

    def exchange_with_averages(self, var_list: list[Variable]) -> None:
        """With use_ema, put the moving averages in the places of the weights, and the weights in theirs."""
        with changes.of_weights.within():
            for variable in var_list:
                average, weight = self._memory_of(variable)[AVERAGE], np.array(transfer.to_host(variable.array))
                transfer.assign(variable.array, transfer.to_host(average))
                transfer.assign(average, weight)

    def take_as_averages(self, var_list: list[Variable]) -> None:
        """With use_ema, set the moving averages to the weights."""
        for variable in var_list:
            transfer.assign(self._memory_of(variable)[AVERAGE], transfer.to_host(variable.array))

    def _begin_step(self, dtype):
        """Count the step. Returns what `step_rate` returns, for kernels. A replayed step does this again."""
        first = transfer.number(self._next_numbers, dtype)
        if len(self._numbers) == 1:
            return first
        return first, *(transfer.number(lambda i=i: self._numbers[i], dtype) for i in range(1, len(self._numbers)))

    def _next_numbers(self):
        self._rate_of_step = self._rate()
        self.steps += 1
        numbers = self.step_rate(self._rate_of_step, self._step_before + 1)
        self._numbers = numbers if isinstance(numbers, tuple) else (numbers,)
        return self._numbers[0]

    def _clipped(self, gradients):
        if self.clipvalue:
            return [optimizer_update.clip_value(g, self.clipvalue) for g in gradients]
        if self.clipnorm:
            return [optimizer_update.clip_norm([g], self.clipnorm)[0] for g in gradients]
        if self.global_clipnorm:
            return optimizer_update.clip_norm(gradients, self.global_clipnorm)
        return gradients


def _array_for(method, variable):
    """The variable's array, for a method that changes it. A user's own method may keep it and change it later."""
    return variable.array if method.__module__.startswith("minicnn.") else variable.value


class LearningRate(Number):
    """A learning rate: a number with the methods that it has in Keras."""

    def __new__(cls, value, optimizer):
        rate = super().__new__(cls, value)
        rate._optimizer = optimizer
        return rate

    @property
    def value(self) -> float:
        return float(self)

    def __reduce__(self):
        """Pickle the rate as a plain number, for example in a History."""
        return float, (float(self),)

    def assign(self, value) -> None:
        """Set the optimizer's rate."""
        self._optimizer.learning_rate = float(value)


def checked_share(value, label: str):
    """The factor by which a running mean decays, as a float. ValueError unless it is from 0 to below 1."""
    if not (is_number(value) and 0 <= value < 1):
        raise ValueError(f"{label} must be a number from 0 to below 1; received {label}={value!r}.")
    return float(value)


def get(identifier) -> Optimizer | None:
    """An optimizer from its name, its configuration, its class or itself; None for None."""
    if identifier is None:
        return None
    if isinstance(identifier, str):
        identifier = identifier.lower() if identifier.lower() in registry.entries else identifier
    optimizer = registry.get(identifier)
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"An optimizer is a name or a minicnn.optimizers.Optimizer; received {identifier!r}.")
    return optimizer
