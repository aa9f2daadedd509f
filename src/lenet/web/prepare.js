// A picture, made like the images that a network was trained on: as in lenet/data/prepare.py.
//
// Pictures are { width, height, planes }: for each channel a Float32Array of levels from 0 to 255.
// What the model's data did is in `how`, the stored preparation: its `polarity` (the background's
// brightness), and the `box` in which all ink lies with its mass in the middle, as in MNIST.

import {
  borderOf, clipped, cropped, fitted, placed, quantile, resized, roundHalfEven, withMargin,
} from "./size.js";

const FLAT = 16; // levels: less is a picture without ink
const SLACK = 2; // pixels that ink may be smaller than its box without being enlarged
const GAIN = 1.2; // strokes that are made smaller or larger lose so much of their light
const NOISE = 4; // times the median of the ground's own variation is no ink
const MOST_NOISE = 0.4; // of the ink
const SLOPE = 0.15; // of the ink's height: more on the border is ink, not light
const MOST_OF = 0.8; // of the border must be ground for a plane through it
const EVEN = 2; // levels of difference on a border of one level

// What a network of this input reads of a picture: { bytes (C x H x W), done }. `done` are pairs
// of a word's name and its values, which say what was done to the picture.
export function prepare(picture, how, asItIs = false) {
  const [channels] = how.input_shape;
  const done = [];
  let image = withMargin(withChannels(picture, channels), how, done);
  const isPlain = asItIs || !how.polarity || channels > 1;
  if (!isPlain) {
    if (background(image) !== how.polarity && isInk(picture)) {
      image = inverted(image);
      done.push(["inverted", {}]);
    }
    if (how.box) {
      const dark = how.polarity === "light" ? inverted(image) : image;
      const moved = centredByMass(dark, how, done);
      if (moved) return finished(how.polarity === "light" ? inverted(moved) : moved, done);
    }
  }
  return finished(fitted(image, how, done), done);
}

// What the first layer reads: every byte scaled and shifted as in training.
export function scaled(bytes, how) {
  const each = bytes.length / how.scale.length;
  return Float32Array.from(bytes, (byte, at) => {
    const channel = Math.floor(at / each);
    return byte * how.scale[channel] + how.shift[channel];
  });
}

// A picture of a canvas's ImageData; what is transparent becomes white paper.
export function pictureOf({ width, height, data }) {
  const planes = [0, 1, 2].map((channel) => {
    const plane = new Float32Array(width * height);
    for (let n = 0; n < plane.length; n++) {
      const alpha = data[4 * n + 3] / 255;
      plane[n] = data[4 * n + channel] * alpha + 255 * (1 - alpha);
    }
    return plane;
  });
  return { width, height, planes };
}

// A picture of bytes (C x H x W).
export function pictureOfBytes(bytes, [channels, height, width]) {
  const size = height * width;
  const planes = Array.from({ length: channels }, (_, c) =>
    Float32Array.from(bytes.subarray(c * size, (c + 1) * size)));
  return { width, height, planes };
}

function finished({ planes }, done) {
  const size = planes[0].length;
  const bytes = new Uint8Array(planes.length * size);
  planes.forEach((plane, c) => {
    for (let n = 0; n < size; n++) {
      bytes[c * size + n] = Math.min(255, Math.max(0, Math.round(plane[n])));
    }
  });
  return { bytes, done };
}

function withChannels(picture, channels) {
  const { planes } = picture;
  if (planes.length === channels) return picture;
  if (channels === 1 && planes.length === 3) { // ITU-R BT.601 luma
    const [r, g, b] = planes;
    const grey = r.map((red, n) => Math.round(0.299 * red + 0.587 * g[n] + 0.114 * b[n]));
    return { ...picture, planes: [grey] };
  }
  const luma = planes.length === 3 ? withChannels(picture, 1).planes[0] : planes[0];
  return { ...picture, planes: Array.from({ length: channels }, () => luma) };
}

