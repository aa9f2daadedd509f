// Every layer as a card: what it is, its numbers as colours with one legend, its kernels.

import { className, el, number } from "./dom.js";
import { makeRamp } from "./colours.js";
import { MapsView } from "./maps.js";
import { channelsOf, windowOf } from "./network.js";
import { formulaText, formulaWords, kindText, shapeText, sizeText } from "./table.js";

const MOST_WEIGHTS = 1000000; // that are painted
const MOST_NAMES = 20; // classes that are listed

export class LayersView {
  // `look` has say, network, rampOf(index), rangeOf(index), choose(unit), hover(unit), close().
  constructor(look) {
    this.look = look;
    this.cards = look.network.layers.map((layer, index) => new LayerCard(layer, index, look));
    this.element = el("div", { class: "layers" }, this.cards.map((card) => card.element));
    new ResizeObserver(() => this.layOut()).observe(this.element);
  }

  layOut() {
    if (!this.element.clientWidth) return;
    const isNew = this.cards.filter((card) => card.layOut());
    if (isNew.length) this.look.repaint();
  }

  update() {
    for (const card of this.cards) card.paint();
  }

  // The unit, its window in the layer before, and what it sees of all layers before that.
  mark(unit, saw) {
    const views = [saw, ...this.cards.map((card) => card.view)];
    for (const view of views) view.mark(null);
    if (!unit) return;
    const { layers } = this.look.network;
    let area = {
      first: unit.o, end: unit.o + 1,
      top: unit.p, left: unit.q, bottom: unit.p + 1, right: unit.q + 1,
    };
    views[unit.index + 1].mark(area);
    for (let index = unit.index; index >= 0 && layers[index].kind !== "dense"; index--) {
      area = readBy(layers[index], area);
      views[index].mark(views[index].isColour ? { ...area, first: 0, end: 1 } : area,
        index === unit.index);
    }
  }
}

// The units that the units of an area are made of.
function readBy(layer, area) {
  const from = windowOf(layer, area.top, area.left);
  const to = windowOf(layer, area.bottom - 1, area.right - 1);
  const first = channelsOf(layer, area.first)[0];
  const end = channelsOf(layer, area.end - 1)[1];
  return { first, end, top: from.top, left: from.left, bottom: to.bottom, right: to.right };
}

class LayerCard {
  constructor(layer, index, look) {
    Object.assign(this, { layer, index, look });
    const { say } = look;
    const { row } = layer;
    this.isVector = row.output_shape.length === 1;
    const isSmall = layer.P * layer.Q === 1; // a map of one number is as small as a unit
    const size = isSmall ? unitSize(layer.O) : mapSize(layer);
    const words = this.isVector
      ? say("unitsLabel", { name: row.name, count: layer.O })
      : say("mapsLabel", { name: row.name, count: layer.O, size: `${layer.P}×${layer.Q}` });
    this.view = new MapsView([layer.O, layer.P, layer.Q], {
      size, attributes: { role: "application", tabindex: 0, "aria-label": words },
    });
    this.listen(this.view.element);
    this.legend = el("span", { class: "legend" });
    const sees = say("sees", { size: sizeText(row.receptive_field) });
    const facts = [formulaText(row), sees].filter(Boolean).join(" · ");
    const { shown } = this.view;
    const cut = shown < layer.O
      ? el("p", { class: "note" }, say("shownOf", { shown, count: layer.O })) : null;
    const classes = this.isVector && index === look.last && layer.O <= MOST_NAMES
      ? el("p", { class: "note names" }, say("unitNames"), " ", namesOf(look.classes)) : null;
    this.element = el("article", { class: `card layer ${layer.kind}`, "data-layer": row.name },
      el("header", {},
        el("h3", {}, el("span", { class: `chip ${layer.kind}` }, row.name), " ",
          el("span", { class: "kind" }, kindText(row, say))),
        el("span", { class: "shape" }, shapeText(row.output_shape))),
      el("div", { class: "under" },
        el("span", { class: "note", title: formulaWords(row, say) }, facts), this.legend),
      this.view.element, cut, classes, this.weights());
  }

  layOut() {
    this.paintWeights();
    return this.view.layOut(this.element.clientWidth - 2 * padding(this.element));
  }

  paint() {
    const { look, index } = this;
    if (!this.view.columns) return;
    const range = look.rangeOf(index);
    const ramp = look.rampOf(index);
    this.view.paint(this.layer.output, ramp, range);
    const [isDark, key] = [look.isDark(), `${range} ${look.isDark()}`];
    if (key !== this.key) this.legend.replaceChildren(...legendOf(ramp, range));
    if (isDark !== this.isDark) this.paintWeights(); // in the colours of another theme
    Object.assign(this, { key, isDark });
  }

