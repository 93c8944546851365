"""Names and configurations: how `"relu"`, `"adam"` or a dictionary becomes an object, and how an object becomes
a dictionary again. Layers, losses, metrics, optimizers, initializers and regularizers all use this module."""

from __future__ import annotations

import difflib
import dis
import inspect
import re
import sys
from collections import Counter
from contextlib import contextmanager

from .arguments import as_python, inherited, is_ours, is_plain, noted, noting

_TABLE = "minicnn/README.md lists the Keras names that minicnn has."


class Configurable:
    """An object that its constructor's arguments describe. It keeps each argument in an attribute of the same name; of
    a user's class, which may not, the arguments are noted."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if not is_ours(cls) and "__init__" in vars(cls):
            cls.__init__ = noting(cls.__init__)

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

    module_in_files: str | None = None
    """The module of Keras in which the class is, if it is not the one of its kind ("keras.layers")."""

    def get_config(self) -> dict:
        """The constructor's arguments as plain Python values; `from_config` makes an equal object from them. A class of
        yours that defines get_config itself finds here the arguments of minicnn's classes; it adds its own."""
        known = inherited(type(self))
        config = {name: serialize(getattr(self, name)) for name in self._argument_names() if name in known}
        definer = next(owner for owner in type(self).__mro__ if "get_config" in vars(owner))
        return {**config, **self._own_arguments(known)} if is_ours(definer) else config

    def _own_arguments(self, known) -> dict:
        """{name: value as plain Python} for the arguments of a user's class; known: minicnn's names."""
        arguments = {name: value for name, value in noted(self).items() if name not in known}
        for name, value in arguments.items():
            if name.startswith("*") or not (is_plain(value) or _is_described(value)):
                raise NotImplementedError(
                    f"{type(self).__name__} was made with {name}={value!r:.200}, which no file can hold as it is: "
                    f"define get_config, and from_config if {name} must be made anew."
                )
            arguments[name] = as_python(value) if is_plain(value) else serialize(value)
        return arguments

    @classmethod
    def from_config(cls, config: dict):
        """A new object from what `get_config` returned."""
        return cls(**config)


def object_name(value) -> str:
    """The name by which logs call a loss or a metric that was given as an object or a function, as Keras forms it:
    its `name`, else the name of the function or of the class with small letters and underscores."""
    if getattr(value, "name", None):
        return value.name
    name = getattr(value, "__name__", type(value).__name__)
    return snake_case(re.sub(r"\W+", "", name))


def serialize(value):
    """`value` as plain Python: objects as {"class_name", "config"}, named functions as their names. An object that
    stands for a user's function is that function."""
    if hasattr(value, "stands_for"):
        return value.stands_for
    if hasattr(value, "get_config"):
        described = {"class_name": type(value).__name__, "config": value.get_config()}
        registered = vars(type(value)).get("_registered_name")
        return {**described, "registered_name": registered} if registered else described
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    return value


def _is_described(value) -> bool:
    """Whether a file can hold this object: one with a configuration that is no layer, or a function with a name."""
    if hasattr(value, "get_config"):
        return not hasattr(value, "weights")
    return callable(value) and getattr(value, "__name__", "<lambda>") != "<lambda>"


_custom: list[dict] = [{}]  # searched from last to first; `register_keras_serializable` fills the first


@contextmanager
def custom_object_scope(*objects: dict):
    """Within this block all registries know the names in these {name: class or function} dictionaries."""
    _custom.append({name: entry for known in objects for name, entry in known.items()})
    try:
        yield
    finally:
        _custom.pop()


def register_keras_serializable(package="Custom", name=None):
    """Decorator: register a user's class as "package>name", so that it can be loaded from files."""

    def decorate(entry):
        if isinstance(entry, type) and not hasattr(entry, "get_config"):
            raise ValueError(f"A class in a file needs get_config, which {entry.__name__} does not have.")
        registered = f"{package}>{name or entry.__name__}"
        _custom[0][registered] = entry
        entry._registered_name = registered
        return entry

    return decorate


def get_custom_objects() -> dict:
    """The names that every registry knows; put your own {name: class or function} into this dictionary."""
    return _custom[0]


