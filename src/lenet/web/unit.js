// How one number is made: its window, the kernel, the products, their sum, what is added, what is
// done to it. A window can be slid over the whole map, at any speed.

import { cssOf, makeRamp, rangeAbout } from "./colours.js";
import { className, el, number, shortNumber } from "./dom.js";
import { MapsView } from "./maps.js";
import { channelsOf, makeUnit, placeOf, unitAt, windowOf } from "./network.js";

const STAGE = 150; // pixels of the screen, of a map beside another
const MOST_CELLS = 121; // of a window that is written as numbers
const MOST_CHANNELS = 12; // that have a button each at once
const SCREEN = 60; // pictures that a screen shows per second
const STRONGEST = 8; // products of a dense layer that are listed

export class UnitView {
  // `look` has say, classes, isDark, rampOf(index), rangeOf(index), pick(unit) and close().
  constructor(look) {
    this.look = look;
    this.title = el("h2", {}, look.say("unit"));
    this.closer = el("button", {
      type: "button", class: "close", "aria-label": look.say("close"), onclick: () => look.close(),
    }, "×");
    this.live = el("p", { class: "unseen", role: "status" });
    this.top = el("div", { class: "unit-part" });
    this.rest = el("div", { class: "unit-part" });
    this.transport = this.makeTransport(); // stays, so that it can be pressed while all else moves
    this.body = el("div", { class: "unit-body" }, this.top, this.transport, this.rest);
    this.element = el("aside", { class: "card unit", "aria-label": look.say("unit") },
      el("header", {}, this.title, this.closer), this.live, this.body);
    this.channel = null;
    this.timer = null;
    this.speed = 6; // steps per second
    this.hint();
  }

  hint() {
    this.stop();
    this.element.classList.remove("open");
    this.top.replaceChildren(el("p", { class: "note" }, this.look.say("unitHint")));
    this.transport.hidden = true;
    this.rest.replaceChildren();
    this.key = "";
  }

  // Show unit { index, o, p, q } of the layer at this place, made of `x`.
  update(unit, layer, x, previous) {
    const made = makeUnit(layer, x, unit.o, unit.p, unit.q);
    const key = `${unit.index}.${unit.o}`;
    if (key !== this.key) this.channel = strongestChannel(made.terms);
    this.key = key;
    this.unit = unit;
    this.layer = layer;
    this.element.classList.add("open");
    this.tell(unit, layer, made);
    this.element.dataset.unit = [layer.name, unit.o, unit.p, unit.q].join(".");
    this.element.dataset.value = made.value;
    const isDense = layer.kind === "dense";
    const stage = isDense ? null : this.stage(unit, layer, x);
    const parts = isDense
      ? this.denseParts(unit, layer, made, x, previous) : this.windowParts(unit, layer, made, x);
    this.body.className = `unit-body ${layer.kind}`;
    this.top.replaceChildren(...[this.heading(unit, layer, made), stage].filter(Boolean));
    this.transport.hidden = layer.P * layer.Q < 2;
    this.showTransport();
    const isFocused = Boolean(this.rest.getRootNode().activeElement?.closest(".channels"));
    this.rest.replaceChildren(...parts, this.sums(layer, made));
    if (isFocused) this.rest.querySelector(".channels [aria-pressed=true]")?.focus();
  }

  // For those who listen: the unit that is chosen, not every one that is passed over.
  tell(unit, layer, made) {
    if (unit !== this.look.unit || this.timer !== null) return;
    const text = `${layer.name}, ${this.nameOf(unit, layer)}: ${number(made.value)}`;
    if (text !== this.live.textContent) this.live.textContent = text;
  }

  nameOf(unit, layer) {
    const { say } = this.look;
    return layer.row.output_shape.length === 1
      ? say("unitOf", { unit: unit.o })
      : say("unitAt", { map: unit.o, row: unit.p, column: unit.q });
  }

