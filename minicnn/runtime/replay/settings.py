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
        self._objects = [(vars(part), len(vars(part))) for part in objects]
        watched = [(vars(part), name) for part, name in attributes]
        watched += [(vars(part), name) for part in objects for name in vars(part) if name not in _CHANGES_IN_EVERY_STEP]
        self._values = [(held, name, held[name]) for held, name in watched if name in held]
        self._contents = [(value, value.copy()) for _, _, value in self._values if isinstance(value, (list, dict))]
        self._backend = backend()

    def still_so(self) -> bool:
        """Whether none of these attributes has changed."""
        for held, name, value in self._values:
            if held.get(name, self) is not value and not _equal(held.get(name, self), value):
                return False
        for held, count in self._objects:
            if len(held) != count:
                return False
        try:
            return self._backend == backend() and all(value == content for value, content in self._contents)
        except ValueError:  # two arrays were compared, so one array has replaced another
            return False


def _equal(now, value):
    return type(now) is type(value) and isinstance(now, _PLAIN) and now == value
