// Small helpers to make elements and to write numbers.

// h("button.small", { onclick }, "text", element, [more], null): an element with classes, attributes and children.
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split("."), element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && key !== "list" && key !== "role") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A number in at most so many digits. NaN and infinities are written as such.
export function text(value, digits = 4) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const written = size >= 1e5 || size < 1e-3 ? value.toExponential(digits - 2) : String(Number(value.toPrecision(digits)));
  return written.replaceAll("-", "−");
}

// A number inside a formula: a negative one in brackets.
export function inFormula(value) {
  return value < 0 ? `(${text(value)})` : text(value);
}

export function percent(value) {
  if (value > 0 && value < 5e-4) return "< 0.1 %";
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : text(value);
}
