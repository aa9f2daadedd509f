// Elements of a page, made of names, attributes and children. Text is always text: nothing that
// comes from a model, such as a class's name, is ever read as markup.

export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  fill(element, attributes);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  fill(element, attributes);
  element.append(...children);
  return element;
}

function fill(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
}

// A number for a person to read: so many digits that count, and a minus as long as a digit.
export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "?";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = size < 1e-4 || size >= 1e6 ? value.toExponential(digits - 1)
    : value.toFixed(Math.min(places, 4));
  return text.replaceAll("-", "−");
}

// The same in at most four letters or so, for a small cell: 5.2, .36, −.04.
export function shortNumber(value) {
  const size = Math.abs(value);
  if (size < 0.005) return "0";
  const places = size < 1 ? 2 : size < 10 ? 1 : 0;
  const text = size < 10000 ? size.toFixed(places).replace(/^0\./, ".") : size.toExponential(0);
  return value < 0 ? `−${text}` : text;
}

export const percent = (share) => `${(100 * share).toFixed(2)} %`;

// The name of a class, which may be of any script and direction.
export const className = (name) => el("bdi", { class: "class-name" }, name);
