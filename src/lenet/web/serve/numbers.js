// The numbers of a notation, one row per layer: each can be dragged, or changed by arrow keys.
//
// The text is only cut at its marks here; what a number means, and whether it may be, the server
// says.

import { fill, h } from "./dom.js";
import { t } from "./words.js";

const PIXELS = 7; // of dragging for one step
const MOST = 10_000_000;
const KINDS = {
  conv: "conv",
  maxpool: "pool",
  avgpool: "pool",
  subsample: "pool",
  dense: "dense",
  rbf: "rbf",
};

/** Cut a notation at its marks: rows of words and numbers, with their places in the text. */
export function rows(text) {
  const found = [];
  for (const { 0: part, index } of text.matchAll(/[^|,]+/g)) {
    const row = { kind: KINDS[part.trim().split(/\s/)[0].toLowerCase()] ?? "data", parts: [] };
    for (const { 0: piece, index: at } of part.matchAll(/table:\S+|\d+|[^\d\s]+|\s+/g)) {
      row.parts.push({ text: piece, at: index + at, isNumber: /^\d/.test(piece) });
    }
    while (row.parts[0]?.text.trim() === "") row.parts.shift();
    found.push(row);
  }
  return found;
}

/** Return the text with another number at a place. */
export function replaced(text, at, length, number) {
  return text.slice(0, at) + number + text.slice(at + length);
}

export class Numbers {
  /** `changed` is told the new text, and whether more of it is still to come. */
  constructor(changed) {
    this.changed = changed;
    this.element = h("ol", { class: "layers", "aria-label": t("layers_title") });
    this.text = "";
  }

  /** Show a text, and the shapes behind its rows. A number that is held stays the same element. */
  show(text, shapes = []) {
    this.text = text;
    this.rows = rows(text);
    const outline = this.rows.map(({ kind, parts }) =>
      [kind, ...parts.map((part) => (part.isNumber ? "#" : part.text))].join(""),
    );
    if (outline.join("\n") !== this.outline) {
      this.outline = outline.join("\n");
      this.made = [];
      fill(
        this.element,
        this.rows.map((row) => this.row(row)),
      );
    }
    let index = 0;
    for (const [place, row] of this.rows.entries()) {
      for (const part of row.parts.filter((one) => one.isNumber)) {
        const knob = this.made[index++];
        knob.part = part;
        knob.element.textContent = part.text;
        knob.element.setAttribute("aria-valuenow", part.text);
      }
      this.element.children[place].lastElementChild.textContent = shapes[place] ?? "";
    }
  }

  row(row) {
    const words = row.parts.map((part) => (part.isNumber ? this.knob(row) : part.text));
    return h("li", { class: row.kind }, h("code", {}, words), h("span", { class: "shape" }));
  }

  knob(row) {
    const word = row.parts.find((part) => /[a-z]/i.test(part.text))?.text ?? t("input");
    const element = h("span", {
      role: "spinbutton",
      tabindex: "0",
      "aria-valuemin": "0",
      "aria-valuemax": String(MOST),
      "aria-label": t("number_of", { word }),
      title: t("drag"),
    });
    const knob = { element, part: null };
    const set = (number, isHeld) => {
      const next = String(Math.min(MOST, Math.max(0, number)));
      if (next === knob.part.text) return;
      this.changed(replaced(this.text, knob.part.at, knob.part.text.length, next), isHeld);
    };
    element.addEventListener("keydown", (event) => {
      const step = {
        ArrowUp: 1,
        ArrowRight: 1,
        ArrowDown: -1,
        ArrowLeft: -1,
        PageUp: 10,
        PageDown: -10,
      };
      if (!(event.key in step) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      set(Number(knob.part.text) + step[event.key] * (event.shiftKey ? 10 : 1), false);
    });
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      const from = { x: event.clientX, number: Number(knob.part.text) };
      const move = (moved) => {
        const way = moved.clientX - from.x;
        const step = from.number >= 100 ? Math.round(from.number / 40) : 1;
        set(from.number + Math.round(way / PIXELS) * step, true);
      };
      const end = () => {
        element.removeEventListener("pointermove", move);
        this.changed(this.text, false);
      };
      element.addEventListener("pointermove", move);
      element.addEventListener("pointerup", end, { once: true });
      element.addEventListener("pointercancel", end, { once: true });
    });
    this.made.push(knob);
    return element;
  }
}