  heading(unit, layer, made) {
    const { classes, last } = this.look;
    const where = this.nameOf(unit, layer);
    const name = unit.index === last ? [" · ", className(classes[placeOf(layer, unit)])] : [];
    return el("p", { class: "unit-name" },
      el("span", { class: `chip ${layer.kind}` }, layer.name), " ", where, name,
      el("strong", { class: "value" }, number(made.value)),
      el("span", { class: "formula" }, formulaOf(layer)));
  }

  windowParts(unit, layer, made, x) {
    const { say } = this.look;
    const [first, end] = channelsOf(layer, unit.o);
    const terms = made.terms.filter((term) => term.channel === this.channel);
    const isConv = layer.kind === "conv";
    const part = isConv ? this.grids(layer, terms) : this.poolGrid(layer, terms, made);
    const several = end - first > 1 ? this.channels(made, first, end) : null;
    return [several, el("p", { class: "words" }, say(`word.${layer.kind}`)), part].filter(Boolean);
  }

  // The map that is read with the window on it, and the map that is given, as far as it is made.
  stage(unit, layer, x) {
    const { look } = this;
    const read = new MapsView([1, layer.H, layer.W], { size: STAGE, isExact: true });
    const given = new MapsView([1, layer.P, layer.Q], { size: STAGE, isExact: true });
    for (const view of [read, given]) view.layOut(STAGE);
    const { top, left, bottom, right } = windowOf(layer, unit.p, unit.q);
    const from = this.channel * layer.H * layer.W;
    const range = look.rangeOf(unit.index - 1);
    read.paint(x.subarray(from, from + layer.H * layer.W), look.rampOf(unit.index - 1), range);
    read.mark({ first: 0, end: 1, top, left, bottom, right });
    const size = layer.P * layer.Q;
    const made = layer.output.slice(unit.o * size, (unit.o + 1) * size);
    if (this.timer !== null) made.fill(0, placeOf(layer, { ...unit, o: 0 }) + 1);
    given.paint(made, look.rampOf(unit.index), look.rangeOf(unit.index));
    const [row, column] = [unit.p, unit.q];
    given.mark({ first: 0, end: 1, top: row, left: column, bottom: row + 1, right: column + 1 });
    const figure = (view, words) => el("figure", {}, view.element, el("figcaption", {}, words));
    const { say } = look;
    return el("div", { class: "stage" },
      figure(read, `${say("reads")} · ${say("channel")} ${this.channel}`),
      el("span", { class: "arrow", "aria-hidden": "true" }, "→"),
      figure(given, `${say("gives")} · ${layer.name}`));
  }

  makeTransport() {
    const { say } = this.look;
    this.button = el("button", {
      type: "button", class: "play",
      onclick: () => (this.timer === null ? this.play() : this.pause()),
    });
    const speed = el("input", {
      type: "range", min: 0, max: 7, step: 1, value: 2,
      oninput: (event) => {
        this.speed = 1.5 * 2 ** Number(event.target.value);
        if (this.timer !== null) this.play();
      },
    });
    return el("div", { class: "transport" }, this.button, el("label", {}, say("speed"), speed));
  }

  showTransport() {
    const { say } = this.look;
    const isPlaying = this.timer !== null;
    this.button.textContent = isPlaying ? `❚❚ ${say("pause")}` : `▶ ${say("play")}`;
    this.button.setAttribute("aria-pressed", String(isPlaying));
  }

  // Slide the window on from here, or from the start where it is at the end.
  play() {
    this.stop();
    const { layer } = this;
    const last = layer.P * layer.Q - 1;
    const here = placeOf(layer, { ...this.unit, o: 0 });
    let at = here === last ? 0 : here;
    const step = () => {
      const { index, o } = this.unit;
      this.look.pick({ ...unitAt(layer, at), index, o });
      if (at === last) return this.pause();
      at = Math.min(last, at + Math.max(1, Math.round(this.speed / SCREEN)));
      return null;
    };
    this.timer = setInterval(step, 1000 / Math.min(SCREEN, this.speed));
    step();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }

  pause() {
    this.stop();
    this.look.pick(this.unit);
  }

