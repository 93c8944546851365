"""The base class of optimizers: the rate, clipping, weight decay, and the memories of every weight."""

from __future__ import annotations

import re

import numpy as np

from ..ops import optimizer_update
from ..registry import Configurable, Registry, serialize
from ..results import Number
from ..runtime import transfer
from ..runtime.replay import changes
from ..shapes import is_number
from ..variable import Variable
from . import schedules

registry = Registry("optimizer")


class Optimizer(changes.Watched, Configurable):
    """Base class. A subclass names its memories in `memory_names` and defines `update`.

    learning_rate      a number, or one of `schedules`
    weight_decay       every step also subtracts weight * rate * weight_decay
    clipnorm           the largest norm of each gradient; a larger gradient is scaled down
    global_clipnorm    the same for the norm of all gradients together
    clipvalue          every number of a gradient is limited to -clipvalue to clipvalue
    """

    def __init__(
        self, learning_rate, weight_decay=None, clipnorm=None, clipvalue=None, global_clipnorm=None, name=None
    ):
        self.name, self.iterations = name or type(self).__name__.lower(), 0
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        if sum(value is not None for value in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(
                "Only one of clipnorm, clipvalue and global_clipnorm can be set; received "
                f"clipnorm={clipnorm!r}, clipvalue={clipvalue!r}, global_clipnorm={global_clipnorm!r}."
            )
        for label in ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm"):
            value = getattr(self, label)
            if value is not None and not (is_number(value) and value >= 0):
                raise ValueError(f"{label} must be a number, zero or more; received {label}={value!r}.")
        self._memories: dict[Variable, dict[str, np.ndarray]] = {}
        self._not_decayed: list[int] = []
        self._names_not_decayed: list[re.Pattern] = []

    @property
    def learning_rate(self) -> LearningRate:
        """The step size of the next step; may be set during training, unless it follows a schedule."""
        return LearningRate(self._rate(), self)

    def _rate(self):
        return self._schedule(self.iterations) if self._schedule else self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        if isinstance(value, dict):
            value = schedules.get(value)
        if self._schedule is not None:
            raise TypeError(f"The rate of {self.name!r} follows {type(self._schedule).__name__}, and cannot be set.")
        if isinstance(value, schedules.LearningRateSchedule):
            self._schedule = value
            return
        if not (is_number(value) and value >= 0):
            raise ValueError(f"learning_rate must be a number, zero or more; received learning_rate={value!r}.")
        self._learning_rate = float(value)

    _schedule: schedules.LearningRateSchedule | None = None

    def get_config(self):
        return {**super().get_config(), "learning_rate": serialize(self._schedule or self._learning_rate)}

    def memory_names(self) -> list[str]:
        """The names of the arrays that the optimizer keeps for each weight."""
        return []

    first_memory = 0.0
    """The number that fills the memories before the first step."""

    def step_rate(self, learning_rate: float) -> float:
        """The rate that multiplies the gradients of this step. `iterations` already counts this step."""
        return learning_rate

    def update(self, w: np.ndarray, g: np.ndarray, memory: dict[str, np.ndarray], rate) -> None:
        """Change the weight w in place by its gradient g, the arrays named in `memory_names` and the step's rate."""
        raise NotImplementedError(f"{type(self).__name__} does not define update.")

    def memory_order(self) -> list[list[str]]:
        """`memory_names` in the order of Keras's files: for each list in turn, weight by weight, the list's arrays."""
        return [[name] for name in self.memory_names()]

    def state(self, variables: list[Variable]) -> list[np.ndarray]:
        """Copies of the number of steps, the rate (unless it follows a schedule) and every memory, in Keras's order."""
        memories = {v: self._memory_of(v) for v in variables}
        arrays = [np.array(self.iterations, np.int64)]
        if self._schedule is None:
            arrays.append(np.array(self.learning_rate, np.float32))
        for names in self.memory_order():
            arrays += [np.array(transfer.to_host(memories[v][name])) for v in variables for name in names]
        return arrays

    def set_state(self, variables: list[Variable], arrays: list[np.ndarray]) -> None:
        """Take over what `state` returned. ValueError, before anything changes, if it does not fit the variables."""
        places = [(v, name) for names in self.memory_order() for v in variables for name in names]
        numbers = 1 if self._schedule else 2
        (steps, *rate), memories = arrays[:numbers] or [None], arrays[numbers:]
        fits = len(memories) == len(places) and all(np.shape(n) == () and n >= 0 for n in (steps, *rate))
        if not fits or any(v.shape != array.shape for (v, _), array in zip(places, memories, strict=True)):
            raise ValueError(
                f"The state of {self.name!r} has {len(arrays)} arrays; for {len(variables)} weights it needs "
                f"{len(places) + numbers} arrays of matching shapes."
            )
        if rate and np.float32(self.learning_rate) != np.float32(rate[0]):  # `state` gives float32: keep an equal rate
            self.learning_rate = float(rate[0])
        self.iterations = int(steps)
        for (variable, name), array in zip(places, memories, strict=True):
            transfer.assign(self._memory_of(variable)[name], array)

    def remembers(self, variable: Variable) -> bool:
        """Whether there are memories of this weight."""
        return variable in self._memories

    def memories(self, variable: Variable) -> dict[str, np.ndarray]:
        """Copies of the memories of this weight, by the names in `memory_names`."""
        return {name: np.array(transfer.to_host(array)) for name, array in self._memory_of(variable).items()}

    def build(self, variables: list[Variable]) -> None:
        """Make the memories of these weights now, not in the first step."""
        for variable in variables:
            self._memory_of(variable)

    @property
    def variables(self) -> list[Variable]:
        """The number of steps and the rate, as copies, and the memories of every weight that has some."""
        numbers = {"iteration": self.iterations}
        if self._schedule is None:
            numbers["learning_rate"] = self._learning_rate
        own = [
            Variable(np.float64(number), dtype="float64", trainable=False, name=name, path=f"{self.name}/{name}")
            for name, number in numbers.items()
        ]
        for names in self.memory_order():
            for variable, memory in self._memories.items():
                for name in names:
                    path = f"{self.name}/{variable.path.replace('/', '_')}_{name}"
                    held = Variable(0.0, dtype=variable.dtype, trainable=False, name=path.split("/")[1], path=path)
                    held.array = memory[name]
                    own.append(held)
        return own

    def exclude_from_weight_decay(self, var_list=None, var_names=None) -> None:
        """Turn weight decay off for the weights in var_list, and for those with a path that matches a pattern."""
        self._not_decayed += [id(variable) for variable in var_list or []]
        self._names_not_decayed += [re.compile(name) for name in var_names or []]

    def decays(self, variable: Variable) -> bool:
        """Whether weight decay changes this weight."""
        named = any(name.search(variable.path) for name in self._names_not_decayed)
        return not named and id(variable) not in self._not_decayed

    def apply_gradients(self, grads_and_vars) -> None:
        """Do one step with your own gradients, NumPy arrays in pairs (gradient, variable)."""
        pairs = [
            (None if g is None else transfer.to_device(np.require(g, v.dtype, ["C"])), v) for g, v in grads_and_vars
        ]
        if all(gradient is None for gradient, _ in pairs):
            raise ValueError("apply_gradients received no gradient: each of its pairs is (gradient, variable).")
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])

    def to_device(self) -> None:
        """Move the memories to where the backend in use computes."""
        for memory in self._memories.values():
            memory.update({name: transfer.to_device(array) for name, array in memory.items()})

    def apply(self, gradients: list[np.ndarray | None], variables: list[Variable]) -> None:
        """Do one step: change every variable by its gradient. A variable without a gradient stays as it is."""
        pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        dtype = pairs[0][1].array.dtype if pairs else "float64"
        rate = transfer.number(self._next_rate, dtype)
        if self.weight_decay:
            decay = transfer.number(lambda: self.weight_decay * self._rate_of_step, dtype)
        with changes.of_weights.within():
            for gradient, variable in zip(self._clipped([g for g, _ in pairs]), [v for _, v in pairs], strict=True):
                memory = self._memory_of(variable)
                if self.weight_decay and self.decays(variable):
                    optimizer_update.decay(variable.array, decay)
                self.update(_array_for(type(self).update, variable), gradient, memory, rate)
                if variable.constraint is not None:
                    variable.constraint.hold(_array_for(type(variable.constraint).hold, variable))

    def _memory_of(self, variable):
        memory = self._memories.get(variable)
        if memory is None:
            memory = {name: transfer.full_like(variable.array, self.first_memory) for name in self.memory_names()}
            self._memories[variable] = memory
        return memory

    def _next_rate(self):
        self._rate_of_step = self._rate()
        self.iterations += 1
        return self.step_rate(self._rate_of_step)

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


def get(identifier) -> Optimizer:
    """An optimizer from its name, its configuration, its class or itself."""
    if isinstance(identifier, str):
        identifier = identifier.lower() if identifier.lower() in registry.entries else identifier
    optimizer = registry.get(identifier)
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"An optimizer is a name or a minicnn.optimizers.Optimizer; received {identifier!r}.")
    return optimizer
