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


def by_key(structure):
    """The same structure with the keys of its dictionaries in order, as Keras takes structures apart.

    >>> by_key({"b": 1, "a": [{"d": 2, "c": 3}]})
    {'a': [{'c': 3, 'd': 2}], 'b': 1}
    """
    if isinstance(structure, dict):
        return {key: by_key(structure[key]) for key in sorted(structure)}
    return type(structure)(map(by_key, structure)) if isinstance(structure, (list, tuple)) else structure


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


def taken_apart(structure, given) -> list:
    """The values in `given`, which has the form of `structure`, in the order of `structure`. ValueError if it has not.

    >>> taken_apart({"a": [0, 0], "b": 0}, {"b": "last", "a": ["first", "then"]})
    ['first', 'then', 'last']
    """
    if isinstance(structure, dict):
        if not isinstance(given, dict) or set(given) != set(structure):
            said = sorted(given) if isinstance(given, dict) else f"a {type(given).__name__}"
            raise ValueError(f"A dictionary with {sorted(structure)} is needed; received {said}.")
        return [value for key, part in structure.items() for value in taken_apart(part, given[key])]
    if isinstance(structure, (list, tuple)):
        if not isinstance(given, (list, tuple)) or len(given) != len(structure):
            size = f" of {len(given)}" if hasattr(given, "__len__") else ""
            raise ValueError(f"A list of {len(structure)} is needed; received a {type(given).__name__}{size}.")
        return [value for part, own in zip(structure, given, strict=True) for value in taken_apart(part, own)]
    return [given]


def paths(structure, before="") -> list[str]:
    """Where the values of a structure are.

    >>> paths({"a": [0, {"c": 0}], "b": 0})
    ['a/0', 'a/1/c', 'b']
    """
    if not isinstance(structure, (list, tuple, dict)):
        return [before]
    parts = structure.items() if isinstance(structure, dict) else enumerate(structure)
    return [path for key, part in parts for path in paths(part, f"{before}/{key}" if before else str(key))]


def is_nested(structure) -> bool:
    """Whether lists or dictionaries are within a list or dictionary."""
    parts = structure.values() if isinstance(structure, dict) else structure
    return isinstance(structure, (list, tuple, dict)) and any(isinstance(p, (list, tuple, dict)) for p in parts)


def packed(structure, values) -> object:
    """The same structure with these values, one after the other.

    >>> packed({"a": [0, 0], "b": 0}, [1, 2, 3])
    {'a': [1, 2], 'b': 3}
    """
    rest = iter(values)
    return mapped(lambda _: next(rest), structure)
