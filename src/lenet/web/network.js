// A network in plain JavaScript: the readable twin of lenet/engine/operations.py, forward only.
//
// Letters as there: C x H x W is what a layer reads, O x P x Q what it gives, kh x kw its window.
// Maps lie in a Float32Array channel by channel, row by row. Shapes, windows and names come from
// lenet itself (the rows of `lenet explain`); only what depends on the picture is computed here.

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

export const ACTIVATIONS = {
  "identity": (z) => z,
  "sigmoid": sigmoid,
  "tanh": Math.tanh,
  "relu": (z) => Math.max(z, 0),
  "leaky-relu": (z, slope) => (z > 0 ? z : slope * z),
  "silu": (z) => Math.max(z, -800) * sigmoid(z), // zero at minus infinity, its limit
};

const KINDS = { conv: convolve, maxpool: poolMaximum, avgpool: poolAverage, dense: multiply };

// The network of a page's facts, ready to run: every layer with its weights and its output.
export function readNetwork(facts) {
  const tensors = readTensors(facts.tensors, facts.values);
  const layers = facts.layers.map((row) => makeLayer(row, tensors, facts.constants));
  return { layers, input: facts.input_shape, classes: facts.classes };
}

// Every layer's output for one prepared picture (C x H x W): the picture itself comes first.
// The arrays are the layers' own, and written over by the next picture.
export function forward(network, picture) {
  const maps = [picture];
  for (const layer of network.layers) {
    KINDS[layer.kind](layer, maps.at(-1), layer.output);
    maps.push(layer.output);
  }
  return maps;
}

