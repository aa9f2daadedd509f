// Where the picture comes from: a board to draw on, a picture of one's own, a test image. It is
// prepared here as the model's data were.

import { el } from "./dom.js";
import { makeGreys } from "./colours.js";
import { MapsView } from "./maps.js";
import { Board } from "./pen.js";
import { inverted, pictureOf, pictureOfBytes, prepare } from "./prepare.js";
import { drawn, enlarged } from "./strokes.js";

const BOARD = 560; // pixels of the board, across
const PEN = 0.088; // of the board
const FINE = 10; // pixels of a drawing for each pixel of the network's, where it is small
const SIDE = 140; // of the square on which a drawing is made before it is centred
const SHARE = 5 / 7; // of that square, for the longer side of the strokes: as 20 in 28 pixels
const LARGEST = 512; // pixels of a drawing, or of a picture of ink, on its longer side
const LARGEST_PICTURE = 1024; // of another picture: lenet, too, reads larger ones smaller
const EMPTY = { kind: "ink", strokes: [] };

export class SourceView {
  // onChange(isDone) is called after every change; `isEmpty` and `label` then tell, and after
  // prepare() so do `bytes`. `told` is an element that says the answer.
  constructor(facts, say, told, onChange) {
    Object.assign(this, { facts, say, told, onChange });
    this.how = facts.preparation;
    this.history = [];
    this.inputs = []; // [an input, its property, the name of its value here]
    this.pen = 1;
    this.colour = "#ffffff";
    [this.isInverted, this.asItIs] = [this.how.polarity === "light", false];
    this.current = facts.images ? { kind: "image", index: 0 } : EMPTY;
    this.element = el("section", { class: "card source", "aria-label": say("draw") });
    this.build();
  }

  build() {
    const { say } = this;
    const [channels, height, width] = this.how.input_shape;
    const shape = Math.min(2, Math.max(1 / 3, height / width));
    const canvas = el("canvas", {
      class: "board", width: BOARD, height: Math.round(BOARD * shape), tabindex: 0,
      role: "application", "aria-label": say("drawHere"),
    });
    this.board = new Board(canvas, (strokes, isDone) => this.stroke(strokes, isDone));
    this.invitation = el("p", { class: "invitation", "aria-hidden": "true" }, say("drawHint"));
    this.saw = new MapsView(this.how.input_shape, {
      size: 112, isColour: channels === 3, attributes: { role: "img", "aria-label": say("saw") },
    });
    this.saw.layOut(300);
    this.done = el("p", { class: "note done" });
    this.element.append(
      el("div", { class: "board-frame" }, canvas, this.invitation),
      el("figure", { class: "saw" }, this.saw.element,
        el("figcaption", {}, this.told, el("span", { class: "note" }, say("saw")), this.done)),
      el("div", { class: "tools" }, this.actions(), this.switches(), this.sliders(channels)),
      ...[this.stepper()].filter(Boolean),
    );
    this.acceptFiles();
  }

  actions() {
    const { say } = this;
    const button = (key, onclick) =>
      el("button", { type: "button", class: key, onclick }, say(key));
    this.file = el("input", { type: "file", accept: "image/*", class: "unseen", tabindex: -1 });
    this.file.addEventListener("change", () => this.read(this.file.files[0]));
    this.undoButton = button("undo", () => this.undo());
    return el("div", { class: "buttons" }, this.undoButton,
      button("clear", () => this.become(EMPTY)), button("open", () => this.file.click()),
      this.file);
  }

  switches() {
    const { say } = this;
    const make = (key, name, hint = null) => {
      const input = el("input", {
        type: "checkbox", name: key,
        onchange: () => { this[name] = input.checked; this.changed(); },
      });
      this.inputs.push([input, "checked", name]);
      return el("label", { class: "switch", title: hint }, input, el("span", {}, say(key)));
    };
    return el("div", { class: "switches" }, make("invert", "isInverted"),
      make("asItIs", "asItIs", say("asItIsHint")));
  }

  showSwitches() {
    for (const [input, property, name] of this.inputs) input[property] = this[name];
  }

