"""Types of numbers, as Keras's policies name them."""

from __future__ import annotations

from . import config

_name_given: str | None = None


class DTypePolicy:
    """The type of a layer's weights and numbers: "float32" or "float64".

    The names "mixed_float16" and "mixed_bfloat16" mean float32 here, which a printed line says.
    """

    def __init__(self, name=None):
        self.name = name or config.floatx()
        self.compute_dtype = self.variable_dtype = config.checked_float_type(self.name)

    def get_config(self):
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """A new policy from what `get_config` returned."""
        return cls(**config)

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f'<DTypePolicy "{self.name}">'


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given no dtype."""
    return DTypePolicy(_name_given if config.floatx() == "float32" else None)


def set_dtype_policy(policy) -> None:
    """Set the type of layers made from now on: a policy or its name."""
    global _name_given
    made = policy if isinstance(policy, DTypePolicy) else DTypePolicy(policy)
    config.set_floatx(made.compute_dtype)
    _name_given = made.name