def knows_users_objects() -> bool:
    """Whether classes or functions of users may be found by name."""
    return any(_custom)


def get_registered_name(obj) -> str:
    """The name under which `register_keras_serializable` registered a class, or its own name."""
    return vars(obj).get("_registered_name", obj.__name__)


def get_registered_object(name, custom_objects=None, module_objects=None):
    """The class or function of that name from `get_custom_objects` or one of these dictionaries, or None."""
    places = (custom_objects or {}, module_objects or {})
    return custom_object(name) or next((known[name] for known in places if name in known), None)


def custom_object(name):
    """The object of that name from `custom_object_scope` or `register_keras_serializable`, or None."""
    found = next((known[name] for known in reversed(_custom) if name in known), None)
    if found is None:  # a function is described by its name alone
        found = next((one for key, one in _custom[0].items() if inspect.isfunction(one) and one.__name__ == name), None)
    return found


class Registry:
    """The objects of one kind, found by name."""

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

    def look_up(self, name: str):
        """The entry of that name, or None."""
        return custom_object(name) or self.entries.get(name)

    def find(self, name: str):
        """The entry of that name; ValueError with the nearest known names if there is none."""
        found = self.look_up(name)
        if found is not None:
            return found
        raise ValueError(f"Unknown {self.kind} {name!r}. {nearest(name, self.entries)} {_TABLE}")

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
            if identifier["class_name"] == "function":
                return self.get(identifier.get("config"))
            name = identifier.get("registered_name") or identifier["class_name"]
            return self.find(name).from_config(identifier.get("config", {}))
        if inspect.isclass(identifier):
            identifier = identifier()
        if not callable(identifier) and not hasattr(identifier, "get_config"):
            raise ValueError(
                f"A {self.kind} is a name, a configuration or an object; "
                f"received {identifier!r} of type {type(identifier).__name__}."
            )
        return identifier

    def deserialize(self, config, custom_objects=None):
        """A new object from what `serialize` returned; custom_objects: {name: a user's class}."""
        with custom_object_scope(custom_objects or {}):
            return self.get(config)


def missing_name(module: str, name: str) -> Exception:
    """The error for a name that a module does not have; the module's `__getattr__` calls this.

    It is an AttributeError, but an ImportError for `from module import name`: Python would replace an AttributeError by
    an error that does not say where to look.
    """
    asking = sys._getframe(2)  # the code that asked the module for the name
    imports = asking.f_code.co_code[asking.f_lasti] == dis.opmap["IMPORT_FROM"]
    return (ImportError if imports else AttributeError)(f"{module} has no {name!r}. {_TABLE}")


def snake_case(class_name: str) -> str:
    """Keras's name for a class.

    >>> [snake_case(name) for name in ("Conv2D", "MaxPooling2D", "ReLU", "MeanSquaredError", "L1L2")]
    ['conv2d', 'max_pooling2d', 're_lu', 'mean_squared_error', 'l1l2']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


names_given: Counter[str] = Counter()
"""How often each automatic name has been given; `clear_session` begins anew."""


def automatic_name(class_name: str) -> str:
    """Keras's automatic names: "Conv2D" gives conv2d, conv2d_1, ...; "MaxPooling2D" max_pooling2d."""
    name = snake_case(class_name)
    count = names_given[name]
    names_given[name] += 1
    return f"{name}_{count}" if count else name


def nearest(name: str, known) -> str:
    """The sentence that follows "Unknown ...": the nearest known names, or all of them.

    >>> nearest("adm", ["adam", "sgd"])
    "Did you mean 'adam'?"
    >>> nearest("zzz", ["adam", "sgd"])
    'Known: adam, sgd.'
    """
    found = difflib.get_close_matches(str(name).lower(), [str(k) for k in known], n=2, cutoff=0.6)
    close = list({one.lower(): one for one in reversed(found)}.values())[::-1]  # "accuracy", and not "Accuracy" too
    if close:
        return f"Did you mean {' or '.join(repr(c) for c in close)}?"
    return f"Known: {', '.join(sorted(dict.fromkeys(str(k) for k in known)))}."