  channels(made, first, end) {
    const sums = channelSums(made.terms);
    const range = rangeAbout(sums.values());
    const ramp = makeRamp(this.look.isDark(), range);
    const shown = [];
    for (let channel = first; channel < end; channel++) shown.push(channel);
    if (shown.length > MOST_CHANNELS) {
      shown.sort((a, b) => Math.abs(sums.get(b)) - Math.abs(sums.get(a))).splice(MOST_CHANNELS);
      if (!shown.includes(this.channel)) shown[shown.length - 1] = this.channel;
      shown.sort((a, b) => a - b);
    }
    return el("div", { class: "channels", role: "group", "aria-label": this.look.say("channel") },
      shown.map((channel) => {
        const { colour, text } = cssOf(ramp, sums.get(channel), range);
        return el("button", {
          type: "button", "aria-pressed": String(channel === this.channel),
          "--cell": colour, "--cell-text": text,
          title: this.look.say("sumOf", { channel }),
          onclick: () => { this.channel = channel; this.look.pick(this.unit); },
        }, el("small", {}, channel), number(sums.get(channel), 2));
      }));
  }

  grids(layer, terms) {
    const { look } = this;
    const inputs = terms.map((term) => (term.outside ? 0 : term.input));
    const weights = terms.map((term) => term.weight);
    const products = terms.map((term) => term.product);
    const input = look.rangeOf(this.unit.index - 1);
    const sum = products.reduce((a, b) => a + b, 0);
    return el("div", { class: "grids" },
      this.grid(layer, terms, inputs, input, look.say("window")),
      el("span", { class: "sign" }, "×"),
      this.grid(layer, terms, weights, look.weightRange(layer), look.say("kernelUsed")),
      el("span", { class: "sign" }, "="),
      this.grid(layer, terms, products, rangeAbout(products), look.say("products")),
      el("p", { class: "channel-sum" }, look.say("sumOf", { channel: this.channel }),
        el("strong", {}, number(sum))));
  }

  poolGrid(layer, terms, made) {
    const range = this.look.rangeOf(this.unit.index - 1);
    const isMost = layer.kind === "maxpool"; // what is outside does not count, elsewhere it is 0
    const inputs = terms.map((term) => (term.outside && isMost ? NaN : term.input));
    const grid = this.grid(layer, terms, inputs, range, this.look.say("window"));
    if (isMost) {
      grid.querySelectorAll(".cell")[inputs.indexOf(made.value)]?.classList.add("largest");
    }
    return el("div", { class: "grids" }, grid);
  }

  grid(layer, terms, values, range, words) {
    const ramp = makeRamp(this.look.isDark(), range);
    const isWritten = terms.length <= MOST_CELLS;
    const cells = values.map((value, n) => {
      if (Number.isNaN(value)) return el("span", { class: "cell outside" });
      const { colour, text } = cssOf(ramp, value, range);
      return el("span", {
        class: terms[n].outside ? "cell outside" : "cell", "--cell": colour, "--cell-text": text,
        title: number(value, 5),
      }, isWritten ? shortNumber(value) : "");
    });
    const board = el("div", {
      class: "grid", "--across": layer.kw, "--side": `${sideOf(layer)}px`,
      "--letters": `${Math.max(8, 14 - 1.2 * layer.kw)}px`,
    }, cells);
    return el("figure", {}, board, el("figcaption", {}, words));
  }

