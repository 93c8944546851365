"""Formulas that several backends share: written as plain Python functions, compiled for each backend."""

from __future__ import annotations

from types import FunctionType, ModuleType, SimpleNamespace


def compiled(module: ModuleType, decorate) -> SimpleNamespace:
    """The functions of a module of plain formulas, each decorated. They call each other's decorated versions."""
    scope = dict(vars(module))
    for name, function in vars(module).items():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__:
            scope[name] = decorate(FunctionType(function.__code__, scope, name, function.__defaults__))
    return SimpleNamespace(**scope)
