"""The memories of optimizers: arrays that they keep for each weight, and how these get into files."""

from __future__ import annotations

import numpy as np

from ..runtime import transfer
from ..variable import Variable
from . import schedules

_MOST_STEPS = 2**62  # files hold the number of steps as int64
AVERAGE, MEAN = "average", "gradient_accumulator"  # memories that arguments ask for: of the weight, of its gradients


def is_schedule(value) -> bool:
    return isinstance(value, schedules.LearningRateSchedule)


class RemembersWeights:
    """The part of an optimizer that keeps memories. It needs the optimizer's settings and the number of steps."""

    def memory_names(self) -> list[str]:
        """The names of the arrays that the optimizer keeps for each weight."""
        return []

    def first_memory(self, name: str) -> float:
        """The number that fills the memory of this name before the first step."""
        return 0.0

    def memory_shape(self, name: str, variable: Variable) -> tuple[int, ...] | None:
        """The shape of this weight's memory of this name; None if the weight has no such memory."""
        return variable.shape

    def memory_order(self) -> list[list[str]]:
        """`memory_names` in the order of Keras's files: for each list in turn, weight by weight, the list's arrays."""
        return [[name] for name in self.memory_names()]

    def state(self, variables: list[Variable]) -> list[np.ndarray]:
        """Copies of the number of steps, the rate (unless it follows a schedule) and every memory, in Keras's order."""
        memories = {v: self._memory_of(v) for v in variables}
        arrays = [np.array(self.steps, np.int64)]
        if not is_schedule(self._schedule):
            arrays.append(np.array(self.learning_rate, np.float32))
        if self.use_ema:
            arrays += [np.array(transfer.to_host(memories[v][AVERAGE])) for v in variables]
        if self.gradient_accumulation_steps:  # Keras keeps the sum, which is 0 when the weights have just changed
            count = self.steps % self.gradient_accumulation_steps
            arrays += [np.array(transfer.to_host(memories[v][MEAN])) * count for v in variables]
        for names in self.memory_order():
            held = [memories[v][name] for v in variables for name in names if name in memories[v]]
            arrays += [np.array(transfer.to_host(memory)) for memory in held]
        return [*arrays, *self.more_state()]

    def more_state(self) -> list[np.ndarray]:
        """Numbers that Keras's files have after the memories. They follow from the number of steps."""
        return []

    def set_state(self, variables: list[Variable], arrays: list[np.ndarray]) -> None:
        """Take over what `state` returned. ValueError, before anything changes, if it does not fit the variables."""
        named = [(v, name) for names in self._all_memories() for v in variables for name in names]
        places = [(v, name) for v, name in named if self._shape_of(name, v) is not None]
        numbers, after = 1 if is_schedule(self._schedule) else 2, len(self.more_state())
        (steps, *rate), memories = arrays[:numbers] or [None], arrays[numbers : len(arrays) - after]
        fits = len(memories) == len(places) and all(np.shape(n) == () and n >= 0 for n in (steps, *rate))
        if not fits or any(
            self._shape_of(name, v) != array.shape for (v, name), array in zip(places, memories, strict=True)
        ):
            raise ValueError(
                f"The state of {self.name!r} has {len(arrays)} arrays; for {len(variables)} weights it needs "
                f"{len(places) + numbers + after} arrays of matching shapes."
            )
        if not (steps < _MOST_STEPS and steps == int(steps) and all(np.isfinite(rate))):
            raise ValueError(
                f"The state of {self.name!r} needs a whole number of steps below 2**62 and a finite rate; received "
                f"{steps} and {[*map(float, rate)]}."
            )
        known = self._schedule is not None or np.float32(self.learning_rate) == np.float32(rate[0])
        if not known:  # `state` gives float32: keep an equal rate
            self.learning_rate = float(rate[0])
        self.steps = int(steps)
        for (variable, name), array in zip(places, memories, strict=True):
            if name == MEAN:
                array = array / max(self.steps % self.gradient_accumulation_steps, 1)
            transfer.assign(self._memory_of(variable)[name], array)

    def _all_memories(self) -> list[list[str]]:
        """`memory_order`, after the memories that the arguments of every optimizer ask for."""
        averages, means = [[AVERAGE]] * bool(self.use_ema), [[MEAN]] * bool(self.gradient_accumulation_steps)
        return [*averages, *means, *self.memory_order()]

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
        numbers = {"iteration": self.steps}
        if self._schedule is None:
            numbers["learning_rate"] = self._learning_rate
        own = [
            Variable(np.float64(number), dtype="float64", trainable=False, name=name, path=f"{self.name}/{name}")
            for name, number in numbers.items()
        ]
        for names in self._all_memories():
            for variable, memory in self._memories.items():
                for name in filter(memory.__contains__, names):
                    path = f"{self.name}/{variable.path.replace('/', '_')}_{name}"
                    held = Variable(0.0, dtype=variable.dtype, trainable=False, name=path.split("/")[1], path=path)
                    held.array = memory[name]
                    own.append(held)
        return own

    def set_weights(self, weights) -> None:
        """Take over the numbers of `variables` of an equal optimizer. ValueError before `build` or the first step."""
        if not self._memories:
            raise ValueError(f"{self.name!r} has no memories yet: call build(variables), or do a step, before.")
        self.set_state(list(self._memories), [np.asarray(weight) for weight in weights])

    def to_device(self) -> None:
        """Move the memories to where the backend in use computes."""
        for memory in self._memories.values():
            memory.update({name: transfer.to_device(array) for name, array in memory.items()})

    def _shape_of(self, name, variable):
        return variable.shape if name in (AVERAGE, MEAN) else self.memory_shape(name, variable)

    def _memory_of(self, variable):
        memory = self._memories.get(variable)
        if memory is None:
            first = {name: self.first_memory(name) for name in self.memory_names()}
            for names in self._all_memories():
                first.update({name: 0.0 for name in names if name not in first})
            memory = {
                name: transfer.to_device(np.full(shape, number, variable.array.dtype))
                for name, number in first.items()
                if (shape := self._shape_of(name, variable)) is not None
            }
            if AVERAGE in memory:  # a weight that joins later begins with what it is
                transfer.assign(memory[AVERAGE], transfer.to_host(variable.array))
            self._memories[variable] = memory
        return memory
