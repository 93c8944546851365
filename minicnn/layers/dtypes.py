"""The type of a layer's numbers, under Keras's names."""

from __future__ import annotations

from ..dtype_policy import DTypePolicy


class HasType:
    """The part of a layer that says in which type it computes, and keeps its weights: `dtype`."""

    dtype: str

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The policy that was given, or the one of `dtype`. It may be set, to a policy or its name, before `build`."""
        return self._policy if self._policy.compute_dtype == self.dtype else DTypePolicy(self.dtype)

    @dtype_policy.setter
    def dtype_policy(self, policy):
        self._policy = policy if isinstance(policy, DTypePolicy) else DTypePolicy(policy)
        self.dtype = self._policy.compute_dtype

    @property
    def compute_dtype(self) -> str:
        """The type in which the layer computes."""
        return self.dtype

    @property
    def variable_dtype(self) -> str:
        """The type of the weights."""
        return self.dtype