export function softmax(scores) {
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

// Where the window of an output's row p and column q lies on the padded map that the layer reads:
// its first row and column, which are negative on the padding, and those behind its last.
export function windowOf(layer, p, q) {
  const top = p * layer.down - layer.padding[0];
  const left = q * layer.along - layer.padding[2];
  return { top, left, bottom: top + layer.kh, right: left + layer.kw };
}

// The place of a number of maps in their array; of the last layer it is that of its class.
export function placeOf(layer, { o, p, q }) {
  return (o * layer.P + p) * layer.Q + q;
}

// The number at that place, { o, p, q }.
export function unitAt(layer, place) {
  const [rest, q] = [Math.floor(place / layer.Q), place % layer.Q];
  return { o: Math.floor(rest / layer.P), p: rest % layer.P, q };
}

// The channels that output channel o reads: the first, and the one behind the last.
export function channelsOf(layer, o) {
  if (layer.kind === "dense") return [0, layer.C];
  if (layer.kind !== "conv") return [o, o + 1];
  const each = layer.C / layer.groups;
  const first = Math.floor(o / (layer.O / layer.groups)) * each;
  return [first, first + each];
}

// How one number is made: every term of its sum, and what is done to the sum.
//
// A term is { channel, row, column, input, weight, product, outside }, in the order of the window.
// `sum` is that of the products; then come normalisation, bias and activation. A max pooling has
// no sum: its terms have no weight, and `before` is the largest of them.
export function makeUnit(layer, x, o, p, q) {
  const terms = layer.kind === "dense" ? denseTerms(layer, x, o) : windowTerms(layer, x, o, p, q);
  if (layer.kind === "maxpool") {
    const before = Math.max(...terms.filter((t) => !t.outside).map((t) => t.input));
    return { terms, sum: null, bias: null, before, value: before };
  }
  const sum = terms.reduce((total, term) => total + term.product, 0);
  if (layer.kind === "avgpool") return { terms, sum, bias: null, before: sum, value: sum };
  const before = sum * (layer.factor?.[o] ?? 1) + layer.shift[o];
  const norm = layer.norm && {
    mean: layer.norm.mean[o], variance: layer.norm.variance[o], scale: layer.norm.scale[o],
    epsilon: layer.norm.epsilon,
  };
  return { terms, sum, bias: layer.bias[o], norm, before, value: layer.activate(before) };
}

function makeLayer(row, tensors, constants) {
  const [C, H, W] = asRead(row);
  const [O, P, Q] = asMaps(row.output_shape);
  const [kh, kw] = row.kernel_size ?? [1, 1];
  const [down, along] = row.stride ?? [1, 1];
  const padding = row.padding ?? [0, 0, 0, 0];
  const layer = {
    name: row.name, kind: row.kind, row, C, H, W, O, P, Q, kh, kw, down, along, padding,
    groups: row.groups ?? 1,
    weight: tensors[`${row.name}.weight`],
    bias: tensors[`${row.name}.bias`],
    output: new Float32Array(O * P * Q),
  };
  const activation = ACTIVATIONS[row.activation ?? "identity"];
  layer.activate = (z) => activation(z, constants.leaky_slope);
  layer.shift = layer.bias;
  if (row.batch_norm) addNorm(layer, tensors, constants.epsilon);
  if (row.kernel_size) addBoard(layer);
  return layer;
}

// A normalisation after training is one factor and one shift per channel.
function addNorm(layer, tensors, epsilon) {
  const [scale, mean, variance] = ["scale", "mean", "variance"].map(
    (name) => tensors[`${layer.name}.${name}`],
  );
  layer.norm = { scale, mean, variance, epsilon };
  layer.factor = Float64Array.from(scale, (s, o) => s / Math.sqrt(variance[o] + epsilon));
  layer.shift = Float64Array.from(layer.bias, (b, o) => b - mean[o] * layer.factor[o]);
}

// The padded maps that a window slides over; what lies outside is set once.
function addBoard(layer) {
  const [top, bottom, left, right] = layer.padding;
  layer.boardHeight = layer.H + top + bottom;
  layer.boardWidth = layer.W + left + right;
  layer.board = new Float32Array(layer.C * layer.boardHeight * layer.boardWidth);
  layer.board.fill(layer.kind === "maxpool" ? -Infinity : 0);
}

function onBoard(layer, x) {
  const { board, boardHeight, boardWidth, C, H, W } = layer;
  const [top, , left] = layer.padding;
  for (let c = 0; c < C; c++) {
    for (let row = 0; row < H; row++) {
      const from = (c * H + row) * W;
      board.set(x.subarray(from, from + W), (c * boardHeight + top + row) * boardWidth + left);
    }
  }
  return board;
}

function convolve(layer, x, y) {
  const { O, P, Q, C, kh, kw, down, along, boardHeight, boardWidth, groups, weight } = layer;
  const board = onBoard(layer, x);
  const each = C / groups;
  const sums = new Float64Array(P * Q);
  let place = 0; // in the weights
  for (let o = 0; o < O; o++) {
    const [first] = channelsOf(layer, o);
    sums.fill(0);
    for (let c = first; c < first + each; c++) {
      for (let i = 0; i < kh; i++) {
        for (let j = 0; j < kw; j++) {
          const w = weight[place++];
          for (let p = 0; p < P; p++) {
            let from = (c * boardHeight + p * down + i) * boardWidth + j;
            const end = (p + 1) * Q;
            for (let at = p * Q; at < end; at++, from += along) sums[at] += w * board[from];
          }
        }
      }
    }
    const factor = layer.factor?.[o] ?? 1;
    const shift = layer.shift[o];
    for (let n = 0; n < P * Q; n++) y[o * P * Q + n] = layer.activate(sums[n] * factor + shift);
  }
}

function poolMaximum(layer, x, y) {
  slide(layer, onBoard(layer, x), y, -Infinity, (most, value) => (value > most ? value : most), 1);
}

function poolAverage(layer, x, y) { // padding counts as zeros
  slide(layer, onBoard(layer, x), y, 0, (total, value) => total + value, layer.kh * layer.kw);
}

function slide(layer, board, y, start, join, divisor) {
  const { O, P, Q, kh, kw, down, along, boardHeight, boardWidth } = layer;
  for (let o = 0, at = 0; o < O; o++) {
    for (let p = 0; p < P; p++) {
      for (let q = 0; q < Q; q++, at++) {
        let joined = start;
        for (let i = 0; i < kh; i++) {
          const from = (o * boardHeight + p * down + i) * boardWidth + q * along;
          for (let j = 0; j < kw; j++) joined = join(joined, board[from + j]);
        }
        y[at] = joined / divisor;
      }
    }
  }
}

function multiply(layer, x, y) {
  const { O, C, weight, bias } = layer;
  for (let o = 0; o < O; o++) {
    let sum = 0;
    for (let i = 0; i < C; i++) sum += weight[o * C + i] * x[i];
    y[o] = layer.activate(sum + bias[o]);
  }
}

function windowTerms(layer, x, o, p, q) {
  const { H, W, kh, kw } = layer;
  const { top, left } = windowOf(layer, p, q);
  const [first, end] = channelsOf(layer, o);
  const terms = [];
  for (let channel = first; channel < end; channel++) {
    for (let i = 0; i < kh; i++) {
      for (let j = 0; j < kw; j++) {
        const [row, column] = [top + i, left + j];
        const outside = row < 0 || row >= H || column < 0 || column >= W;
        const input = outside ? 0 : x[(channel * H + row) * W + column];
        const weight = weightOf(layer, ((o * (end - first) + channel - first) * kh + i) * kw + j);
        const product = weight === null ? input : weight * input;
        terms.push({ channel, row, column, input, weight, product, outside });
      }
    }
  }
  return terms;
}

function weightOf(layer, place) {
  if (layer.kind === "conv") return layer.weight[place];
  return layer.kind === "avgpool" ? 1 / (layer.kh * layer.kw) : null;
}

function denseTerms(layer, x, o) {
  return Array.from(x, (input, channel) => {
    const weight = layer.weight[o * layer.C + channel];
    return { channel, row: 0, column: 0, input, weight, product: weight * input, outside: false };
  }).slice(0, layer.C);
}

function asMaps(shape) {
  return [shape[0], shape[1] ?? 1, shape[2] ?? 1];
}

// A dense layer reads maps as one vector: channels, rows, columns.
function asRead(row) {
  const shape = asMaps(row.input_shape);
  return row.kind === "dense" ? [shape[0] * shape[1] * shape[2], 1, 1] : shape;
}

function readTensors(tensors, text) {
  const values = floatsOf(text);
  let offset = 0;
  return Object.fromEntries(
    tensors.map(([name, size]) => [name, values.subarray(offset, (offset += size))]),
  );
}

// Numbers of 32 bits, smallest byte first, out of base64.
export function floatsOf(text) {
  return new Float32Array(bytesOf(text).buffer);
}

export function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = letters.charCodeAt(n);
  return bytes;
}
