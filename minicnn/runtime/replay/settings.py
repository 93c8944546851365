"""The values that recorded work depends on, and a check that they have not changed."""

from __future__ import annotations

import numpy as np

from ...dispatch import backend

_CHANGES_IN_EVERY_STEP = {"iterations", "_learning_rate", "_rate_of_step", "random_counter"}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)


class Settings:
    """All attributes of some objects, and single attributes of others, as they are when this object is made.

    Plain values, and the contents of lists and dictionaries, must stay equal. Everything else must stay the same
    object. Every step calls `still_so`, so it compares identities first.
    """

    def __init__(self, objects, attributes):
        self._objects = [(vars(part), vars(part).copy()) for part in objects]
        self._attributes = [(vars(part), name, vars(part)[name]) for part, name in attributes if name in vars(part)]
        watched = [(vars(part), name) for part, name in attributes]
        watched += [(vars(part), name) for part in objects for name in vars(part) if name not in _CHANGES_IN_EVERY_STEP]
        self._values = [(held, name, held[name]) for held, name in watched if name in held]
        self._contents = [(value, value.copy()) for _, _, value in self._values if isinstance(value, (list, dict))]
        self._backend = backend()

    def still_so(self) -> bool:
        """Whether none of these attributes has changed."""
        try:
            if self._backend != backend() or not all(value == content for value, content in self._contents):
                return False
            # the quick way: dictionaries compare identities, in C. A learning rate, say, makes them unequal
            if all(held == before for held, before in self._objects) and self._none_replaced(self._attributes):
                return True
        except ValueError:  # two arrays were compared, so one array has replaced another
            return False
        return all(held.keys() == before.keys() for held, before in self._objects) and self._none_replaced(self._values)

    def _none_replaced(self, watched):
        return all(
            held.get(name, self) is value or _equal(held.get(name, self), value) for held, name, value in watched
        )


def _equal(now, value):
    return type(now) is type(value) and isinstance(now, _PLAIN) and now == value
