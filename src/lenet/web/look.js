// A look inside one network: what goes in, every layer, the answer, and how one number is made.
//
//     const look = new Look(facts, { language: "en", isDark: () => false, onChange: () => {} });
//     document.body.append(look.element);
//     look.start();
//
// `facts` is what lenet/formats/page.py writes; `onChange` is called when `look.state` is another.

import { AnswerView } from "./answer.js";
import { makeGreys, makeRamp, rangeAbout } from "./colours.js";
import { el } from "./dom.js";
import { LayersView } from "./layers.js";
import { bytesOf, forward, readNetwork, softmax, unitAt } from "./network.js";
import { scaled } from "./prepare.js";
import { QuizView } from "./quiz.js";
import { SourceView, unpacked } from "./source.js";
import { tableView } from "./table.js";
import { UnitView } from "./unit.js";
import { speaker } from "./words.js";

export const TABS = ["layers", "table", "quiz"];
const GREYS = makeGreys();
const WIDE = "(min-width: 1180px)"; // as in page.css: there are three columns

export class Look {
  constructor(facts, { language, isDark, onChange }) {
    this.facts = facts;
    this.isDark = isDark;
    this.onChange = onChange;
    this.say = speaker(language);
    this.classes = facts.classes;
    this.network = readNetwork(facts);
    this.last = this.network.layers.length - 1;
    this.ramps = new Map();
    this.weightRanges = new Map();
    [this.unit, this.hovered, this.tab] = [null, null, "layers"];
    if (facts.images) facts.images.bytes ??= unpacked(bytesOf(facts.images.pixels));
    this.build();
  }

