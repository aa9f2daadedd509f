// Train: a button, and what comes of it while it goes on; several trainings side by side.

import { link, listed, names } from "./address.js";
import { ask, newest } from "./ask.js";
import { Card, isGoing } from "./card.js";
import { fill, h, labelled, piece, select } from "./dom.js";
import { t } from "./words.js";

const SOON = 150; // milliseconds between two looks while something is trained
const LATER = 3000; // and while nothing is
const NUMBERS = ["epochs", "batch_size", "lr", "weight_decay", "dropout"];
const WORDS = ["optimizer", "schedule"];
const MORE = ["optimizer", "schedule", "weight_decay", "dropout"];
const DEFAULT = { net: "lenet-relu", data: "digits", recipe: "modern" };

export class Train {
  constructor(app) {
    this.app = app;
    this.zoo = new Map(app.start.zoo.map(({ name, network }) => [name, network]));
    this.jobs = new Map();
    this.cards = new Map();
    this.chosen = [];
    this.moment = 0;
    this.turn = 0;
    this.drawn = "";
    this.draw = newest(() => this.drawCharts());
    this.element = this.layout();
  }

  layout() {
    const { data, optimizers, schedules, most_seeds: most } = this.app.start;
    const remember = () => this.remember();
    this.net = h("textarea", {
      rows: "4",
      spellcheck: "false",
      autocapitalize: "off",
      onchange: remember,
    });
    const picks = [...this.zoo.keys()].map((name) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          onclick: () => {
            this.net.value = name;
            remember();
          },
        },
        name,
      ),
    );
    this.data = select(
      data.map(({ name, is_here: isHere }) => [name, isHere ? name : t("downloads", { name })]),
      DEFAULT.data,
      { onchange: () => this.choose() },
    );
    this.recipe = select([], "", { onchange: () => this.choose(true) });
    this.fields = {};
    for (const name of NUMBERS) {
      this.fields[name] = h("input", { type: "number", step: "any", min: "0", onchange: remember });
    }
    this.fields.optimizer = select([["", ""], ...optimizers.map((one) => [one, one])], "", {
      onchange: remember,
    });
    this.fields.schedule = select([["", ""], ...schedules.map((one) => [one, one])], "", {
      onchange: remember,
    });
    this.seed = h("input", { type: "number", min: "0", step: "1", value: "0", onchange: remember });
    this.seeds = h("input", {
      type: "number",
      min: "1",
      max: String(most),
      step: "1",
      value: "1",
      onchange: remember,
    });
    const field = (name) => labelled(t(`value_${name}`), this.fields[name]);
    this.charts = h("div", { class: "charts" });
    this.list = h("ol", { class: "jobs" });
    this.compare = h("a", { class: "button quiet", hidden: true }, t("compare"));
    const form = h(
      "form",
      {
        class: "card",
        onsubmit: (event) => {
          event.preventDefault();
          this.begin();
        },
      },
      h("h1", {}, t("train_title")),
      h("p", { class: "muted" }, t("train_lead")),
      h("div", { class: "chips", role: "group", "aria-label": t("zoo") }, picks),
      labelled(t("network"), this.net),
      h(
        "div",
        { class: "pair" },
        labelled(t("data"), this.data),
        labelled(t("recipe"), this.recipe),
      ),
      h(
        "div",
        { class: "pair" },
        ["epochs", "lr", "batch_size"].map(field),
        labelled(t("seed"), this.seed),
        labelled(t("seeds"), this.seeds),
      ),
      h("details", {}, h("summary", {}, t("more")), h("div", { class: "pair" }, MORE.map(field))),
      h("div", { class: "actions" }, h("button", { class: "button" }, t("train_button"))),
    );
    this.empty = h("p", { class: "card empty muted" }, t("train_empty"));
    return h(
      "div",
      { class: "workbench" },
      h("div", { class: "bench" }, form),
      h("div", { class: "results" }, this.empty, this.list, this.compare, this.charts),
    );
  }

  show(values) {
    this.net.value = values.net ?? (this.net.value || DEFAULT.net);
    this.data.value = values.data ?? this.data.value;
    this.offer(values.recipe ?? (this.recipe.value || DEFAULT.recipe));
    for (const name of [...NUMBERS, ...WORDS]) this.fields[name].value = values[name] ?? "";
    this.seed.value = values.seed ?? "0";
    this.seeds.value = values.seeds ?? "1";
    if (values.runs !== undefined) {
      this.chosen = names(values.runs);
      this.hasChosen = true;
    }
    this.isShown = true;
    this.drawn = "";
    this.draw();
    this.watch();
  }

  hide() {
    this.isShown = false;
    clearTimeout(this.timer);
  }

  /** Offer the recipes there are for the data, and say what the chosen one has. */
  offer(chosen) {
    const recipes = this.app.start.recipes[this.data.value] ?? [];
    fill(
      this.recipe,
      recipes.map(({ name }) => h("option", { value: name }, name)),
    );
    this.recipe.value = recipes.some(({ name }) => name === chosen) ? chosen : DEFAULT.recipe;
    const { values } = recipes.find(({ name }) => name === this.recipe.value);
    for (const name of NUMBERS) this.fields[name].placeholder = String(values[name]);
    for (const name of WORDS) {
      this.fields[name].options[0].textContent = t("as_recipe", { value: values[name] });
    }
  }

  choose(isRecipe = false) {
    this.offer(this.recipe.value);
    const { network } = this.app.start.recipes[this.data.value].find(
      ({ name }) => name === this.recipe.value,
    );
    if (isRecipe && network) this.net.value = network;
    this.remember();
  }

  remember() {
    const values = {
      net: this.net.value.split(/\s+/).join(" ").trim(),
      data: this.data.value,
      recipe: this.recipe.value,
    };
    for (const [name, field] of Object.entries(this.fields)) values[name] = field.value;
    values.seed = this.seed.value === "0" ? "" : this.seed.value;
    values.seeds = this.seeds.value === "1" ? "" : this.seeds.value;
    values.runs = listed(this.chosen);
    this.app.remember(this, values);
  }

  async begin() {
    const values = {};
    for (const name of NUMBERS) {
      if (this.fields[name].value !== "") values[name] = Number(this.fields[name].value);
    }
    for (const name of WORDS) if (this.fields[name].value) values[name] = this.fields[name].value;
    try {
      const { numbers } = await ask("train", {
        net: this.net.value.trim(),
        data: this.data.value,
        recipe: this.recipe.value,
        values,
        seed: Number(this.seed.value),
        seeds: Number(this.seeds.value),
      });
      this.begun(numbers);
    } catch (error) {
      this.app.fail(error);
    }
  }

  /** Look on at trainings that begin now, and put them into the charts. */
  begun(numbers) {
    this.app.tell("");
    this.list.scrollIntoView({ block: "nearest" });
    this.fresh = new Set([...(this.fresh ?? []), ...numbers]);
    this.watch();
  }

  /** Ask for news, now and again; a later call takes the place of one that waits. */
  async watch() {
    clearTimeout(this.timer);
    if (!this.isShown) return;
    this.turn += 1;
    const { turn } = this;
    try {
      const { moment, trainings } = await ask("news", { after: this.moment });
      if (turn !== this.turn || !this.isShown) return;
      if (moment < this.moment) {
        this.forget();
        return;
      }
      this.moment = moment;
      for (const job of trainings) this.take(job);
      this.chooseFirst();
      if (trainings.length) this.draw();
    } catch (error) {
      this.app.fail(error);
    }
    if (!this.isShown) return;
    const isBusy = [...this.jobs.values()].some(isGoing);
    this.timer = setTimeout(() => this.watch(), isBusy ? SOON : LATER);
  }

  /** Where nothing is chosen, show what is being trained, or what was trained last. */
  chooseFirst() {
    if (this.hasChosen) return;
    const runs = [...this.jobs.values()].filter(({ run }) => run);
    const going = runs.filter(isGoing);
    const shown = going.length ? going : runs.slice(-1);
    if (!shown.length) return;
    this.hasChosen = true;
    this.chosen = shown.map(({ run }) => run).slice(-this.app.start.most_together);
    this.remember();
  }

  /** Another server answers now: what was known of trainings is no more. */
  forget() {
    this.moment = 0;
    this.jobs.clear();
    this.cards.clear();
    fill(this.list);
    this.watch();
  }

  take(job) {
    this.jobs.set(job.number, job);
    if (job.run && this.fresh?.delete(job.number)) {
      const most = this.app.start.most_together;
      this.chosen = [...this.chosen.filter((name) => name !== job.run), job.run].slice(-most);
      this.hasChosen = true;
      this.remember();
    }
    if (!this.cards.has(job.number)) {
      const card = new Card({
        stop: ({ number }) => this.send("stop", { number }),
        resume: (stopped) => this.resume(stopped),
        toggle: ({ run }, isChosen) => this.toggle(run, isChosen),
      });
      this.cards.set(job.number, card);
      this.list.prepend(card.element);
    }
    this.cards.get(job.number).show(job, this.chosen);
  }

  toggle(run, isChosen) {
    this.hasChosen = true;
    this.chosen = this.chosen.filter((name) => name !== run);
    if (isChosen) this.chosen.push(run);
    this.chosen = this.chosen.slice(-this.app.start.most_together);
    this.remember();
    for (const job of this.jobs.values()) this.cards.get(job.number).show(job, this.chosen);
    this.draw();
  }

  async resume(job) {
    this.jobs.delete(job.number);
    this.cards.get(job.number)?.element.remove();
    this.cards.delete(job.number);
    await this.send("resume", { run: job.run });
  }

  async send(question, values) {
    try {
      const { numbers } = await ask(question, values);
      if (numbers) this.begun(numbers);
    } catch (error) {
      this.app.fail(error);
    }
  }

  /** Draw the curves of what is chosen, when there is something new to draw. */
  async drawCharts() {
    const known = [...this.jobs.values()].filter(({ run }) => this.chosen.includes(run));
    const state = JSON.stringify([
      this.chosen,
      known.map(({ run, status, last }) => [run, status, last?.epoch]),
    ]);
    this.empty.hidden = this.jobs.size > 0 || this.chosen.length > 0;
    const finished = this.chosen.filter((name) =>
      known.every((job) => job.run !== name || !isGoing(job)),
    );
    this.compare.hidden = finished.length < 2;
    this.compare.href = link("runs", { compare: listed(finished) });
    if (state === this.drawn) return;
    this.drawn = state;
    if (!this.chosen.length) {
      fill(this.charts);
      return;
    }
    try {
      const { charts } = await ask("curves", { runs: this.chosen });
      fill(
        this.charts,
        charts.map((chart) => h("figure", { class: "card" }, piece(chart))),
        this.chosen.length > 1 ? h("p", { class: "muted small" }, t("one_alone")) : null,
      );
    } catch (error) {
      if (error.isGone) return;
      this.chosen = [];
      this.app.fail(error);
    }
  }
}
