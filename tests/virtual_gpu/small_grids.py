"""Few and small blocks, so that small arrays fill several of them and their threads come round to a second number.

With the sizes of hardware most test cases fit into one block, where a loop over numbers ends after its first round.
"""

from __future__ import annotations

import sys


def install() -> None:
    """Must come before the first kernel is compiled: compiled code holds the sizes."""
    from minicnn.kernels.gpu import launch

    launch.BLOCK, launch._MOST_BLOCKS = 8, 4
    assert "minicnn.kernels.gpu.reductions" not in sys.modules, "it has taken the sizes over already"
    from minicnn.kernels.gpu import reductions

    reductions._MOST_SUMS, reductions._AT_ONCE, reductions._MOST_BLOCKS = 64, 4, 2