export function inverted(image) {
  return { ...image, planes: image.planes.map((plane) => plane.map((level) => 255 - level)) };
}

// A picture with several colours is no ink on paper, and is not turned into its negative.
function isInk({ planes }) {
  if (planes.length < 3) return true;
  const [r, g, b] = planes;
  let coloured = 0;
  for (let n = 0; n < r.length; n++) {
    coloured += Math.max(r[n], g[n], b[n]) - Math.min(r[n], g[n], b[n]) > 64;
  }
  return coloured <= 0.1 * r.length;
}

// Is at least half of the border nearer to the lightest pixel?
function background(image) {
  const { least, most } = extremes(image.planes[0]);
  const middle = most - least < FLAT ? 128 : Math.floor((most + least + 1) / 2);
  const border = borderOf(image);
  const light = border.filter((level) => level >= middle).length;
  return light >= 0.5 * border.length ? "light" : "dark";
}

function extremes(plane) {
  let [least, most] = [Infinity, -Infinity];
  for (let n = 0; n < plane.length; n++) {
    if (plane[n] < least) least = plane[n];
    if (plane[n] > most) most = plane[n];
  }
  return { least, most };
}

// Light ink on dark, in the middle as MNIST's is; nothing where it is so already, or is no ink.
function centredByMass(image, how, done) {
  const side = how.input_shape[1];
  const { least, most } = extremes(image.planes[0]);
  if (most - least < FLAT || isCentred(image, how)) return null;
  const ink = levelled(image);
  if (extremes(ink.planes[0]).most <= 0) return null;
  let crop = cropped(ink, inkBox(ink, how.ink));
  const own = `${crop.width}×${crop.height}`;
  const longest = Math.max(crop.width, crop.height);
  if (longest > how.box || longest < how.box - SLACK) crop = inBox(crop, how.box);
  const mass = centreOfMass(crop);
  const top = roundHalfEven(side / 2 - mass.row);
  const left = roundHalfEven(side / 2 - mass.column);
  done.push(["ink", { from: own, to: `${crop.width}×${crop.height}` }], ["mass-centred", {}]);
  return placed(crop, side, side, top, left, 0);
}

function isCentred(image, { input_shape: [, height, width], box, ink }) {
  if (image.height !== height || image.width !== width) return false;
  const { top, left, bottom, right } = inkBox(image, ink);
  const longest = Math.max(bottom - top, right - left);
  const mass = centreOfMass(image);
  const isNear = Math.abs(mass.row - height / 2) <= 1 && Math.abs(mass.column - width / 2) <= 1;
  return isNear && longest >= box - 3 && longest <= box + 1;
}

// Ink on 0, its lightest 255.
function levelled(image) {
  const { width, planes: [plane] } = image;
  const [level0, down, across] = groundOf(image);
  const above = plane.map((level, n) =>
    level - level0 - down * Math.floor(n / width) - across * (n % width));
  const noise = quantile(above.map(Math.abs), 0.5);
  const ink = above.map((level) => Math.max(0, level));
  const most = extremes(ink).most;
  if (most <= 0) return { ...image, planes: [ink] }; // nothing is lighter than the ground
  const peak = quantile(ink.filter((level) => level > most / 3), 0.9);
  const floor = Math.min(MOST_NOISE * peak, NOISE * noise);
  const stretch = (level) => (level - floor) * (255 / (peak - floor));
  return { ...image, planes: [ink.map((level) => Math.floor(clipped(stretch(level))))] };
}

