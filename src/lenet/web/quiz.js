// Predict the shape: a question for each layer, what comes out and how many parameters it has.
// The right numbers and the formulas are lenet's own.

import { el } from "./dom.js";
import {
  countText, formulaText, formulaWords, paddingText, shapeText, sizeText, strideText,
} from "./table.js";

export class QuizView {
  constructor(facts, say) {
    this.say = say;
    this.questions = facts.layers.flatMap((row) => [
      { row, answer: row.output_shape, isShape: true },
      { row, answer: [row.parameters], isShape: false },
    ]);
    this.element = el("section", { class: "card quiz" });
    this.start();
  }

  start() {
    this.at = 0;
    this.right = 0;
    this.ask();
  }

  ask() {
    const { say } = this;
    const { row, answer, isShape } = this.questions[this.at];
    this.isFirstTry = true;
    this.inputs = answer.map((_, place) => el("input", {
      type: "text", inputmode: "numeric", autocomplete: "off", size: 6,
      "aria-label": this.labelOf(answer, place, isShape),
    }));
    const fields = this.inputs.map((input, place) =>
      el("label", {}, el("span", {}, this.labelOf(answer, place, isShape)), input));
    this.told = el("div", { class: "told", role: "status" });
    this.buttons = el("div", { class: "buttons" },
      el("button", { type: "submit", class: "primary" }, say("check")),
      el("button", { type: "button", onclick: () => this.show(false) }, say("show")));
    const form = el("form", { onsubmit: (event) => { event.preventDefault(); this.check(); } },
      el("p", { class: "question" }, say(isShape ? "quizShape" : "quizParameters")),
      el("div", { class: "fields" }, fields), this.buttons);
    this.element.replaceChildren(
      el("h2", {}, say("quizTitle")),
      el("p", { class: "note score" }, this.scoreText()),
      el("progress", { max: this.questions.length, value: this.at, "aria-hidden": "true" }),
      el("p", {}, el("span", { class: `chip ${row.kind}` }, row.name), " ", this.givenText(row)),
      form, this.told);
  }

  scoreText() {
    return this.say("quizHelp", { done: this.right, count: this.questions.length });
  }

  labelOf(answer, place, isShape) {
    if (!isShape) return this.say("parameters");
    return this.say(answer.length === 1 ? "units" : ["channels", "height", "width"][place]);
  }

  givenText(row) {
    const { say } = this;
    const gets = say("quizGets", { shape: shapeText(row.input_shape) });
    if (!row.kernel_size) return `${gets}${say("quizDense", { units: row.output_shape[0] })}`;
    const values = {
      channels: row.output_shape[0], kernel: sizeText(row.kernel_size),
      stride: strideText(row.stride), padding: paddingText(row.padding),
    };
    const groups = row.groups > 1 ? ` ${say("grouped", { groups: row.groups })}` : "";
    return `${gets}${say(row.kind === "conv" ? "quizConv" : "quizPool", values)}${groups}`;
  }

  check() {
    const { answer } = this.questions[this.at];
    const given = this.inputs.map((input) => Number(input.value.replace(/[,\s]/g, "") || NaN));
    const marks = given.map((value, place) => value === answer[place]);
    this.inputs.forEach((input, place) => {
      input.classList.toggle("wrong", !marks[place]);
      input.setAttribute("aria-invalid", String(!marks[place]));
    });
    if (marks.every(Boolean)) return this.show(true);
    this.isFirstTry = false;
    this.told.className = "told wrong";
    this.told.replaceChildren(this.say("wrong"));
    return null;
  }

  show(isRight) {
    const { say } = this;
    const { row, answer, isShape } = this.questions[this.at];
    if (isRight && this.isFirstTry) this.right += 1;
    const text = isShape ? shapeText(answer) : countText(answer[0]);
    this.told.className = isRight ? "told right" : "told";
    this.told.replaceChildren(
      el("p", {}, el("strong", {}, isRight ? `${say("right")} ` : ""),
        say("answerIs", { answer: text })),
      el("p", { class: "formula" }, isShape ? this.whyShape(row) : this.whyParameters(row)),
      el("p", { class: "note" }, isShape ? formulaWords(row, say) ?? "" : ""));
    this.element.querySelector(".score").textContent = this.scoreText();
    const isLast = this.at === this.questions.length - 1;
    if (isLast) {
      const score = { done: this.right, count: this.questions.length };
      this.told.append(el("p", {}, say("quizDone", score)));
    }
    const next = el("button", { type: "button", class: "primary", onclick: () => this.next() },
      say(isLast ? "again" : "nextQuestion"));
    this.buttons.replaceChildren(next);
    next.focus();
  }

  next() {
    if (this.at === this.questions.length - 1) return this.start();
    this.at += 1;
    this.ask();
    return this.inputs[0].focus();
  }

  whyShape(row) {
    if (!row.kernel_size) return this.say("whyDense");
    return this.say("formulaShape", { formula: formulaText(row) });
  }

  whyParameters(row) {
    const all = countText(row.parameters);
    const [channels] = row.output_shape;
    if (row.kind === "conv") {
      const each = [...row.kernel_size, row.input_shape[0] / (row.groups ?? 1)].join("×");
      const words = row.batch_norm ? "whyNormParameters" : "whyConvParameters";
      return this.say(words, { channels, each, all });
    }
    if (row.kind !== "dense") return this.say("whyPoolParameters");
    const inputs = countText(row.weights / channels);
    return this.say("whyDenseParameters", { units: channels, inputs, all });
  }
}
