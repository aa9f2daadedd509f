// Look: draw on any run, and see what every layer makes of it. The parts are those of the page that
// lenet export writes; they stand in a shadow root, so that their style sheet is theirs alone.

import { Look as Inside } from "../look.js";
import { readState, writeState } from "../state.js";
import { link } from "./address.js";
import { ask } from "./ask.js";
import { fill, h, labelled, select } from "./dom.js";
import { language, t } from "./words.js";

const PAUSE = 300; // milliseconds after a change before it is written into the address

const isDark = () => {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

export class Look {
  constructor(app) {
    this.app = app;
    this.turn = 0;
    this.choice = h("div", { class: "run-choice" });
    this.place = h("div", { class: "inside" });
    this.root = this.place.attachShadow({ mode: "open" });
    this.element = h(
      "div",
      { class: "column" },
      h(
        "header",
        { class: "look-head" },
        h("div", {}, h("h1", {}, t("look_title")), h("p", { class: "muted" }, t("look_lead"))),
        this.choice,
      ),
      this.place,
    );
  }

  async show({ run, ...state }) {
    const turn = ++this.turn; // who chooses anew meanwhile wants that, whichever answer is first
    try {
      const { runs } = await ask("runs");
      if (turn !== this.turn) return undefined;
      const shown = runs.filter((one) => one.has_model);
      if (!shown.length) {
        const train = h("a", { class: "button", href: link("train") }, t("train_button"));
        fill(this.root);
        return fill(this.choice, h("p", { class: "muted" }, t("no_models")), train);
      }
      const name = run ?? this.run ?? shown[0].name;
      const names = shown.map((one) => [one.name, one.name]);
      const choose = (event) => this.app.go("look", { run: event.target.value });
      fill(this.choice, labelled(t("choose_one"), select(names, name, { onchange: choose })));
      const changed = shown.find((one) => one.name === name)?.model_changed;
      await this.open(name, changed, state, turn);
    } catch (error) {
      if (turn !== this.turn) return undefined;
      fill(this.root);
      this.run = undefined;
      this.app.fail(error);
    }
    return undefined;
  }

  /** Open a run's model, unless it is open already and the address tells nothing else. */
  async open(name, changed, state, turn) {
    const isOpen = name === this.run && changed === this.changed;
    if (isOpen && this.written(state) === this.state()) return;
    this.app.tell(t("opening"));
    const facts = await ask("look", { run: name });
    if (turn !== this.turn) return;
    this.app.tell("");
    this.run = name;
    this.changed = changed;
    const inside = new Inside(facts, {
      language: language(),
      isDark,
      onChange: () => this.remember(),
    });
    this.inside = inside;
    inside.element.hidden = true; // until it has its style: a pen would miss what moves
    const style = h("link", { rel: "stylesheet", href: "/web/page.css" });
    const shown = new Promise((done) => {
      style.onload = style.onerror = done;
    });
    fill(this.root, style, inside.element);
    await shown;
    if (turn !== this.turn) return;
    inside.element.hidden = false;
    inside.start(readState(this.written(state)));
    this.write();
  }

  written(values) {
    return writeState(readState(new URLSearchParams(values).toString()));
  }

  state() {
    return writeState(this.inside.state);
  }

  remember() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), PAUSE);
  }

  write() {
    const state = Object.fromEntries(new URLSearchParams(this.state()));
    this.app.remember(this, { run: this.run, ...state });
  }

  hide() {
    clearTimeout(this.timer);
  }

  recolour() {
    this.inside?.recolour();
  }
}
