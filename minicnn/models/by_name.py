"""Inputs, outputs and targets of a model, given as a single value, a list, or a dictionary by name."""

from __future__ import annotations


def as_list(value) -> list:
    """The entries of a list, tuple or dictionary; a single value as a list of one."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else [value]


def listed(one_or_several) -> list:
    """A list or tuple as a list; anything else as a list of one, None as an empty list."""
    if one_or_several is None:
        return []
    return list(one_or_several) if isinstance(one_or_several, (list, tuple)) else [one_or_several]


def in_order(given, names: list[str], what: str, missing_allowed: bool = False) -> list:
    """`given`, a dictionary by name or a list in the order of the names, as a list with one entry per name.

    ValueError if a name is unknown or missing, or if the list has another length. With missing_allowed, a missing name
    gets None.
    """
    if isinstance(given, dict):
        unknown = [name for name in given if name not in names]
        missing = [name for name in names if name not in given]
        if unknown or (missing and not missing_allowed):
            raise ValueError(f"{what} has entries for {_named(given)}; the model's names are {_named(names)}.")
        return [given.get(name) for name in names]
    if not isinstance(given, (list, tuple)):
        given = [given]
    if len(given) != len(names):
        raise ValueError(
            f"{what} needs {len(names)} entries, for {_named(names)}; received {len(given)} of "
            f"{', '.join(sorted({type(entry).__name__ for entry in given})) or 'nothing'}."
        )
    return list(given)


def _named(names):
    return ", ".join(repr(name) for name in names) or "nothing"
