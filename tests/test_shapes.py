"""The examples in the docstrings of pure functions give the results that they show."""

import doctest

import pytest

from minicnn import registry, shapes
from minicnn.models import summary


@pytest.mark.parametrize("module", [shapes, registry, summary], ids=lambda module: module.__name__)
def test_docstring_examples(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
