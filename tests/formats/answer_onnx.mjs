// Reads pixels from images.bin and writes the answers into answers.bin, through the snippet of
// docs/export.md, which lies beside this file as classify.mjs: node answer_onnx.mjs uint8 1,28,28
import fs from "node:fs";
import { answer } from "./classify.mjs";

const [kind, size] = process.argv.slice(2);
const shape = size.split(",").map(Number);
const { buffer } = new Uint8Array(fs.readFileSync("images.bin")); // a copy, which begins at 0
const pixels = kind === "uint8" ? new Uint8Array(buffer) : new Float32Array(buffer);
const count = pixels.length / shape.reduce((a, b) => a * b);
fs.writeFileSync("answers.bin", new Uint8Array((await answer(pixels, [count, ...shape])).buffer));
