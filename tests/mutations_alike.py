"""Mutations of `mutations.py` that no test can find: the code gives the same results with them."""

from __future__ import annotations

EQUIVALENT = {  # files and broken lines that give the same results: the reason
    "ops/activation/vectorized.py: y = np.where(x < 0, np.expm1(np.minimum(x, (1))) * x.dtype.type(parameter), x)": (
        "the minimum only keeps expm1 from overflowing where it is not taken"
    ),
    "ops/batch_norm/loops.py: variance = sum(((mean - float(rows[m, c]))) ** 2 for m in range(M)) / M": "a square",
    "ops/batch_norm/cpu.py: partial = workspace.empty((_PIECES, (3), C), np.float64)": "a buffer larger than needed",
    "ops/dense/cpu.py: gradients = workspace.empty((K + (2), F), w.dtype)": "a buffer larger than needed",
    **{
        f"ops/conv2d/tiled.py: padded_dy = pad_and_dilate(dy, {size}, top, left, win.SH, win.SW)": "wider padding"
        for size in ("H + ((KH + 1)) * win.DH, W + (KW - 1) * win.DW", "H + (KH - 1) * win.DH, W + ((KW + 1)) * win.DW")
    },
    **{
        f"ops/conv2d/cpu.py: (PH, PW), (_, pooled_H, pooled_W, _) = pool or {size}, y.shape": "not read without a pool"
        for size in ("((2), 1)", "(1, (2))")
    },
    "ops/conv2d/cpu.py: canvas_back = dy_canvas._replace(top=top, left=left, width=W + ((KW + 1)) * win.DW, SH=win.SH, "
    "SW=win.SW)": "a wider canvas",
    "ops/conv2d/cpu.py: products = winograd.products if winograd.suits(back.KH, back.KW, back, groups, (F * groups), "
    "C) else _products": "only without groups",
    "ops/conv2d/cpu.py: products(dy, canvas, flipped_kernel(w, groups), back, groups, y, None, bias, relu, (1, 1), "
    "largest_tile=(3))": "the next larger tile is 4",
    "ops/conv2d/cpu.py: canvas = dy_canvas._replace(top=top, left=left, width=max(back.OW + reach[1], "
    "(left - win.OW)))": ("narrower rows, which overlap where no window reads"),
    "ops/conv2d/cpu.py: if depthwise.suits(groups, (C * groups), pool):": "the general way gives the same gradients",
    "ops/conv2d/depthwise.py: first, end_of_all = (1), win.OW": ("column 0 goes the way of the columns at the border"),
    "ops/conv2d_transpose/cpu.py: dy = activation.relu_backward(dy, (y, y, (1.0)))": (
        "the parameter of other activations"
    ),
    **{
        f"ops/conv2d/cpu.py: output(dx, None, bias, relu, {size}), buffers,": "the kernel does not read the pool's size"
        for size in ("((2), 1)", "(1, (2))")
    },
    "ops/conv2d/depthwise.py: dy = activation.relu_backward(dy, (y, y, (1.0)))": "the parameter of other activations",
    "ops/matrix_product/cpu.py: gradient = workspace.empty((K + (2), F), b.dtype)": "a buffer larger than needed",
    **{
        f"ops/resize/cpu.py: _hand_back_nearest(dy, {places}, dx)": "the nearest pixel stands in both places"
        for places in ("rows[(1)], columns[0]", "rows[0], columns[(1)]")
    },
    "ops/batch_norm/cpu.py: partial = workspace.empty(((3) * _PIECES * C,), np.float64)": "a buffer larger than needed",
    "ops/batch_norm/cpu.py: M, rows = x.size // C, max((2), _BLOCK // C)": "blocks of more rows",
    "ops/batch_norm/cpu.py: M, rows = x.size // C, max(1, (_BLOCK * C))": "blocks of more rows",
    "ops/batch_norm/cpu.py: total_beta += partial[((2 * piece - 1)) * C + c]": "the same sums, beginning with the last",
    **{
        f"ops/batch_norm/cpu.py: for block in prange({count}):": "blocks behind the last row, which have none"
        for count in ("((M + rows - 1) * rows)", "((M + rows + 1)) // rows")
    },
    "ops/conv2d/cpu.py: reach = ((KH + 1)) * win.DH + 1": "a higher band than needed",
    "ops/batch_norm/cpu.py: pieces = partial.shape[(1)]": "fewer pieces of the same sum",
    "ops/conv2d/cpu.py: lay_panel(dy_bands, dy_band + f, F, M, min(columns, (F_group + j)), panels, panel)": (
        "columns that no tile stores"
    ),
    "ops/conv2d/cpu.py: if win.DW == 1 and left >= (1) and left + win.KW <= W:": "the other way gives the same sums",
    "ops/conv2d/cpu.py: count = min(rows_at_once, (win.OH + first))": "rows below dy are zeros",
    "ops/conv2d/winograd.py: for xi in range((17) if width < columns else 0):": "zeros that are written over",
    "ops/conv2d/winograd.py: for xi in range(16 if width < columns else (1)):": "zeros that are written over",
    "ops/conv2d/pooled.py: lay_band(x, canvas, n, oh * PH, (count * PH + KH + 1), bands, band)": "rows no window reads",
    "ops/conv2d/pooled.py: _finish_rows(dx_bands, band, canvas, n, OH * PH, (KH + 1), dx)": "rows below the image",
    "ops/conv2d/pooled.py: first = max((1), OH * PH + KH - 1 - canvas.top)": "the other number is never below 1",
}
CUTS = {  # lines that only say how the work is cut, or how large a buffer is: with other numbers the results stay
    "ops/conv2d/cpu.py": r"reach = |work = split|height = \(|band_rows = |is_panel = |rows_at_once = ",
    "ops/conv2d/winograd.py": r"across = |x_canvas = |per_row = |down = |pieces = |partial, partial_db = |total = ",
    "ops/conv2d/pooled.py": r"rows = max|band_size = ",
    "ops/conv2d/depthwise.py": r"pieces = |partial, sums = |both = ",
}
