// Strokes of a pen as a picture, of any size: a small drawing gets lines as thick as a large one.

// Strokes as a picture, white on black: lists of points [x, y], from 0 to 1 across the picture and
// down, drawn with round ends and a pen of this many pixels.
export function drawn(strokes, width, height, pen) {
  const plane = new Float32Array(width * height);
  for (const points of strokes) {
    const places = points.map(([x, y]) => [x * width - 0.5, y * height - 0.5]);
    places.forEach((place, n) =>
      drawLine(plane, width, height, pen / 2, places[Math.max(0, n - 1)], place));
  }
  return { width, height, planes: [plane.map(Math.round)] };
}

// The same strokes in the middle of a square, as large as it allows: a pen has the same thickness
// however small a person writes.
export function enlarged(strokes, share) {
  let [left, top, right, bottom] = [1, 1, 0, 0];
  for (const [x, y] of strokes.flat()) {
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
  }
  const size = Math.max(right - left, bottom - top, 0.1); // less is a dot
  const move = (x, low, high) => 0.5 + ((x - (low + high) / 2) / size) * share;
  return strokes.map((stroke) =>
    stroke.map(([x, y]) => [move(x, left, right), move(y, top, bottom)]));
}

function drawLine(plane, width, height, radius, [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const reach = radius + 1;
  const [top, bottom] = clampedRange(Math.min(y0, y1) - reach, Math.max(y0, y1) + reach, height);
  const [left, right] = clampedRange(Math.min(x0, x1) - reach, Math.max(x0, x1) + reach, width);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const along = length ? ((x - x0) * dx + (y - y0) * dy) / length : 0;
      const t = along < 0 ? 0 : along > 1 ? 1 : along;
      const [across, down] = [x - x0 - t * dx, y - y0 - t * dy];
      const light = radius + 0.5 - Math.sqrt(across * across + down * down);
      const level = light > 1 ? 255 : 255 * light;
      if (level > plane[y * width + x]) plane[y * width + x] = level;
    }
  }
}

function clampedRange(low, high, side) {
  return [Math.max(0, Math.floor(low)), Math.min(side, Math.ceil(high) + 1)];
}
