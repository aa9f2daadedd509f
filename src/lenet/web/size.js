// How a picture gets the size of a network: as in lenet/data/preprocess.py. Pictures are those of
// prepare.js, and so is `how`; its `fit` says what becomes of other proportions.

const LOBES = 3; // of Lanczos' curve, on each side
const BORDER = "border"; // how pictures get their size, where the model says nothing else
const FITTED = { stretch: "stretched", pad: "padded", crop: "cropped" };

// Brought to the network's size as the model's data were.
export function fitted(image, how, done) {
  const [, height, width] = how.input_shape;
  if (image.height === height && image.width === width) return image;
  const own = image.own ?? image;
  const whole = sizeWithin(own, height, width);
  const isWhole = (how.fit ?? BORDER) === BORDER || how.fit === "pad";
  const inner = isWhole ? whole : { width, height };
  const [from, to] = [own, inner].map((size) => `${size.width}×${size.height}`);
  done.push(["resized", { from, to }]);
  const isOther = whole.width !== width || whole.height !== height;
  if (isOther) done.push([FITTED[how.fit] ?? "centred", {}]);
  const part = how.fit === "crop" ? middleOf(image, own, height, width) : image;
  const small = resized(part, inner.width, inner.height, triangles);
  if (!isWhole) return small;
  const top = Math.floor((height - inner.height) / 2);
  const left = Math.floor((width - inner.width) / 2);
  if (how.fit === "pad") return onEdges(small, height, width, top, left);
  return placed(small, height, width, top, left, groundsOf(image));
}

// The largest size within another that has a picture's proportions.
function sizeWithin(own, height, width) {
  const scale = Math.min(height / own.height, width / own.width);
  const side = (length) => Math.max(1, roundHalfEven(length * scale));
  return { width: side(own.width), height: side(own.height) };
}

// The largest middle part that has the network's proportions.
function middleOf(image, own, height, width) {
  const scale = Math.max(height / own.height, width / own.width);
  const kept = (given, side, length) =>
    Math.max(1, roundHalfEven((given * side) / (length * scale)));
  const rows = kept(image.height, height, own.height);
  const columns = kept(image.width, width, own.width);
  const top = Math.floor((image.height - rows) / 2);
  const left = Math.floor((image.width - columns) / 2);
  return cropped(image, { top, left, bottom: top + rows, right: left + columns });
}

// The pixels of the edges repeated outward.
function onEdges({ width, height, planes }, rows, columns, top, left) {
  const near = (at, size) => Math.min(size - 1, Math.max(0, at));
  const whole = planes.map((plane) => new Float32Array(rows * columns).map((_, n) => {
    const row = near(Math.floor(n / columns) - top, height);
    return plane[row * width + near((n % columns) - left, width)];
  }));
  return { width: columns, height: rows, planes: whole };
}

// A small picture in the middle of the network's input, where the model's data lay so.
export function withMargin(image, how, done) {
  const [, height, width] = how.input_shape;
  const over = [height - image.height, width - image.width];
  if (!how.margin || !how.fit || Math.min(...over) < 0 || !Math.max(...over)) return image;
  const [top, left] = over.map((side) => Math.floor(side / 2));
  done.push(["margin", {}]);
  return placed(image, height, width, top, left, groundsOf(image).map(Math.floor));
}

function groundsOf(image) {
  return image.planes.map((plane) => quantile(borderOf({ ...image, planes: [plane] }), 0.5));
}

export function placed(inner, height, width, top, left, ground) {
  const planes = inner.planes.map((plane, c) => {
    const whole = new Float32Array(height * width).fill(ground[c] ?? ground);
    plane.forEach((level, n) => {
      const row = top + Math.floor(n / inner.width);
      const column = left + (n % inner.width);
      if (row >= 0 && row < height && column >= 0 && column < width) {
        whole[row * width + column] = level;
      }
    });
    return whole;
  });
  return { width, height, planes };
}