  build() {
    const { facts, say } = this;
    this.answer = new AnswerView(facts.classes, say, (place) =>
      this.choose({ ...unitAt(this.network.layers.at(-1), place), index: this.last }));
    this.source = new SourceView(facts, say, this.answer.told, (isDone) => this.request(isDone));
    this.layersView = new LayersView(this);
    this.unitView = new UnitView(this);
    this.panels = {
      layers: this.layersView.element, table: tableView(facts, say),
      quiz: new QuizView(facts, say).element,
    };
    this.tabs = this.tabList();
    this.element = el("div", { class: "look" },
      el("div", { class: "column first" }, this.source.element, this.answer.element),
      el("div", { class: "column middle" }, this.tabs,
        TABS.map((name) => {
          const panel = el("div", {
            role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`,
          }, this.panels[name]);
          this.panels[name] = panel;
          return panel;
        })),
      el("div", { class: "column last" }, this.unitView.element));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    this.open(this.tab);
  }

  tabList() {
    const make = (name) => el("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`,
      onclick: () => { this.open(name); this.onChange(); },
    }, this.say(`tab.${name}`));
    const list = el("div", { role: "tablist", class: "tabs" }, TABS.map(make));
    list.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by) return;
      const at = (TABS.indexOf(this.tab) + by + TABS.length) % TABS.length;
      this.open(TABS[at]);
      list.children[at].focus();
      this.onChange();
    });
    return list;
  }

  open(name) {
    this.tab = name;
    for (const [at, tab] of TABS.entries()) {
      const isOpen = tab === name;
      this.panels[tab].hidden = !isOpen;
      this.tabs.children[at].setAttribute("aria-selected", String(isOpen));
      this.tabs.children[at].tabIndex = isOpen ? 0 : -1;
    }
    this.element.dataset.tab = name;
  }

  // Show the picture, for the first time, after `element` is in the page; `state` is what an
  // address held.
  start(state = {}) {
    if (TABS.includes(state.tab)) this.open(state.tab);
    this.layersView.layOut();
    this.source.restore(state);
    this.source.changed();
    this.draw();
    const [name, o, p, q] = state.unit ?? [];
    const index = this.network.layers.findIndex((layer) => layer.name === name);
    const layer = this.network.layers[index];
    if (layer && o < layer.O && p < layer.P && q < layer.Q) this.pick({ index, o, p, q });
    else if (matchMedia(WIDE).matches) this.showExample();
  }

  // The strongest number of the first layer, where there is room for it beside the layers.
  showExample() {
    const [layer] = this.network.layers;
    const map = layer.output.subarray(0, layer.P * layer.Q);
    const at = map.indexOf(map.reduce((a, b) => Math.max(a, b), -Infinity));
    if (at >= 0) this.pick({ ...unitAt(layer, at), index: 0 });
  }

  get state() {
    const { unit, tab } = this;
    const place = unit && [this.network.layers[unit.index].name, unit.o, unit.p, unit.q];
    return { tab: tab === "layers" ? null : tab, unit: place, ...this.source.state };
  }

  request(isDone) {
    this.isDone = isDone;
    if (isDone) this.onChange();
    this.waiting ??= requestAnimationFrame(() => this.draw());
  }

  // Everything anew for the present picture: one pass through the network, then all colours.
  draw() {
    const begun = performance.now();
    cancelAnimationFrame(this.waiting);
    this.waiting = null;
    this.source.prepare();
    this.maps = forward(this.network, scaled(this.source.bytes, this.source.how));
    this.probabilities = softmax(this.maps.at(-1));
    this.answer.update(this.source.isEmpty ? null : this.probabilities, this.source.label);
    if (this.isDone) this.answer.speak();
    this.repaint();
    this.element.dataset.milliseconds = (performance.now() - begun).toFixed(2);
  }

  repaint() {
    if (!this.maps) return;
    this.layersView.update();
    this.showUnit();
  }

  // After a change of the theme.
  recolour() {
    this.ramps.clear();
    this.repaint();
  }

  showUnit() {
    const unit = this.hovered ?? this.unit;
    this.layersView.mark(unit, this.source.saw);
    if (!unit) return this.unitView.hint();
    const { layers } = this.network;
    const { index } = unit;
    return this.unitView.update(
      unit, layers[index], this.maps[index], layers[index].row.input_shape);
  }

  pick(unit) {
    [this.unit, this.hovered] = [unit, null];
    this.showUnit();
    if (!this.unitView.timer) this.onChange();
  }

  // A unit that a person chose: what slides stops.
  choose(unit) {
    this.unitView.stop();
    this.pick(unit);
  }

  hover(unit) {
    if (this.unitView.timer || sameUnit(unit, this.hovered)) return;
    this.hovered = unit;
    this.hovering ??= requestAnimationFrame(() => {
      this.hovering = null;
      this.showUnit();
    });
  }

  close() {
    this.unit = this.hovered = null;
    this.showUnit();
    this.onChange();
  }

  // What the colours of a layer stand for; of the network's input, index -1. It is the same for
  // every picture where the page knows some; else it is about this picture's own numbers.
  rangeOf(index) {
    if (index < 0) {
      const { scale, shift } = this.source.how;
      return [Math.min(...shift), Math.max(...shift.map((least, c) => least + 255 * scale[c]))];
    }
    return this.facts.ranges?.[index] ?? rangeOfNumbers(this.maps[index + 1]);
  }

  rampOf(index) {
    if (index < 0) return GREYS;
    const [low, high] = this.rangeOf(index);
    const key = low / high; // all that a ramp depends on, but for the theme
    if (!this.ramps.has(key)) this.ramps.set(key, makeRamp(this.isDark(), [low, high]));
    return this.ramps.get(key);
  }

  weightRange(layer) {
    if (!this.weightRanges.has(layer)) this.weightRanges.set(layer, rangeAbout(layer.weight));
    return this.weightRanges.get(layer);
  }
}

function rangeOfNumbers(values) {
  const [low, high] = rangeAbout(values);
  return values.every((value) => value >= 0) ? [0, high] : [low, high];
}

function sameUnit(a, b) {
  return a === b || Boolean(a && b && ["index", "o", "p", "q"].every((key) => a[key] === b[key]));
}
