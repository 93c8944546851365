"""Learning rates that follow a formula of the step, for an optimizer's `learning_rate`. Formulas as in Keras."""

from __future__ import annotations

import math
from itertools import pairwise

from ..registry import Configurable, Registry, missing_name

registry = Registry("learning-rate schedule")


class LearningRateSchedule(Configurable):
    """Base class: schedule(step) is the rate of a step. Steps are counted from 0."""

    def __call__(self, step) -> float:
        raise NotImplementedError(f"{type(self).__name__} does not define __call__.")


class _Decay(LearningRateSchedule):
    """A rate that falls with step / decay_steps; with `staircase` this quotient is rounded down."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name=None):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _positive(decay_steps, "decay_steps")
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name or type(self).__name__

    def periods(self, step):
        passed = int(step) / self.decay_steps
        return math.floor(passed) if self.staircase else passed


@registry.add()
class ExponentialDecay(_Decay):
    """initial * decay_rate^(step / decay_steps)."""

    def __call__(self, step):
        return self.initial_learning_rate * self.decay_rate ** self.periods(step)


@registry.add()
class InverseTimeDecay(_Decay):
    """initial / (1 + decay_rate * step / decay_steps)."""

    def __call__(self, step):
        return self.initial_learning_rate / (1 + self.decay_rate * self.periods(step))


@registry.add()
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to step boundaries[0], values[1] up to boundaries[1], ..., the last value after all boundaries."""

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        self.boundaries, self.values, self.name = list(boundaries), list(values), name
        if len(self.boundaries) != len(self.values) - 1 or any(a >= b for a, b in pairwise(self.boundaries)):
            raise ValueError(
                "boundaries must rise, and there must be one value more than boundaries; received "
                f"boundaries={self.boundaries}, values={self.values}."
            )

    def __call__(self, step):
        return self.values[sum(int(step) > boundary for boundary in self.boundaries)]


@registry.add()
class PolynomialDecay(LearningRateSchedule):
    """From initial to end_learning_rate in decay_steps, as (1 - step / decay_steps)^power. With cycle, decay_steps
    grows to its next multiple each time that step passes it."""

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _positive(decay_steps, "decay_steps")
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step):
        step, steps = int(step), self.decay_steps
        if self.cycle:
            steps *= max(1, math.ceil(step / steps))
        share = min(step, steps) / steps
        return (self.initial_learning_rate - self.end_learning_rate) * (
            1 - share
        ) ** self.power + self.end_learning_rate


@registry.add()
class CosineDecay(LearningRateSchedule):
    """Half a cosine from initial down to alpha * initial in decay_steps.

    With a warmup_target the rate first rises from initial to warmup_target in warmup_steps. Then it falls to
    alpha * warmup_target.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """

    def __init__(
        self, initial_learning_rate, decay_steps, alpha=0.0, name="CosineDecay", warmup_target=None, warmup_steps=0
    ):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _positive(decay_steps, "decay_steps")
        self.alpha, self.name, self.warmup_target, self.warmup_steps = alpha, name, warmup_target, warmup_steps

    def __call__(self, step):
        step, highest = int(step), self.initial_learning_rate
        if self.warmup_target is not None:
            highest = self.warmup_target
            if step < self.warmup_steps:
                risen = (highest - self.initial_learning_rate) * step / self.warmup_steps
                return self.initial_learning_rate + risen
            step -= self.warmup_steps
        cosine = 0.5 * (1 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps))
        return highest * ((1 - self.alpha) * cosine + self.alpha)


@registry.add()
class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine in first_decay_steps. Each restart is m_mul times as high and takes t_mul times as many steps."""

    def __init__(
        self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name="SGDRDecay"
    ):  # fmt: skip
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive(first_decay_steps, "first_decay_steps")
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step):
        passed, restarts, length = int(step) / self.first_decay_steps, 0, 1.0
        while passed >= length and length > 0:
            passed, restarts, length = passed - length, restarts + 1, length * self.t_mul
        cosine = 0.5 * self.m_mul**restarts * (1 + math.cos(math.pi * passed / length))
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)


def _positive(steps, name):
    if not steps > 0:
        raise ValueError(f"{name} must be positive; received {name}={steps!r}.")
    return steps


def get(identifier):
    """A schedule from its configuration or itself."""
    return registry.get(identifier)


def serialize(schedule) -> dict:
    """A schedule as {"class_name", "config"}."""
    return {"class_name": type(schedule).__name__, "config": schedule.get_config()}


def deserialize(config) -> LearningRateSchedule:
    """A schedule from what `serialize` returned."""
    return registry.get(config)


def __getattr__(name):
    raise missing_name(__name__, name)
