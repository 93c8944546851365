"""What recorded work depends on, and whether it is still so."""

from __future__ import annotations

import numpy as np

from ...backend import backend

_CHANGES_IN_EVERY_STEP = {"iterations", "_learning_rate", "_rate_of_step", "random_counter"}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)


class Settings:
    """The attributes of objects, and some of others, as they are when this is made.

    Plain values must stay equal, lists, tuples and dictionaries must hold the same objects, and everything else must
    stay the same object. `still_so` is asked in every step, so it compares identities first.
    """

    def __init__(self, objects, attributes):
        self._objects = [(vars(part), len(vars(part))) for part in objects]
        watched = [(vars(part), name) for part, name in attributes]
        watched += [(vars(part), name) for part in objects for name in vars(part) if name not in _CHANGES_IN_EVERY_STEP]
        self._values = [(held, name, held[name]) for held, name in watched if name in held]
        self._contents = [(value, _content(value)) for _, _, value in self._values if isinstance(value, (list, dict))]
        self._backend = backend()

    def still_so(self) -> bool:
        """Whether nothing of it has changed."""
        for held, name, value in self._values:
            now = held.get(name, self)
            if now is not value and not (type(now) is type(value) and isinstance(now, _PLAIN) and now == value):
                return False
        for held, count in self._objects:
            if len(held) != count:
                return False
        for value, content in self._contents:
            now = _content(value)
            if len(now) != len(content) or any(a is not b for a, b in zip(now, content, strict=True)):
                return False
        return self._backend == backend()


def _content(value):
    return list(value.values()) if isinstance(value, dict) else list(value)
