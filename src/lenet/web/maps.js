// The maps of one layer on a canvas, side by side, and marks above them.
//
// One picture element per unit is painted, or z x z where units are few, and the browser enlarges
// the whole: so a layer costs one putImageData, however many maps it has.

import { svg, el } from "./dom.js";
import { placeOf } from "./colours.js";

const MOST_UNITS = 400000; // of one layer: more maps are not shown
const GAP = 3; // pixels of the screen, between maps
const GROWTH = 1.5; // times what was asked for, at most, and down to
const FLATTEST = 6; // pixels of the screen, of a map's shorter side

export class MapsView {
  // shape: [O, P, Q]. `size`: how long the longer side of a map may be, in pixels of the screen.
  // A picture in colour is one map: `isColour`. `columns`: so many maps in a line, always.
  // `isExact`: to the pixel as large as that.
  constructor(shape, { size, columns = null, isExact = false, isColour = false, attributes = {} }) {
    [this.O, this.P, this.Q] = isColour ? [1, shape[1], shape[2]] : shape;
    this.isColour = isColour;
    this.size = size;
    this.fixed = columns;
    this.isExact = isExact;
    const fits = Math.max(1, Math.floor(MOST_UNITS / (this.P * this.Q)));
    this.shown = Math.min(this.O, fits);
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.soft = svg("path", { class: "mark soft" });
    this.strong = svg("path", { class: "mark strong" });
    this.marks = svg("svg", { class: "marks", "aria-hidden": "true" }, this.soft, this.strong);
    this.element = el("div", { class: "maps", ...attributes }, this.canvas, this.marks);
    this.columns = 0;
  }

  // Lay the maps out for so many pixels of the screen; true where that changed anything.
  layOut(width) {
    Object.assign(this, grainOf(this.scaleFor(width)));
    this.step = [this.P * this.zoom + this.gap, this.Q * this.zoom + this.gap];
    const fit = Math.floor((width / this.pixel + this.gap) / this.step[1]);
    this.columns = this.fixed ?? Math.max(1, Math.min(this.shown, fit));
    const rows = Math.ceil(this.shown / this.columns);
    const across = this.columns * this.step[1] - this.gap;
    const down = rows * this.step[0] - this.gap;
    const key = `${across} ${down} ${this.pixel}`;
    if (key === this.key) return false;
    this.key = key;
    Object.assign(this.canvas, { width: across, height: down });
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(across, down);
    this.words = new Uint32Array(this.image.data.buffer);
    this.element.style.width = `${across * this.pixel}px`;
    this.marks.setAttribute("viewBox", `0 0 ${across} ${down}`);
    return true;
  }

  // Pixels of the screen per unit: about what was asked for, and so that lines are full.
  scaleFor(width) {
    const room = this.fixed ? width / this.fixed - GAP : width;
    const flat = FLATTEST / Math.min(this.P, this.Q); // a signal is to be seen, too
    const wanted = Math.max(this.size / Math.max(this.P, this.Q), flat);
    const least = Math.min(wanted, room / this.Q);
    if (this.isExact) return least;
    if (least <= 1 || this.fixed || this.shown === 1) return least > 1 ? Math.floor(least) : least;
    let best = [Math.floor(least), Infinity];
    for (let scale = Math.ceil(least / GROWTH); scale <= GROWTH * least; scale++) {
      const { gap, pixel } = grainOf(scale);
      const [across, down] = [this.Q * scale + gap * pixel, this.P * scale + gap * pixel];
      const columns = Math.min(this.shown, Math.floor((width + gap * pixel) / across));
      if (columns < 1) break;
      const height = Math.ceil(this.shown / columns) * down;
      const waste = 1 - (this.shown * this.P * this.Q * scale * scale) / (width * height);
      const cost = waste + Math.abs(Math.log(scale / least)) / 3;
      if (cost < best[1]) best = [scale, cost];
    }
    return best[0];
  }

  paint(values, ramp, range) {
    const { P, Q, zoom, words } = this;
    const width = this.canvas.width;
    const size = P * Q;
    for (let o = 0, at = 0; o < this.shown; o++) {
      const corner = this.cornerOf(o);
      for (let p = 0; p < P; p++) {
        for (let q = 0; q < Q; q++, at++) {
          const word = this.isColour
            ? colourOf(values, at, size) : ramp[placeOf(values[at], range)];
          let to = (corner.y + p * zoom) * width + corner.x + q * zoom;
          for (let i = 0; i < zoom; i++, to += width) {
            for (let j = 0; j < zoom; j++) words[to + j] = word;
          }
        }
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }

  cornerOf(o) {
    return { x: (o % this.columns) * this.step[1], y: Math.floor(o / this.columns) * this.step[0] };
  }

  // The unit under a pointer, { o, p, q }; a gap belongs to the map before it.
  unitAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.canvas.width;
    const y = ((event.clientY - box.top) / box.height) * this.canvas.height;
    const [row, column] = [Math.floor(y / this.step[0]), Math.floor(x / this.step[1])];
    const o = row * this.columns + column;
    if (x < 0 || y < 0 || column >= this.columns || o >= this.shown) return null;
    const p = Math.min(this.P - 1, Math.floor((y - row * this.step[0]) / this.zoom));
    const q = Math.min(this.Q - 1, Math.floor((x - column * this.step[1]) / this.zoom));
    return { o, p, q };
  }

  // Mark rectangles of units on some maps: { first, end, top, left, bottom, right }, or nothing.
  mark(area, isStrong = true) {
    this.soft.setAttribute("d", area && !isStrong ? this.outline(area) : "");
    this.strong.setAttribute("d", area && isStrong ? this.outline(area) : "");
  }

  outline({ first, end, top, left, bottom, right }) {
    const [up, low] = [Math.max(0, top), Math.min(this.P, bottom)];
    const [west, east] = [Math.max(0, left), Math.min(this.Q, right)];
    if (!this.columns || low <= up || east <= west) return "";
    const [width, height] = [(east - west) * this.zoom, (low - up) * this.zoom];
    let path = "";
    for (let o = first; o < Math.min(end, this.shown); o++) {
      const { x, y } = this.cornerOf(o);
      path += `M${x + west * this.zoom} ${y + up * this.zoom}h${width}v${height}h${-width}z`;
    }
    return path;
  }
}

// Of so many pixels of the screen per unit: picture elements per unit (`zoom`), pixels of the
// screen per picture element, and picture elements between maps.
function grainOf(scale) {
  const zoom = Math.max(1, Math.round(scale / 4));
  const pixel = scale / zoom;
  return { zoom, pixel, gap: Math.max(1, Math.round(GAP / pixel)) };
}

function colourOf(values, at, size) {
  const [red, green, blue] = [values[at], values[at + size], values[at + 2 * size]];
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
