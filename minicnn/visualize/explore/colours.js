// Two colour scales: one for numbers of both signs (blue, white, red), one for numbers that are never negative (dark to
// light). NaN is magenta, infinity green.

const SIGNED = [[33, 82, 162], [146, 182, 222], [247, 247, 247], [240, 164, 138], [178, 24, 43]];
const NEVER_NEGATIVE = [[16, 12, 40], [74, 29, 109], [166, 54, 97], [237, 121, 62], [252, 253, 191]];
const NAN = [255, 0, 255], INFINITE = [0, 190, 60];

// {low, high, signed} for numbers from low to high.
export function scaleFor([low, high]) {
  if (low >= 0) return { signed: false, low: 0, high: high || 1 };
  const most = Math.max(-low, high) || 1;
  return { signed: true, low: -most, high: most };
}

export function colourOf(value, scale) {
  if (Number.isNaN(value)) return NAN;
  if (!Number.isFinite(value)) return INFINITE;
  const colours = scale.signed ? SIGNED : NEVER_NEGATIVE;
  const share = Math.min(Math.max((value - scale.low) / (scale.high - scale.low), 0), 1) * (colours.length - 1);
  const i = Math.min(Math.floor(share), colours.length - 2), rest = share - i;
  return colours[i].map((part, c) => Math.round(part + (colours[i + 1][c] - part) * rest));
}

export function css(value, scale) {
  return `rgb(${colourOf(value, scale).join(" ")})`;
}

// Black or white, whichever has more contrast with the colour of the value. Source: WCAG 2.2, relative luminance.
export function inkOn(value, scale) {
  const linear = colourOf(value, scale).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? "#000" : "#fff";
}

// The scale as a background for a legend.
export function gradientOf(scale) {
  const colours = scale.signed ? SIGNED : NEVER_NEGATIVE;
  return `linear-gradient(to right, ${colours.map((colour) => `rgb(${colour.join(" ")})`).join(", ")})`;
}