// The plane through the border, [level, slope down, slope across]: light may fall from one side. It
// is level where ink reaches the border, or where a plane fits no better.
function groundOf(image) {
  const { width, height } = image;
  const border = borderOf(image);
  const middle = quantile(border, 0.5);
  const reach = Math.max(4, SLOPE * (extremes(image.planes[0]).most - middle));
  const points = placesOf(width, height).map(([y, x], n) => ({ y, x, level: border[n] }))
    .filter(({ level }) => Math.abs(level - middle) <= reach);
  const { least, most } = extremes(border);
  if (points.length <= MOST_OF * border.length || most - least <= EVEN) return [middle, 0, 0];
  const plane = fit(points);
  const spread = (levels) => {
    const mean = levels.reduce((a, b) => a + b, 0) / levels.length;
    return Math.sqrt(levels.reduce((sum, level) => sum + (level - mean) ** 2, 0) / levels.length);
  };
  const left = points.map(({ y, x, level }) => level - plane[0] - plane[1] * y - plane[2] * x);
  const isBetter = spread(left) < spread(points.map(({ level }) => level)) / 2;
  return isBetter ? plane : [middle, 0, 0];
}

// The rows and columns of what `borderOf` gives.
function placesOf(width, height) {
  const along = Array.from({ length: width }, (_, x) => x);
  const sides = Array.from({ length: Math.max(0, height - 2) }, (_, n) =>
    [[n + 1, 0], [n + 1, width - 1]]);
  return [...along.map((x) => [0, x]), ...along.map((x) => [height - 1, x]), ...sides.flat()];
}

// Least squares: the plane nearest to the points. Both slopes are found about the points' middle.
function fit(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [y0, x0, level0] = [mean((p) => p.y), mean((p) => p.x), mean((p) => p.level)];
  const product = (a, b) => mean((p) => a(p) * b(p));
  const [y, x, z] = [(p) => p.y - y0, (p) => p.x - x0, (p) => p.level - level0];
  const [yy, xx, yx] = [product(y, y), product(x, x), product(y, x)];
  const [yz, xz] = [product(y, z), product(x, z)];
  const size = yy * xx - yx * yx;
  if (!(size > 0)) return [level0, 0, 0];
  const [down, across] = [(yz * xx - xz * yx) / size, (xz * yy - yz * yx) / size];
  return [level0 - down * y0 - across * x0, down, across];
}

function inkBox({ width, height, planes: [plane] }, least) {
  const box = { top: height, left: width, bottom: 0, right: 0 };
  for (let row = 0, n = 0; row < height; row++) {
    for (let column = 0; column < width; column++, n++) {
      if (plane[n] <= least) continue;
      if (row < box.top) box.top = row;
      if (column < box.left) box.left = column;
      if (row >= box.bottom) box.bottom = row + 1;
      if (column >= box.right) box.right = column + 1;
    }
  }
  return box.bottom ? box : { top: 0, left: 0, bottom: height, right: width };
}

function centreOfMass({ width, height, planes: [plane] }) {
  let [total, rows, columns] = [0, 0, 0];
  for (let row = 0, n = 0; row < height; row++) {
    for (let column = 0; column < width; column++, n++) {
      total += plane[n];
      rows += plane[n] * row;
      columns += plane[n] * column;
    }
  }
  return { row: rows / Math.max(1, total), column: columns / Math.max(1, total) };
}

// Ink that fills a box; rows and columns of faint ink count in part.
function inBox(crop, box) {
  const { width, height, planes: [plane] } = crop;
  const rows = new Float32Array(height);
  const columns = new Float32Array(width);
  plane.forEach((level, n) => {
    const [row, column] = [Math.floor(n / width), n % width];
    rows[row] = Math.max(rows[row], level);
    columns[column] = Math.max(columns[column], level);
  });
  const length = (most) =>
    most.length > 1 ? most.length - 2 + (most[0] + most.at(-1)) / 255 : 1;
  const scale = box / Math.max(length(rows), length(columns), 1);
  const size = (own) => Math.max(1, roundHalfEven(own * scale));
  const small = resized(crop, size(width), size(height));
  const gain = (GAIN * 255) / extremes(small.planes[0]).most;
  return { ...small, planes: [small.planes[0].map((level) => Math.floor(clipped(level * gain)))] };
}
