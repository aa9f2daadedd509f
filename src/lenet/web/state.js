// What a page shows, as the part of its address behind the #, so that it can be sent.

const STEPS = 255; // of a place on the board
const LONGEST = 6000; // letters of strokes: a longer drawing is not sent along

// { tab, language, theme, negative, raw, unit: [name, o, p, q], image, strokes } of an address;
// what is none of these, or no such value, is left out.
export function readState(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const state = {};
  for (const name of ["tab", "language", "theme", "negative", "raw"]) {
    if (given.has(name)) state[name] = given.get(name);
  }
  if (/^\d{1,6}$/.test(given.get("image") ?? "")) state.image = Number(given.get("image"));
  const unit = (given.get("unit") ?? "").split(".");
  const isUnit = unit.length === 4 && unit.slice(1).every((part) => /^\d{1,7}$/.test(part));
  if (isUnit) state.unit = [unit[0], ...unit.slice(1).map(Number)];
  const ink = given.get("ink") ?? "";
  if (ink && ink.length <= LONGEST) state.strokes = readStrokes(ink);
  return state;
}

export function writeState(state) {
  const parts = new URLSearchParams();
  for (const name of ["tab", "language", "theme", "image", "negative", "raw"]) {
    if (state[name] !== null && state[name] !== undefined) parts.set(name, state[name]);
  }
  if (state.unit) parts.set("unit", state.unit.join("."));
  const ink = state.strokes?.length ? writeStrokes(state.strokes) : "";
  if (ink && ink.length <= LONGEST) parts.set("ink", ink);
  return parts.toString();
}

// Two letters of base 16 for x, two for y; strokes are parted by a dot.
function writeStrokes(strokes) {
  const letters = (share) => Math.round(share * STEPS).toString(16).padStart(2, "0");
  return strokes.map((points) => points.map((point) => point.map(letters).join("")).join(""))
    .join(".");
}

function readStrokes(text) {
  if (!/^[0-9a-f.]*$/.test(text)) return [];
  const strokes = text.split(".").map((part) =>
    (part.match(/.{4}/g) ?? []).map((pair) =>
      [pair.slice(0, 2), pair.slice(2)].map((letters) => parseInt(letters, 16) / STEPS)));
  return strokes.filter((points) => points.length);
}
