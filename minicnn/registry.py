"""Names and configurations: how `"relu"`, `"adam"` or a dictionary becomes an object, and how an object becomes
a dictionary again. Layers, losses, metrics, optimizers, initializers and regularizers all use this one way."""

from __future__ import annotations

import difflib
import inspect
import re


class Configurable:
    """An object that can be described by its constructor's arguments, each kept in an attribute of that name."""

    @classmethod
    def _argument_names(cls) -> list[str]:
        kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        names = {}
        for owner in cls.__mro__:
            if "__init__" not in owner.__dict__ or owner is object:
                continue
            parameters = list(inspect.signature(owner.__init__).parameters.values())[1:]
            names.update(dict.fromkeys(p.name for p in parameters if p.kind not in kinds))
            if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
                break
        return [name for name in names if name not in cls._not_in_config]

    _not_in_config: tuple[str, ...] = ()

    def get_config(self) -> dict:
        """The constructor's arguments as plain Python values; `from_config` makes an equal object of them."""
        return {name: serialize(getattr(self, name)) for name in self._argument_names()}

    @classmethod
    def from_config(cls, config: dict):
        """A new object from what `get_config` returned."""
        return cls(**config)


def serialize(value):
    """`value` as plain Python: objects as {"class_name", "config"}, named functions as their names."""
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    return value


class Registry:
    """The objects of one kind that can be asked for by name."""

    def __init__(self, kind: str):
        self.kind = kind
        self.entries: dict[str, object] = {}

    def add(self, *names: str):
        """Decorator: register a class or function under `names` and under its own name."""

        def decorate(entry):
            for name in (*names, entry.__name__):
                self.entries[name] = entry
            return entry

        return decorate

    def find(self, name: str):
        """The entry of that name; ValueError with the nearest known names if there is none."""
        if name in self.entries:
            return self.entries[name]
        raise ValueError(f"Unknown {self.kind} {name!r}. {nearest(name, self.entries)}")

    def get(self, identifier):
        """An object from a name, a {"class_name", "config"} dictionary, a class, or the object itself."""
        if identifier is None:
            return None
        if isinstance(identifier, str):
            identifier = self.find(identifier)
        elif isinstance(identifier, dict):
            if "class_name" not in identifier:
                raise ValueError(
                    f'A {self.kind} given as a dictionary needs "class_name" and "config"; received {identifier!r}.'
                )
            return self.find(identifier["class_name"]).from_config(identifier.get("config", {}))
        if inspect.isclass(identifier):
            identifier = identifier()
        if not callable(identifier) and not hasattr(identifier, "get_config"):
            raise ValueError(
                f"A {self.kind} is a name, a configuration or an object; "
                f"received {identifier!r} of type {type(identifier).__name__}."
            )
        return identifier


def snake_case(class_name: str) -> str:
    """Keras's name for a class.

    >>> [snake_case(name) for name in ("Conv2D", "MaxPooling2D", "ReLU", "MeanSquaredError", "L1L2")]
    ['conv2d', 'max_pooling2d', 're_lu', 'mean_squared_error', 'l1l2']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def nearest(name: str, known) -> str:
    """The sentence that follows "Unknown ...": the nearest known names, or all of them.

    >>> nearest("adm", ["adam", "sgd"])
    "Did you mean 'adam'?"
    >>> nearest("zzz", ["adam", "sgd"])
    'Known: adam, sgd.'
    """
    close = difflib.get_close_matches(str(name).lower(), [str(k) for k in known], n=2, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(repr(c) for c in close)}?"
    return f"Known: {', '.join(sorted(dict.fromkeys(str(k) for k in known)))}."
