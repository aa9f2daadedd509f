// Making elements: texts are texts, and only what the server has written and escaped is markup.

import { el as h } from "../dom.js";

export { h };

/** Turn a piece that the server wrote into nodes. Its bars get their length here: no style may
 * stand in markup (the page's policy), but a script may set one. */
export function piece(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  for (const cell of template.content.querySelectorAll("[data-share]")) {
    cell.style.setProperty("--share", `${cell.dataset.share}%`);
  }
  return template.content;
}

/** Show nodes in place of what an element has. */
export function fill(element, ...nodes) {
  element.replaceChildren(...nodes.flat().filter((node) => node !== null && node !== undefined));
}

/** Return a choice with one option for each [value, text]. */
export function select(options, chosen, attributes = {}) {
  const made = options.map(([value, text]) => h("option", { value }, text));
  const element = h("select", attributes, made);
  element.value = chosen;
  return element;
}

/** A field with its label above it. */
export function labelled(text, field, hint = null) {
  return h("label", { class: "field" }, h("span", {}, text), field, hint && h("small", {}, hint));
}
