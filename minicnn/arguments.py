"""What an object of a user's class was made with, for `get_config`.

The engine's own classes keep each argument in an attribute of the same name. A user's class need not: so the arguments
of its constructor are noted when it is called.
"""

from __future__ import annotations

import copy
import functools
import inspect

import numpy as np


def is_ours(cls) -> bool:
    """Whether minicnn defines this class."""
    return cls.__module__.partition(".")[0] == __name__.partition(".")[0]


def noting(constructor):
    """The constructor, which then notes what it was called with."""

    @functools.wraps(constructor)
    def construct(self, *args, **kwargs):
        outermost = "_made_with" not in vars(self)
        if outermost:
            object.__setattr__(self, "_made_with", _given(constructor, args, kwargs))
        constructor(self, *args, **kwargs)
        if outermost:
            kept = {name for name, value in self._made_with.items() if _same(vars(self).get(name, self), value)}
            object.__setattr__(self, "_kept_as_attributes", kept)

    return construct


def noted(made) -> dict:
    """{name: value} of the arguments of an object of a user's class: what its attribute of this name holds now, if it
    held the argument at first; else the argument."""
    kept = vars(made).get("_kept_as_attributes", ())
    arguments = vars(made).get("_made_with", {})
    return {name: vars(made).get(name, value) if name in kept else value for name, value in arguments.items()}


def _given(constructor, args, kwargs) -> dict:
    """{name: value} for a call with these arguments, defaults included; "*args" for those without names. Empty if the
    call does not fit: then the constructor itself says so."""
    signature = inspect.signature(constructor)
    try:
        bound = signature.bind(None, *args, **kwargs)
    except TypeError:
        return {}
    bound.apply_defaults()
    values = dict(list(bound.arguments.items())[1:])
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            values.update(values.pop(name))
        if parameter.kind is parameter.VAR_POSITIONAL and (several := values.pop(name)):
            values[f"*{name}"] = several
    return {name: _copied(value) for name, value in values.items()}


def _same(now, value) -> bool:
    return now is value or (is_plain(now) and is_plain(value) and now == value)


def inherited(cls) -> set:
    """The names of all arguments of the classes of minicnn that `cls` is or derives from."""
    constructors = [vars(owner)["__init__"] for owner in cls.__mro__ if is_ours(owner) and "__init__" in vars(owner)]
    return {name for constructor in constructors for name in inspect.signature(constructor).parameters}


def is_plain(value) -> bool:
    """Whether the value is text, a number, True, False, None, or a list, tuple or dictionary of these."""
    if isinstance(value, (list, tuple)):
        return all(is_plain(part) for part in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(part) for key, part in value.items())
    return value is None or isinstance(value, (str, int, float, np.bool_, np.integer, np.floating))


def _copied(value):
    """The value itself; of a list or a dictionary, which the constructor may change, a copy."""
    return copy.deepcopy(value) if isinstance(value, (list, dict)) and is_plain(value) else value


def as_python(value):
    """A plain value with Python's numbers in place of NumPy's, so that JSON can hold it."""
    if isinstance(value, (list, tuple)):
        return type(value)([as_python(part) for part in value])
    if isinstance(value, dict):
        return {key: as_python(part) for key, part in value.items()}
    return value.item() if isinstance(value, np.generic) else value
