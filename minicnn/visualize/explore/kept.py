"""What is in the page if not everything fits: the weights of the smallest layers, and what the others computed."""

from __future__ import annotations


def kept_weights(network, most) -> list[bool]:
    """For each weight whether it is kept: those of the smallest layers, together at most `most` numbers."""
    sizes = {}
    for layer in network.layers:
        numbers = {number for operation in layer["operations"] for number in operation["weights"].values()}
        sizes[tuple(sorted(numbers))] = sum(network.weights[number].size for number in numbers)
    kept, total = [False] * len(network.weights), 0
    for numbers, size in sorted(sizes.items(), key=lambda item: item[1]):
        total += size
        for number in numbers if total <= most else ():
            kept[number] = True
    return kept


def recorded_outputs(network, kept, most, numbers) -> dict:
    """{slot: what minicnn computed there} for layers that the page cannot compute: the smallest outputs, together at
    most `most` numbers."""
    asleep = [
        layer["writes"]
        for layer in network.layers
        if not layer["operations"]
        or not all(kept[number] for operation in layer["operations"] for number in operation["weights"].values())
    ]
    recorded, total = {}, 0
    for slot in sorted(asleep, key=lambda slot: network.values[slot].size):
        total += network.values[slot].size
        if total <= most:
            recorded[slot] = numbers.add(network.values[slot])
    return recorded
