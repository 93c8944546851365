// Arrays of one image: a shape without the batch axis, and the numbers in float32, in C order (the last axis fastest).

export class Tensor {
  constructor(shape, data = new Float32Array(size(shape))) {
    this.shape = shape;
    this.data = data;
  }

  like() {
    return new Tensor(this.shape);
  }

  copy() {
    return new Tensor(this.shape, this.data.slice());
  }
}

export function size(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

// The place [i, j, ...] of number `at`, and the number of a place.
export function placeOf(at, shape) {
  const place = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place[axis] = at % shape[axis];
    at = Math.floor(at / shape[axis]);
  }
  return place;
}

export function numberOf(place, shape) {
  return place.reduce((number, index, axis) => number * shape[axis] + index, 0);
}

// [smallest, largest] of the finite numbers; [0, 0] if there is none.
export function rangeOf(data) {
  let low = Infinity, high = -Infinity;
  for (const value of data) {
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return low > high ? [0, 0] : [low, high];
}

// The number of the largest of some values, the first of equals.
export function argmax(data) {
  let best = 0;
  for (let i = 1; i < data.length; i++) if (data[i] > data[best]) best = i;
  return best;
}
