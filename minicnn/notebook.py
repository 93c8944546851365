"""HTML for notebooks, which show an object by its method `_repr_html_`."""

from __future__ import annotations

from html import escape


def table(title: str, columns: list[str], rows: list[list], notes: list[str] | None = None) -> str:
    """A table with a title, the names of its columns, rows of values, and lines of text below it.

    >>> table("a < b", ["n"], [[1]])
    '<table><caption>a &lt; b</caption><thead><tr><th>n</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{escape(str(name))}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>" for row in rows)
    below = "".join(f"<p>{escape(note)}</p>" for note in notes or [])
    caption = f"<caption>{escape(title)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def curve(values: list[float], width: int = 140, height: int = 36) -> str:
    """A small drawing of numbers in a row, from the smallest at the bottom to the largest at the top."""
    finite = [value for value in values if value - value == 0]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    points = " ".join(
        f"{2 + (width - 4) * i / max(len(values) - 1, 1):.1f},"
        f"{2 + (height - 4) * (1 - (value - low) / ((high - low) or 1)):.1f}"
        for i, value in enumerate(values)
        if value - value == 0
    )
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    return f'<svg width="{width}" height="{height}" role="img" aria-label="{low:.4g} to {high:.4g}">{line}</svg>'
