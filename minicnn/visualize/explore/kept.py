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
    """The slots that the page cannot compute and whose numbers are in the page, together at most `most` numbers for an
    image: the outputs, then layers without weights in the page, the smallest first, then what is still unknown."""
    chosen: list[int] = []
    outputs = [slot for slot in _unknown_slots(network, kept, chosen) if slot in network.outputs]
    room = most - sum(map(network.size, outputs))
    for slots in (_asleep_slots(network, kept), None):
        while True:
            unknown = _unknown_slots(network, kept, [*chosen, *outputs]) if slots is None else slots
            fitting = [slot for slot in unknown if slot not in (*chosen, *outputs) and network.size(slot) <= room]
            if not fitting:
                break
            chosen.append(min(fitting, key=network.size))
            room -= network.size(chosen[-1])
    return [*outputs, *chosen]


def _asleep_slots(network, kept) -> list[int]:
    """The slots of the layers that the page does not know, or whose weights it does not have."""
    return [
        layer["writes"]
        for layer in network.layers
        if not layer["operations"]
        or not all(kept[number] for operation in layer["operations"] for number in operation["weights"].values())
    ]


def _unknown_slots(network, kept, recorded) -> list[int]:
    """The slots that the page has no numbers for: those of layers that are asleep, and all that follows from them."""
    asleep, unknown = set(_asleep_slots(network, kept)), []
    for layer in network.layers:
        slot = layer["writes"]
        if slot not in recorded and (slot in asleep or any(read in unknown for read in layer["reads"])):
            unknown.append(slot)
    return unknown