  sliders(channels) {
    const { say } = this;
    const pen = el("input", {
      type: "range", min: 0.5, max: 2, step: 0.1, name: "pen",
      oninput: () => { this.pen = Number(pen.value); this.changed(); },
    });
    const colour = el("input", {
      type: "color", name: "colour", oninput: () => { this.colour = colour.value; this.changed(); },
    });
    this.inputs.push([pen, "value", "pen"], [colour, "value", "colour"]);
    return el("div", { class: "sliders" }, el("label", {}, say("thickness"), pen),
      channels === 3 ? el("label", {}, say("colour"), colour) : null);
  }

  stepper() {
    if (!this.facts.images) return null;
    const { say } = this;
    this.named = el("span", { class: "named", role: "status" });
    const step = (by, words, sign) => el("button", {
      type: "button", class: by > 0 ? "next" : "previous", "aria-label": words, title: words,
      onclick: () => this.step(by),
    }, sign);
    return el("div", { class: "stepper" }, step(-1, say("previous"), "‹"), this.named,
      step(1, say("next"), "›"));
  }

  step(by) {
    const count = this.facts.images.labels.length;
    const at = this.current.kind === "image" ? this.current.index + by : this.lastImage ?? 0;
    this.become({ kind: "image", index: (at + count) % count });
  }

  stroke(strokes, isDone) {
    const isNew = this.current.kind !== "ink" || strokes.length !== this.current.strokes.length;
    if (isNew) this.history.push(this.current);
    this.current = { kind: "ink", strokes };
    this.changed(isDone);
  }

  become(source) {
    if (source === this.current || (source === EMPTY && this.isEmpty)) return;
    this.history.push(this.current);
    this.current = source;
    this.changed();
  }

  undo() {
    if (!this.history.length) return;
    this.current = this.history.pop();
    this.changed();
  }

  // Another picture than before is to be shown: the board, the picture that the network sees.
  changed(isDone = true) {
    const { current } = this;
    this.isEmpty = current.kind === "ink" && !current.strokes.length;
    this.label = current.kind === "image" ? this.facts.images.labels[current.index] : null;
    if (current.kind === "image") this.lastImage = current.index;
    this.paint();
    this.onChange(isDone);
    if (this.named) this.named.textContent = this.nameOf(current);
    this.undoButton.disabled = !this.history.length;
    this.invitation.hidden = current.kind === "ink" && !this.isEmpty;
  }

  // What can be kept in an address; a picture of one's own cannot.
  get state() {
    const { kind, index, strokes } = this.current;
    const picture = kind === "image" ? { image: index } : { strokes };
    const isTurned = this.isInverted !== (this.how.polarity === "light");
    return { ...picture, negative: isTurned || null, raw: this.asItIs || null };
  }

  // Go on with what another view shows, such as one in another language.
  takeOver(other) {
    const { current, history, lastImage, isInverted, asItIs, pen, colour } = other;
    Object.assign(this, { current, history, lastImage, isInverted, asItIs, pen, colour });
    this.showSwitches();
  }

  restore({ image, strokes, negative, raw }) {
    if (negative) this.isInverted = this.how.polarity !== "light";
    if (raw) this.asItIs = true;
    this.showSwitches();
    if (strokes?.length) this.current = { kind: "ink", strokes };
    const count = this.facts.images?.labels.length ?? 0;
    if (image < count) this.current = { kind: "image", index: image };
  }

  nameOf({ kind, index }) {
    const { labels } = this.facts.images;
    if (kind !== "image") return this.say("images");
    const label = this.facts.classes[labels[index]];
    return this.say("image", { number: index + 1, count: labels.length, label });
  }

  // Make the bytes that the network sees, and show them.
  prepare() {
    const { say } = this;
    const { bytes, done } = prepare(this.picture(), this.how, this.asItIs || this.isEmpty);
    this.bytes = bytes;
    this.saw.paint(bytes, GREYS, [0, 255]);
    const isDrawn = this.current.kind === "ink"; // and has no size of its own
    const steps = done.filter(([key]) => key !== "resized" || !isDrawn);
    const words = steps.map(([key, values]) =>
      say(isDrawn && key === "ink" ? "strokes" : key, values)).join(" · ") || say("plain");
    this.done.textContent = this.isEmpty ? "" : words;
  }

