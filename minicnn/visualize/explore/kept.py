"""What is in the page if not everything fits: the weights of the smallest layers, and what the others computed."""

from __future__ import annotations

import math

_MOST_PRODUCTS = 600_000_000  # for one image: a second or two in the page


def kept_weights(network, most) -> list[bool]:
    """For each weight whether it is kept: those of the smallest layers, together at most `most` numbers, and no more
    than the page can multiply with in a second or two."""
    sizes: dict[tuple, list] = {}
    for layer in network.layers:
        numbers = {number for operation in layer["operations"] for number in operation["weights"].values()}
        size = sizes.setdefault(tuple(sorted(numbers)), [0, 0])
        size[0] = sum(network.weights[number].size for number in numbers)
        size[1] += sum(map(_products, layer["operations"]))
    kept, total, products = [False] * len(network.weights), 0, 0
    for numbers, (size, work) in sorted(sizes.items(), key=lambda item: item[1]):
        if total + size > most or products + work > _MOST_PRODUCTS:
            continue
        total, products = total + size, products + work
        for number in numbers:
            kept[number] = True
    return kept


def _products(operation) -> int:
    """The multiplications of a convolution for one image; 0 for other operations, which take little time."""
    if operation["op"] != "conv2d":
        return 0
    return math.prod(operation["shape"]) * operation["window"]["KH"] * operation["window"]["KW"] * operation["channels"]


def recorded_slots(network, kept, most) -> list[int]:
    """The slots of layers that the page cannot compute and whose outputs are in the page: the smallest ones, together
    at most `most` numbers for an image."""
    asleep = [
        layer["writes"]
        for layer in network.layers
        if not layer["operations"]
        or not all(kept[number] for operation in layer["operations"] for number in operation["weights"].values())
    ]
    chosen, total = [], 0
    for slot in sorted(asleep, key=network.size):
        total += network.size(slot)
        if total <= most:
            chosen.append(slot)
    return chosen
