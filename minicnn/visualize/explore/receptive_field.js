// The part of the picture that a number depends on: the windows of all layers below it, one inside the other.

import { placeOf } from "tensor";

// {top, left, bottom, right} in the first input, for the chosen number; null if there is none.
export function receptiveField(app) {
  const { network, values, selected } = app, input = network.inputs[0];
  let slot = selected?.slot, numbers = [selected?.at];
  while (slot !== undefined && slot !== input) {
    const node = network.nodeOf.get(slot), read = [];
    for (const at of node ? numbers : []) read.push(...readsOf(network.explain(values, slot, at)).filter((term) => term.at !== null));
    if (!read.length) return null;
    slot = node.reads[read[0].input];
    numbers = corners(read.filter((term) => node.reads[term.input] === slot).map((term) => term.at), values.get(slot).shape);
  }
  if (slot === undefined || values.get(input).shape.length !== 3) return null;
  const places = numbers.map((at) => placeOf(at, values.get(input).shape)), rows = places.map(([h]) => h), columns = places.map(([, w]) => w);
  return { top: Math.min(...rows), bottom: Math.max(...rows), left: Math.min(...columns), right: Math.max(...columns) };
}

function readsOf(how) {
  return how?.exponentials ?? how?.groups?.flatMap(({ terms }) => terms) ?? how?.terms ?? how?.reads ?? [];
}

// Of numbers in an image, those at its outermost rows and columns: the windows below reach no further for the others.
function corners(numbers, shape) {
  if (shape.length !== 3) return numbers.length > 2 ? [Math.min(...numbers), Math.max(...numbers)] : numbers;
  const chosen = new Map();
  for (const axis of [0, 1])
    for (const pick of [Math.min, Math.max]) {
      const wanted = pick(...numbers.map((at) => placeOf(at, shape)[axis]));
      chosen.set(`${axis}${pick.name}`, numbers.find((at) => placeOf(at, shape)[axis] === wanted));
    }
  return [...new Set(chosen.values())];
}