  picture() {
    const { current, how } = this;
    if (current.kind === "picture") return this.turned(current.picture);
    if (current.kind === "image") {
      return this.turned(pictureOfBytes(imageOf(this.facts, current.index), how.input_shape), true);
    }
    const [channels, height, width] = how.input_shape;
    const isCentred = how.box && !this.asItIs && !this.isEmpty;
    const fine = Math.min(FINE, Math.max(1, Math.floor(LARGEST / Math.max(width, height))));
    const pen = PEN * this.pen;
    const ink = isCentred
      ? drawn(enlarged(current.strokes, SHARE), SIDE, SIDE, pen * SIDE)
      : drawn(current.strokes, width * fine, height * fine, pen * fine * Math.min(width, height));
    return this.turned(channels === 3 ? coloured(ink, this.colour) : ink);
  }

  // Ink is light on dark; a person may ask for the negative of anything.
  turned(picture, isOfData = false) {
    const isLight = this.how.polarity === "light" && isOfData;
    return this.isInverted !== isLight ? inverted(picture) : picture;
  }

  paint() {
    const { current } = this;
    const isPaper = this.isInverted;
    const look = {
      ink: isPaper ? "#000000" : this.colour,
      paper: isPaper ? "#ffffff" : "#000000",
      pen: PEN * this.pen,
      bitmap: current.kind === "ink" ? null : bitmapOf(this.picture()),
    };
    this.board.show(current.kind === "ink" ? current.strokes : [], look);
  }

  acceptFiles() {
    const { element } = this;
    element.addEventListener("dragover", (event) => {
      event.preventDefault();
      element.classList.add("over");
    });
    element.addEventListener("dragleave", () => element.classList.remove("over"));
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      element.classList.remove("over");
      this.read(event.dataTransfer.files[0]);
    });
    document.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => /^image/.test(type));
      if (file && element.isConnected) this.read(file);
    });
  }

  async read(file) {
    if (!file) return;
    this.file.value = "";
    try {
      const bitmap = await createImageBitmap(file);
      const most = this.how.box ? LARGEST : LARGEST_PICTURE;
      const scale = Math.min(1, most / Math.max(bitmap.width, bitmap.height));
      const size = [bitmap.width, bitmap.height].map((side) =>
        Math.max(1, Math.round(side * scale)));
      const canvas = el("canvas", { width: size[0], height: size[1] });
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, ...size);
      const own = { width: bitmap.width, height: bitmap.height };
      const picture = { ...pictureOf(context.getImageData(0, 0, ...size)), own };
      this.become({ kind: "picture", picture });
    } catch {
      this.done.textContent = this.say("notPicture");
    }
  }
}

const GREYS = makeGreys();

// The bytes of test images that are packed: after a 0 comes how many zeros there are in a row.
export function unpacked(bytes) {
  const levels = [];
  for (let at = 0; at < bytes.length; at++) {
    const isRun = bytes[at] === 0;
    for (let n = isRun ? bytes[++at] : 1; n > 0; n--) levels.push(isRun ? 0 : bytes[at]);
  }
  return Uint8Array.from(levels);
}

// The bytes of a test image inside the page.
export function imageOf(facts, index) {
  const [channels, height, width] = facts.preparation.input_shape;
  const size = channels * height * width;
  return facts.images.bytes.subarray(index * size, (index + 1) * size);
}

function coloured({ width, height, planes: [plane] }, colour) {
  const planes = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return plane.map((level) => level * share);
  });
  return { width, height, planes };
}

function bitmapOf({ width, height, planes }) {
  const canvas = el("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let n = 0; n < width * height; n++) {
    for (let c = 0; c < 3; c++) image.data[4 * n + c] = (planes[c] ?? planes[0])[n];
    image.data[4 * n + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
