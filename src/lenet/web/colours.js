// Numbers as colours: a ramp is 256 colours, and a range says which numbers they stand for.
//
// A layer has one range, whatever is selected or drawn, so that a colour always means one number.

const TONES = { // [light theme, dark theme]
  low: ["#b4480a", "#ff9d57"],
  zero: ["#f3f6fa", "#0a0e14"],
  high: ["#1f5fd0", "#79b4ff"],
};

// How a theme paints: from the lowest number to zero to the highest.
export function makeRamp(isDark, [low, high]) {
  const tone = (name) => rgb(TONES[name][isDark ? 1 : 0]);
  const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const ramp = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    const value = low + ((high - low) * n) / 255;
    const end = tone(value < 0 ? "low" : "high");
    ramp[n] = packed(mixed(tone("zero"), end, Math.abs(value) / reach));
  }
  return ramp;
}

export function makeGreys() {
  return Uint32Array.from({ length: 256 }, (_, n) => packed([n, n, n]));
}

// The place of a number in a ramp.
export function placeOf(value, [low, high]) {
  const place = ((value - low) / (high - low || 1)) * 255;
  return place >= 255 ? 255 : place > 0 ? Math.round(place) : 0; // 0 for no number, too
}

// A ramp's colour as CSS, and whether text on it is to be light.
export function cssOf(ramp, value, range) {
  const word = ramp[placeOf(value, range)];
  const [r, g, b] = [word & 255, (word >> 8) & 255, (word >> 16) & 255];
  const isDark = 0.299 * r + 0.587 * g + 0.114 * b < 140;
  return { colour: `rgb(${r} ${g} ${b})`, text: isDark ? "#ffffff" : "#10161f" };
}

// A range about zero that holds all of these numbers.
export function rangeAbout(values) {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return [-(most || 1), most || 1];
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mixed(from, to, share) {
  const bent = share ** 0.8; // small numbers are seen, too
  return from.map((level, n) => Math.round(level + (to[n] - level) * bent));
}

function packed([r, g, b]) { // as ImageData has it on every usual processor: red first
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
