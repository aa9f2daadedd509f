// Build: a network as a person types or drags it, and all that follows from it.

import { ask, newest, settled } from "./ask.js";
import { link } from "./address.js";
import { fill, h, labelled, piece, select } from "./dom.js";
import { Numbers } from "./numbers.js";
import { t } from "./words.js";

const FIRST = "lenet";
const TYPING = 150; // milliseconds without a key before the server is asked
const EXAMPLE = "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10";

/** Write a notation with a line for each block, as the command line prints it. */
const inLines = (text) => text.replaceAll(" | ", "\n| ");
const onOneLine = (text) => text.split(/\s+/).join(" ").trim();

export class Build {
  constructor(app) {
    this.app = app;
    this.style = "figure";
    this.zoo = new Map(app.start.zoo.map(({ name, network }) => [name, network]));
    this.editor = h("textarea", {
      id: "notation",
      rows: "5",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      "aria-describedby": "problem",
      oninput: () => this.typed(),
      onchange: () => this.remember(true),
    });
    this.numbers = new Numbers((text, isHeld) => this.dragged(text, isHeld));
    this.problem = h("div", { id: "problem", class: "problem", role: "alert" });
    this.facts = h("dl", { class: "facts" });
    this.findings = h("section", { class: "card findings" });
    this.figure = h("section", { class: "card figure" });
    this.tables = h("div", { class: "tables" });
    this.results = h(
      "div",
      { class: "results" },
      this.facts,
      this.figure,
      this.findings,
      this.tables,
    );
    this.train = h("a", { class: "button" }, t("train_this"));
    this.start = this.zoo.get(FIRST);
    this.follow = newest((...given) => this.build(...given));
    this.followTyping = settled(() => this.follow(), TYPING);
    this.element = this.layout();
    addEventListener(
      "resize",
      settled(() => this.element.isConnected && this.follow(), TYPING),
    );
  }

  layout() {
    this.styles = select(
      this.app.start.styles.map((name) => [name, t(`style_${name}`)]),
      this.style,
      {
        "aria-label": t("style"),
        onchange: (event) => {
          this.style = event.target.value;
          this.remember(true);
          this.follow();
        },
      },
    );
    this.picks = [...this.zoo].map(([name, network]) =>
      h("button", { type: "button", class: "chip", onclick: () => this.pick(network) }, name),
    );
    return h(
      "div",
      { class: "workbench" },
      h(
        "div",
        { class: "bench" },
        h(
          "section",
          { class: "card" },
          h("h1", {}, t("build_title")),
          h("p", { class: "muted" }, t("build_lead")),
          h("div", { class: "chips", role: "group", "aria-label": t("zoo") }, this.picks),
          labelled(t("notation"), this.editor),
          this.problem,
          this.numbers.element,
          h("p", { class: "muted small" }, t("drag")),
          h("div", { class: "actions" }, this.train),
        ),
        this.deduction(),
        this.adviser(),
      ),
      this.results,
    );
  }

  /** The part that finds the network behind a figure. */
  deduction() {
    this.shapes = h("textarea", {
      rows: "3",
      spellcheck: "false",
      placeholder: EXAMPLE,
      oninput: settled(() => this.deduce(), TYPING),
    });
    this.given = h("input", {
      placeholder: "conv1 k5",
      oninput: settled(() => this.deduce(), TYPING),
    });
    this.limit = h("input", {
      placeholder: "=61706",
      oninput: settled(() => this.deduce(), TYPING),
    });
    this.deduced = h("div", { class: "deduced", "aria-live": "polite" });
    const example = h(
      "button",
      {
        type: "button",
        class: "quiet",
        onclick: () => {
          this.shapes.value = EXAMPLE;
          this.deduce();
        },
      },
      t("example"),
    );
    this.deductionBox = h(
      "details",
      { class: "card" },
      h("summary", {}, t("deduce_title")),
      h("p", { class: "muted" }, t("deduce_lead")),
      labelled(t("shapes"), this.shapes),
      h(
        "div",
        { class: "pair" },
        labelled(t("given"), this.given),
        labelled(t("params"), this.limit),
      ),
      example,
      this.deduced,
    );
    return this.deductionBox;
  }

