// The table of `lenet explain`: every layer with its window, shapes and costs, as lenet counts
// them.

import { el } from "./dom.js";

export const shapeText = (shape) =>
  shape.length === 3 ? `${shape[0]}@${shape[1]}×${shape[2]}` : String(shape[0]);
export const sizeText = ([height, width]) => `${height}×${width}`;
// With a comma between thousands; the browser's own way takes 40 ms when it is called first.
export const countText = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

// One side's padding, or all four where they differ.
export function paddingText([top, bottom, left, right]) {
  if (top === bottom && left === right) return top === left ? String(top) : sizeText([top, left]);
  return [top, bottom, left, right].join(".");
}

export function strideText([down, along]) {
  return down === along ? String(down) : sizeText([down, along]);
}

// The size formula with its numbers put in; one for both axes where they are alike.
export function formulaText(row) {
  const formulas = [...new Set(row.formulas ?? [])];
  return formulas.join(" × ").replaceAll(" - ", " − ");
}

// What each term of the formula stands for; of the height, where the width has other numbers.
export function formulaWords(row, say) {
  if (!row.kernel_size) return null;
  const [n, k, p, s] = [
    row.input_shape[1], row.kernel_size[0], row.total_padding[0], row.stride[0],
  ];
  return say("formulaWords", { n, k, p, s });
}

export function tableView(facts, say) {
  const heads = ["layer", "kind", "kernel", "stride", "padding", "output", "size", "receptive",
    "parameters", "multiplyAdds"];
  const right = new Set(["parameters", "multiplyAdds"]);
  const head = heads.map((key) =>
    el("th", { scope: "col", class: right.has(key) ? "right" : null }, say(key)));
  const total = el("tr", {}, el("th", { scope: "row", colspan: 8 }, say("total")),
    ...[facts.total.parameters, facts.total.multiply_adds].map((count) =>
      el("td", { class: "right" }, countText(count))));
  return el("section", { class: "card table" },
    el("h2", {}, say("tableTitle")),
    el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": say("tableTitle") },
      el("table", {}, el("thead", {}, el("tr", {}, head)),
        el("tbody", {}, facts.layers.map((row) => rowView(row, say))),
        el("tfoot", {}, total))),
    el("p", { class: "note" }, say("tableHelp")),
    el("h3", {}, say("notation")),
    el("pre", {}, el("code", {}, facts.network)));
}

function rowView(row, say) {
  const isWindow = row.kernel_size !== null;
  const texts = [
    kindText(row, say),
    isWindow ? sizeText(row.kernel_size) : "",
    isWindow ? strideText(row.stride) : "",
    isWindow ? paddingText(row.padding) : "",
    shapeText(row.output_shape),
    formulaText(row).replaceAll(" ", ""), sizeText(row.receptive_field),
  ];
  return el("tr", {},
    el("th", { scope: "row" }, el("span", { class: `chip ${row.kind}` }, row.name)),
    texts.map((text) => el("td", {}, text)),
    shareCell(row.parameters, row.parameter_share),
    shareCell(row.multiply_adds, row.multiply_add_share));
}

export function kindText(row, say) {
  const words = [kindOf(row, say)];
  if (row.batch_norm) words.push(say("batchnorm"));
  if (row.activation && row.activation !== "identity") words.push(row.activation);
  return words.join(" · ");
}

function kindOf(row, say) {
  if (!(row.groups > 1)) return say(row.kind);
  if (row.groups === row.input_shape[0]) return say("depthwise");
  return say("grouped", { groups: row.groups });
}

function shareCell(count, share) {
  return el("td", { class: "right share", "--share": `${(100 * share).toFixed(1)}%` },
    count ? countText(count) : "–");
}
