"""Nested structures: values in lists, tuples and dictionaries, taken apart and put together again."""

from __future__ import annotations


def flatten(structure) -> list:
    """The values in a structure, in order; what is no list, tuple or dictionary is a value.

    >>> flatten({"a": [1, 2], "b": (3, {"c": 4})})
    [1, 2, 3, 4]
    """
    if isinstance(structure, dict):
        structure = list(structure.values())
    if not isinstance(structure, (list, tuple)):
        return [structure]
    return [value for part in structure for value in flatten(part)]


def mapped(function, structure):
    """The same structure with function(value) in the place of every value.

    >>> mapped(str, {"a": [1, 2], "b": (3,)})
    {'a': ['1', '2'], 'b': ('3',)}
    """
    if isinstance(structure, dict):
        return {key: mapped(function, part) for key, part in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(mapped(function, part) for part in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(mapped(function, part) for part in structure)
    return function(structure)


def packed(structure, values) -> object:
    """The same structure with these values, one after the other.

    >>> packed({"a": [0, 0], "b": 0}, [1, 2, 3])
    {'a': [1, 2], 'b': 3}
    """
    rest = iter(values)
    return mapped(lambda _: next(rest), structure)