  // A dense layer reads everything: what each number adds, in the shape of what is read.
  denseParts(unit, layer, made, x, previous) {
    const { say } = this.look;
    const shape = previous.length === 3 ? previous : null;
    const parts = [el("p", { class: "words" }, say("word.dense"))];
    if (shape) {
      const products = Float32Array.from(made.terms, (term) => term.product);
      const range = rangeAbout(products);
      const view = new MapsView(shape, { size: 40 });
      view.layOut(330);
      view.paint(products, makeRamp(this.look.isDark(), range), range);
      parts.push(view.element, el("p", { class: "note" }, say("everyInput")));
    }
    const order = [...made.terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const listed = order.slice(0, STRONGEST);
    const rest = order.slice(STRONGEST).reduce((total, term) => total + term.product, 0);
    const rows = listed.map((term) => this.termRow(term, shape));
    const others = order.length - listed.length;
    const last = others ? sumRow(say("rest", { count: others }), rest) : null;
    const count = { count: listed.length, all: order.length };
    return [...parts, el("p", { class: "note" }, say("strongest", count)),
      el("table", { class: "terms" }, el("tbody", {}, rows, last))];
  }

  termRow({ channel: place, input, weight, product }, shape) {
    const size = shape ? shape[1] * shape[2] : 1;
    const rest = place % size;
    const where = shape
      ? `[${Math.floor(place / size)}, ${Math.floor(rest / shape[2])}, ${rest % shape[2]}]`
      : `[${place}]`;
    return el("tr", {}, el("th", { scope: "row" }, where),
      el("td", {}, number(input), " × ", number(weight)), el("td", {}, "="),
      el("td", { class: "right" }, number(product)));
  }

  // The lines of the sum, from the products to the value.
  sums(layer, made) {
    const { say } = this.look;
    const lines = [...this.sumRows(layer, made)];
    if (this.unit.index === this.look.last) {
      const probability = this.look.probabilities[placeOf(layer, this.unit)];
      lines.push([say("probability"), "=", probability, "probability"]);
    }
    const rows = lines.map(([words, sign, value, name]) =>
      el("tr", { class: name }, el("th", { scope: "row" }, words), el("td", {}, sign),
        el("td", { class: "right", "data-value": value }, number(value, 4))));
    const words = layer.norm ? "word.norm" : layer.bias ? "word.bias" : null;
    return el("div", {},
      el("table", { class: "sums" }, el("tbody", {}, rows)),
      words && el("p", { class: "words" }, say(words)));
  }

  * sumRows(layer, made) {
    const { say } = this.look;
    const count = made.terms.length;
    if (layer.kind === "maxpool") {
      yield [say("largest", { count }), "=", made.value, "value"];
    } else if (layer.kind === "avgpool") {
      yield [say("average", { count }), "", made.sum * count, "sum"];
      yield [say("divided", { count }), "=", made.value, "value"];
    } else {
      yield [say("sumAll", { count }), "", made.sum, "sum"];
      if (made.norm) yield* normRows(made, say);
      yield [say(made.norm ? "shift" : "bias"), "+", made.bias, "bias"];
      yield [say("before"), "=", made.before, "before"];
      const name = layer.row.activation;
      yield [`${name}: ${say(`word.${name}`)}`, "=", made.value, "value"];
    }
  }
}

// How wide a window's numbers are: three beside each other, or as wide as they need.
function sideOf({ kind, kw }) {
  if (kind !== "conv") return 44 * Math.min(kw, 5);
  return kw > 5 ? 21 * kw : Math.min(34 * kw, 104);
}

function* normRows({ norm }, say) {
  yield [say("mean"), "−", norm.mean, "mean"];
  yield [say("deviation"), "÷", Math.sqrt(norm.variance + norm.epsilon), "deviation"];
  yield [say("scale"), "×", norm.scale, "scale"];
}

function sumRow(words, value) {
  return el("tr", { class: "rest" }, el("th", { scope: "row", colspan: 3 }, words),
    el("td", { class: "right" }, number(value)));
}

function formulaOf(layer) {
  if (layer.kind === "maxpool") return "y = max(x)";
  if (layer.kind === "avgpool") return "y = Σ x / n";
  const name = layer.row.activation === "identity" ? "" : layer.row.activation;
  const sum = layer.norm ? "s · (Σ w·x − μ) / √(σ² + ε) + b" : "Σ w·x + b";
  return name ? `y = ${name}(${sum})` : `y = ${sum}`;
}

function channelSums(terms) {
  const sums = new Map();
  for (const { channel, product } of terms) sums.set(channel, (sums.get(channel) ?? 0) + product);
  return sums;
}

function strongestChannel(terms) {
  let strongest = [terms[0].channel, 0];
  for (const [channel, sum] of channelSums(terms)) {
    if (Math.abs(sum) > strongest[1]) strongest = [channel, Math.abs(sum)];
  }
  return strongest[0];
}
