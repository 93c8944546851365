"""Formulas that several backends share: written as plain Python functions, compiled for each backend."""

from __future__ import annotations

from types import FunctionType, ModuleType, SimpleNamespace


def compiled(module: ModuleType, decorate, **names) -> SimpleNamespace:
    """The functions of a module of plain formulas, each decorated. They call each other's decorated versions.

    names: what names in the formulas mean instead, such as another `math`.
    """
    scope = {**vars(module), **names}
    for name, function in vars(module).items():
        is_formula = isinstance(function, FunctionType) and function.__module__ in (module.__name__, __name__)
        if is_formula and name not in names:
            scope[name] = decorate(FunctionType(function.__code__, scope, name, function.__defaults__))
    return SimpleNamespace(**scope)


def where(condition, yes, no):
    """yes if the condition holds, else no. A formula says this in place of `if`, which vectors cannot take."""
    return yes if condition else no