  /** The part that proposes widths within a budget. */
  adviser() {
    this.budget = h("input", {
      placeholder: "parameters=60k",
      autocapitalize: "off",
      oninput: settled(() => this.advise(), TYPING),
    });
    this.advice = h("div", { class: "deduced", "aria-live": "polite" });
    this.adviserBox = h(
      "details",
      { class: "card" },
      h("summary", {}, t("advise_title")),
      h("p", { class: "muted" }, t("advise_lead")),
      labelled(t("budget"), this.budget),
      this.advice,
    );
    return this.adviserBox;
  }

  /** Show what the address says: a network, the one it was made from, a figure to deduce from. */
  show(values) {
    this.start = values.start ?? this.start;
    this.style = this.app.start.styles.includes(values.style) ? values.style : "figure";
    this.styles.value = this.style;
    if (values.shapes !== undefined && values.shapes !== this.shapes.value) {
      this.shapes.value = values.shapes;
      this.given.value = values.given ?? "";
      this.limit.value = values.params ?? "";
      this.deductionBox.open = true;
      this.deduce();
    }
    if (values.budget !== undefined && values.budget !== this.budget.value) {
      this.budget.value = values.budget;
      this.adviserBox.open = true;
    }
    const net = values.net ?? this.start;
    const text = this.zoo.get(net) ?? net;
    if (values.net === undefined || values.start === undefined) this.start = values.start ?? text;
    if (onOneLine(this.editor.value) !== onOneLine(text)) this.editor.value = inLines(text);
    this.follow();
  }

  /** Return the zoo's name for a network where it has one: addresses are to be read, too. */
  short(text) {
    return [...this.zoo.keys()].find((name) => this.zoo.get(name) === text) ?? text;
  }

  remember(isStep) {
    const values = { net: this.short(onOneLine(this.editor.value)), start: this.short(this.start) };
    if (values.start === values.net) delete values.start;
    if (this.style !== "figure") values.style = this.style;
    if (this.shapes.value) {
      Object.assign(values, {
        shapes: this.shapes.value,
        given: this.given.value,
        params: this.limit.value,
      });
    }
    values.budget = this.budget.value;
    this.app.remember(this, values, isStep);
  }

  typed() {
    this.numbers.show(onOneLine(this.editor.value));
    this.followTyping();
  }

  dragged(text, isHeld) {
    this.editor.value = inLines(text);
    this.numbers.show(text, this.found?.shapes);
    if (!isHeld) this.remember(true);
    this.follow();
  }

  /** Begin with a network: it is what later changes are compared with. */
  pick(text) {
    this.start = text;
    this.take(text);
  }

  /** Take a change of the network that a person had. */
  take(text) {
    this.editor.value = inLines(text);
    this.remember(true);
    this.follow();
  }

  async build() {
    const text = onOneLine(this.editor.value);
    try {
      const width = this.width();
      const asked = { net: text, start: this.start, style: this.style, width };
      const found = await ask("build", asked);
      this.found = found;
      this.write(found, text);
      if (text !== onOneLine(this.editor.value)) return; // it has changed meanwhile: more is to come
      this.numbers.show(this.zoo.has(text) ? this.zoo.get(text) : text, found.shapes);
      this.remember(false);
      this.app.tell("");
      if (this.budget.value) this.advise();
    } catch (error) {
      this.app.fail(error);
    }
  }