  listen(element) {
    const { look, view, index } = this;
    const unitAt = (event) => {
      const unit = view.unitAt(event);
      return unit && { index, ...unit };
    };
    element.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") look.hover(unitAt(event));
    });
    element.addEventListener("pointerleave", () => look.hover(null));
    element.addEventListener("click", (event) => {
      const unit = unitAt(event);
      if (unit) look.choose(unit);
    });
    element.addEventListener("keydown", (event) => this.step(event));
  }

  // Arrow keys go from number to number, Page Up and Page Down from map to map.
  step(event) {
    const { layer, look, index, view } = this;
    const steps = {
      ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1], ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0],
      PageUp: [-1, 0, 0], PageDown: [1, 0, 0],
    };
    const step = this.isVector ? vectorStep(event.key, view.columns) : steps[event.key];
    if (!step) return;
    event.preventDefault();
    const at = look.unit?.index === index ? look.unit : { o: 0, p: 0, q: 0 };
    const isFirst = look.unit?.index !== index;
    const move = (value, by, size) => Math.min(size - 1, Math.max(0, value + (isFirst ? 0 : by)));
    look.choose({
      index, o: move(at.o, step[0], layer.O), p: move(at.p, step[1], layer.P),
      q: move(at.q, step[2], layer.Q),
    });
  }

  // The kernels, or the weights of a dense layer; painted when they are opened.
  weights() {
    const { layer, look } = this;
    if (!layer.weight || layer.weight.length > MOST_WEIGHTS) return null;
    const isConv = layer.kind === "conv";
    const each = isConv ? layer.C / layer.groups : 1;
    const view = isConv
      ? new MapsView([layer.O * each, layer.kh, layer.kw], { size: 44, columns: layer.O })
      : new MapsView([1, layer.O, layer.C], { size: 700 });
    const words = look.say(isConv ? "kernelsOf" : "weightsOf", { name: layer.name });
    const legend = el("span", { class: "legend" });
    this.weightView = view;
    this.weightLegend = legend;
    const title = el("summary", {}, look.say(isConv ? "kernels" : "weights"));
    this.opened = el("details", { class: "weights", ontoggle: () => this.paintWeights() }, title,
      el("div", { class: "under" }, el("span", { class: "note" }, words), legend),
      el("div", { class: "wide", role: "img", "aria-label": words }, view.element));
    return this.opened;
  }

  paintWeights() {
    if (!this.opened?.open) return;
    const range = this.look.weightRange(this.layer);
    const ramp = makeRamp(this.look.isDark(), range);
    this.weightView.layOut(this.element.clientWidth - 2 * padding(this.element));
    this.weightView.paint(kernelsOf(this.layer), ramp, range);
    this.weightLegend.replaceChildren(...legendOf(ramp, range));
  }
}

// The kernels in lines of one channel each, so that each map's are below each other.
function kernelsOf(layer) {
  if (layer.kind !== "conv") return layer.weight;
  const size = layer.kh * layer.kw;
  const each = layer.C / layer.groups;
  const turned = new Float32Array(layer.weight.length);
  for (let o = 0; o < layer.O; o++) {
    for (let c = 0; c < each; c++) {
      const from = (o * each + c) * size;
      turned.set(layer.weight.subarray(from, from + size), (c * layer.O + o) * size);
    }
  }
  return turned;
}

function vectorStep(key, columns) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  return key in steps ? [steps[key], 0, 0] : null;
}

function mapSize({ O, P, Q }) {
  if (Math.max(P, Q) <= 8) return O > 24 ? 48 : 64;
  return O > 24 ? 64 : O > 8 ? 78 : 96;
}

function unitSize(count) {
  return count > 1000 ? 6 : count > 200 ? 10 : count > 40 ? 16 : 24;
}

function padding(element) {
  return parseFloat(getComputedStyle(element).paddingInlineStart);
}

// The classes in the order of their units.
const namesOf = (classes) =>
  classes.flatMap((name, n) => (n ? [" · ", className(name)] : [className(name)]));

// A strip of all colours of a ramp, with the numbers at its ends.
function legendOf(ramp, [low, high]) {
  const canvas = el("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(ramp);
  context.putImageData(image, 0, 0);
  return [el("span", {}, number(low, 2)), canvas, el("span", {}, number(high, 2))];
}