export function cropped({ width, planes }, { top, left, bottom, right }) {
  const size = { width: right - left, height: bottom - top };
  const crop = (plane) =>
    new Float32Array(size.width * size.height).map((_, n) =>
      plane[(top + Math.floor(n / size.width)) * width + left + (n % size.width)]);
  return { ...size, planes: planes.map(crop) };
}

// Smaller by the average of the area that a pixel covers, larger by Lanczos' curve, as Pillow; or
// with other weights.
export function resized(image, width, height, weightsOf = areas) {
  if (image.width === width && image.height === height) return image;
  const across = filterOf(image.width, width, weightsOf);
  const down = filterOf(image.height, height, weightsOf);
  const planes = image.planes.map((plane) => {
    const rows = alongRows(plane, image.width, image.height, across);
    return alongColumns(rows, width, down).map(clipped);
  });
  return { width, height, planes };
}

// For every new pixel, the old ones that it is made of: [first, their weights].
function filterOf(old, size, weightsOf) {
  const scale = old / size;
  const { reach, weightAt } = weightsOf(scale);
  return Array.from({ length: size }, (_, n) => {
    const middle = (n + 0.5) * scale;
    const first = Math.max(0, Math.floor(middle - reach));
    const weights = [];
    for (let at = first; at < Math.min(old, Math.ceil(middle + reach)); at++) {
      weights.push(weightAt(at - middle));
    }
    const total = weights.reduce((a, b) => a + b, 0);
    return [first, weights.map((weight) => weight / total)];
  });
}

function areas(scale) {
  const reach = scale >= 1 ? scale / 2 : LOBES;
  const area = (from) => Math.max(0, Math.min(reach, from + 1) - Math.max(-reach, from));
  return { reach, weightAt: (from) => (scale >= 1 ? area(from) : lanczos(from + 0.5)) };
}

// As lenet resizes whole pictures: linear between pixels, over more of them where it shrinks.
function triangles(scale) {
  const reach = Math.max(1, scale);
  return { reach, weightAt: (from) => Math.max(0, 1 - Math.abs(from + 0.5) / reach) };
}

function lanczos(x) {
  const wave = (t) => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t));
  return Math.abs(x) < LOBES ? wave(x) * wave(x / LOBES) : 0;
}

function alongRows(plane, width, height, filter) {
  const result = new Float32Array(filter.length * height);
  for (let row = 0; row < height; row++) {
    filter.forEach(([first, weights], n) => {
      let sum = 0;
      weights.forEach((weight, at) => { sum += weight * plane[row * width + first + at]; });
      result[row * filter.length + n] = sum;
    });
  }
  return result;
}

function alongColumns(plane, width, filter) {
  const result = new Float32Array(width * filter.length);
  filter.forEach(([first, weights], n) => {
    weights.forEach((weight, at) => {
      for (let column = 0; column < width; column++) {
        result[n * width + column] += weight * plane[(first + at) * width + column];
      }
    });
  });
  return result;
}

export function clipped(level) {
  return Math.min(255, Math.max(0, level));
}

export function roundHalfEven(value) { // as Python rounds
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2) ? down + 1 : down;
}

export function borderOf({ width, height, planes: [plane] }) {
  const border = [...plane.subarray(0, width), ...plane.subarray((height - 1) * width)];
  for (let row = 1; row < height - 1; row++) {
    border.push(plane[row * width], plane[(row + 1) * width - 1]);
  }
  return border;
}

// Levels are whole numbers or halves, from 0 to 255: to count them is faster than to sort them.
export function quantile(levels, share) {
  const counts = new Uint32Array(512);
  for (let n = 0; n < levels.length; n++) counts[Math.min(511, Math.round(2 * levels[n]))] += 1;
  const at = share * (levels.length - 1);
  const low = Math.floor(at);
  const [lower, upper] = [low, low + 1].map((place) => {
    let seen = 0;
    for (let n = 0; n < 512; n++) if ((seen += counts[n]) > place) return n / 2;
    return 0;
  });
  return at === low ? lower : lower + (at - low) * (upper - lower);
}