  /** Propose widths for the network as it is now. */
  async advise() {
    const budget = this.budget.value.trim();
    this.remember(false);
    if (!budget) {
      fill(this.advice);
      return;
    }
    try {
      const found = await ask("advise", { net: onOneLine(this.editor.value), budget });
      if (budget !== this.budget.value.trim()) return;
      if (found.problem) {
        fill(this.advice, h("div", { class: "problem" }, h("p", {}, found.problem)));
        return;
      }
      const choices = found.proposals.map(({ what, network }, index) =>
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "fix", onclick: () => this.take(network) },
            `${index + 1}  ${what}`,
          ),
        ),
      );
      fill(this.advice, piece(found.page), h("ul", { class: "fixes" }, choices));
    } catch (error) {
      this.app.fail(error);
    }
  }

  /** The pixels there are for a figure, in steps, so that it seldom changes by itself. */
  width() {
    const inside = this.results.clientWidth - 44;
    return Math.min(1200, Math.max(280, 20 * Math.floor(inside / 20)));
  }

  write(found, text) {
    fill(this.problem, this.trouble(found, text));
    this.editor.setAttribute("aria-invalid", String(Boolean(found.problem)));
    for (const pick of this.picks) {
      pick.setAttribute("aria-pressed", String(pick.textContent === found.name));
    }
    const fits = found.facts !== undefined;
    this.element.classList.toggle("stale", !fits);
    this.train.hidden = !fits;
    if (!fits) return;
    this.train.href = link("train", { net: found.name || found.network });
    fill(
      this.facts,
      Object.entries(found.facts).map(([name, value]) => this.fact(name, value)),
    );
    fill(
      this.figure,
      h("header", {}, h("h2", {}, t("figure")), this.styles),
      found.figure
        ? h(
            "div",
            { class: "wide", tabindex: "0", role: "region", "aria-label": t("figure") },
            piece(found.figure),
          )
        : h("p", { class: "muted" }, t("too_long")),
    );
    this.findings.hidden = !found.findings.length;
    fill(
      this.findings,
      h("h2", {}, t("findings")),
      h(
        "ul",
        {},
        found.findings.map((finding) => h("li", {}, finding)),
      ),
    );
    const tables = [
      ["changes", found.changes],
      ["table", found.table],
      ["balance", found.balance],
    ];
    fill(
      this.tables,
      tables
        .filter(([, markup]) => markup)
        .map(([name, markup]) =>
          h("section", { class: "card", id: name }, h("h2", {}, t(`${name}_title`)), piece(markup)),
        ),
    );
  }

  /** One number with what it is; what it is made of stands behind a colon. */
  fact(name, text) {
    const [value, parts] = text.split(": ");
    return h(
      "div",
      {},
      h("dt", {}, t(`fact_${name}`), parts && h("span", {}, ` (${parts})`)),
      h("dd", {}, value),
    );
  }

  /** What is wrong, where, and what was tried and helps. */
  trouble({ problem, position, fixes }, text) {
    if (!problem) return [];
    const nodes = [h("p", {}, problem)];
    if (position !== undefined && position !== null) {
      const letters = Array.from(text);
      const before = letters.slice(Math.max(0, position - 30), position).join("");
      const [word] = letters
        .slice(position)
        .join("")
        .match(/^[^\s|,]*/);
      const after = letters
        .slice(position + Array.from(word).length)
        .join("")
        .slice(0, 24);
      nodes.push(h("pre", {}, before, h("mark", {}, word || " "), after));
    }
    if (fixes) {
      nodes.push(h("p", {}, t(fixes.length ? "fixes" : "no_fixes")));
      const list = fixes.map(({ what, effect, network }) =>
        h(
          "li",
          {},
          h("button", { type: "button", class: "fix", onclick: () => this.take(network) }, what),
          effect && h("small", {}, effect),
        ),
      );
      nodes.push(h("ul", { class: "fixes" }, list));
    }
    return nodes;
  }

  async deduce() {
    const figure = this.shapes.value.trim();
    if (!figure) {
      fill(this.deduced);
      this.remember(false);
      return;
    }
    try {
      const asked = { figure, given: this.given.value, params: this.limit.value };
      const found = await ask("deduce", asked);
      if (figure !== this.shapes.value.trim()) return;
      if (found.problem) {
        fill(this.deduced, h("div", { class: "problem" }, this.trouble(found, figure)));
      } else {
        const use = h(
          "button",
          { type: "button", class: "button", onclick: () => this.pick(found.network) },
          t("use"),
        );
        fill(this.deduced, use, piece(found.page));
      }
      this.remember(false);
    } catch (error) {
      this.app.fail(error);
    }
  }
}
