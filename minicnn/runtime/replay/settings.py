"""The values that recorded work depends on, and a check that they have not changed."""

from __future__ import annotations

import numpy as np

from ...dispatch import backend
from .changes import SET_IN_EVERY_STEP, Watched, of_settings

_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)


class Settings:
    """All attributes of some objects, and single attributes of others, as they are when this object is made.

    Plain values, and the contents of lists and dictionaries, must stay equal. Everything else must stay the same
    object. Every step calls `still_so`, which compares attributes only if one was set since the last step.
    """

    def __init__(self, objects, attributes):
        self._last_change = of_settings.last  # read before the values
        watched = [(part, name) for part in objects for name in vars(part) if name not in SET_IN_EVERY_STEP]
        watched += [(part, name) for part, name in attributes if name in vars(part)]
        values = [(part, name, vars(part)[name]) for part, name in watched]
        contents = [value for _, _, value in values if isinstance(value, (list, dict))]
        self._values = [(vars(part), name, value) for part, name, value in values]
        self._silent = [(vars(part), name, value) for part, name, value in values if not isinstance(part, Watched)]
        self._names = [(vars(part), set(vars(part))) for part in objects]
        self._contents, self._content_before = contents, [value.copy() for value in contents]
        self._backend = backend()

    def still_so(self) -> bool:
        """Whether none of these attributes has changed."""
        last_change = of_settings.last
        try:
            if self._backend != backend() or self._contents != self._content_before:
                return False
        except ValueError:  # two arrays were compared, so one array has replaced another
            return False
        if last_change is self._last_change:
            return _none_replaced(self._silent)
        if not _none_replaced(self._values) or any(held.keys() != names for held, names in self._names):
            return False
        self._last_change = last_change
        return True


def _none_replaced(watched):
    return all(
        held.get(name, watched) is value or _equal(held.get(name, watched), value) for held, name, value in watched
    )


def _equal(now, value):
    return type(now) is type(value) and isinstance(now, _PLAIN) and now == value
