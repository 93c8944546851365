"""Work that is the same in every step: recorded once and replayed, without the Python around the kernels.

    steps = replay.make(function, settings, parts)        steps(*arrays) is function(*arrays)

The function may use of the host only what stays the same while settings() do, and `transfer.number` for numbers that do
not. It returns arrays, and numbers as `ops.total` makes them, in lists and tuples. The next call may overwrite them.
"""

from ...backend import variant

_CHANGES_IN_EVERY_STEP = {"iterations", "_learning_rate", "_rate_of_step", "random_counter"}


class Settings:
    """The settings of objects and the places of variables, as they are when this is made.

    Settings are the parts' attributes that are numbers, strings, None, or parts themselves. `still_so` is asked in
    every step, and compares one by one what would take ten times as long to collect anew.
    """

    def __init__(self, parts, variables):
        self._attributes = [
            (vars(part), name, value)
            for part in parts
            for name, value in vars(part).items()
            if isinstance(value, (bool, int, float, str, type(None))) or any(value is other for other in parts)
            if name not in _CHANGES_IN_EVERY_STEP
        ]
        self._variables = [(variable, variable.value, variable.trainable) for variable in variables]

    def still_so(self) -> bool:
        """Whether nothing of it has changed."""
        for attributes, name, value in self._attributes:
            if attributes.get(name, self) is not value and attributes.get(name, self) != value:
                return False
        for variable, value, trainable in self._variables:
            if variable.value is not value or variable.trainable != trainable:
                return False
        return True


def make(function, settings, parts):
    """The function, to be called with its arrays; where it is recorded, anew whenever its settings() have changed.

    parts: the objects whose code it runs.
    """
    return variant(__name__).make(function, settings, parts)
