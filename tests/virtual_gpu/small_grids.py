"""Few and small blocks, so that a small array fills several blocks, and threads take a second number.

With the sizes of hardware most test cases fit into one block, where a loop over numbers ends after its first round.
"""

from __future__ import annotations

import sys


def install() -> None:
    """Set small sizes. Call this before the first kernel is compiled, because compiled code holds the sizes."""
    from minicnn.kernels.gpu import launch

    launch.BLOCK, launch._MOST_BLOCKS = 8, 4
    assert "minicnn.kernels.gpu.reductions" not in sys.modules, "it has taken the sizes over already"
    from minicnn.kernels.gpu import reductions

    reductions._MOST_SUMS, reductions._AT_ONCE, reductions._MOST_BLOCKS = 64, 4, 2
