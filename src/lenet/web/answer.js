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
    this.told = el("p", { class: "answer", role: "status" });
    const rest = classes.length - this.count;
    this.rest = rest ? el("p", { class: "note" }, say("others", { count: rest })) : null;
    this.element = el("section", { class: "card", "aria-label": say("answer") },
      el("h2", {}, say("answer")), this.told, this.list, this.rest);
  }

  // Probabilities of all classes; or nothing where there is no picture. `label`: the right class.
  update(probabilities, label = null) {
    this.element.classList.toggle("empty", !probabilities);
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

  tell(probabilities, best, label) {
    const name = this.classes[best];
    const texts = [this.say("nothing")];
    if (probabilities) {
      texts[0] = this.say("answered", { name, share: percent(probabilities[best]) });
      if (label !== null) {
        const verdict = label === best ? "correct" : "incorrect";
        texts.push(this.say(verdict, { label: this.classes[label] }));
      }
    }
    const text = texts.join(" · ");
    if (text !== this.told.textContent) this.told.textContent = text;
    this.told.dataset.class = probabilities ? best : "";
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
