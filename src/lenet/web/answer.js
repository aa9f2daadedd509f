// The probabilities as bars: every class in order, or the likeliest where there are many.

import { className, el, percent } from "./dom.js";

const MOST = 20; // classes that all have a bar
const LIKELIEST = 10; // bars where there are more

export class AnswerView {
  constructor(classes, say, onPick) {
    this.classes = classes;
    this.say = say;
    this.count = Math.min(classes.length, classes.length > MOST ? LIKELIEST : MOST);
    this.bars = Array.from({ length: this.count }, () => makeBar(onPick));
    this.list = el("ol", { class: "bars" }, this.bars.map((bar) => bar.item));
    this.told = el("p", { class: "answer" });
    this.live = el("p", { class: "unseen", role: "status" });
    const rest = classes.length - this.count;
    this.rest = rest ? el("p", { class: "note" }, say("others", { count: rest })) : null;
    this.element = el("section", { class: "card answers", "aria-label": say("answer") },
      el("h2", {}, say("answer")), this.live, this.list, this.rest);
  }

  // Probabilities of all classes; or nothing where there is no picture. `label`: the right class.
  update(probabilities, label = null) {
    const shares = probabilities ?? this.classes.map(() => 0);
    const order = shares.map((_, index) => index);
    const best = order.reduce((a, b) => (shares[b] > shares[a] ? b : a), 0);
    if (this.count < order.length) order.sort((a, b) => shares[b] - shares[a]);
    this.bars.forEach((bar, n) => {
      const index = order[n];
      bar.index = index;
      bar.item.dataset.class = index;
      if (bar.shown !== index) bar.name.replaceChildren(className(this.classes[index]));
      bar.shown = index;
      bar.fill.style.inlineSize = `${100 * shares[index]}%`;
      bar.share.textContent = probabilities ? percent(shares[index]) : "";
      bar.item.classList.toggle("best", Boolean(probabilities) && index === best);
    });
    this.tell(probabilities, best, label);
  }

  // For those who listen: the answer, when a drawing is done.
  speak() {
    if (this.live.textContent !== this.told.textContent) {
      this.live.textContent = this.told.textContent;
    }
  }

  // The answer in words.
  tell(probabilities, best, label) {
    const share = probabilities ? percent(probabilities[best]) : "";
    const key = [probabilities && best, share, label].join();
    if (key === this.key) return;
    this.key = key;
    this.told.dataset.class = probabilities ? best : "";
    if (!probabilities) return this.told.replaceChildren(el("small", {}, this.say("nothing")));
    const verdict = label === null ? null : el("small", {
      class: label === best ? "right-answer" : "wrong-answer",
    }, this.say(label === best ? "correct" : "incorrect", { label: this.classes[label] }));
    return this.told.replaceChildren(
      ...[className(this.classes[best]), " ", el("small", {}, share), verdict].filter(Boolean));
  }
}

function makeBar(onPick) {
  const bar = { name: el("span", { class: "name" }), fill: el("span", { class: "fill" }) };
  bar.share = el("span", { class: "share" });
  const track = el("span", { class: "track" }, bar.fill);
  const button = el("button", { type: "button", onclick: () => onPick(bar.index) },
    bar.name, track, bar.share);
  bar.item = el("li", {}, button);
  return bar;
}
