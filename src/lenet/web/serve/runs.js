// Runs: what was trained, side by side, and each run's own page.

import { percent } from "../dom.js";
import { link, listed, names } from "./address.js";
import { ask } from "./ask.js";
import { fill, h, piece } from "./dom.js";
import { t } from "./words.js";

const count = (number) => (number == null ? "" : number.toLocaleString("en"));
/** The columns: what each is sorted by, and what it shows. */
const COLUMNS = {
  name: { of: (run) => run.name },
  accuracy: {
    of: (run) => run.accuracy ?? -1,
    text: (run) => (run.accuracy == null ? "" : percent(run.accuracy)),
    isNumber: true,
  },
  data: { of: (run) => run.dataset ?? "" },
  network: { of: (run) => run.zoo || run.network || "" },
  parameters: {
    of: (run) => run.parameters ?? 0,
    text: (run) => count(run.parameters),
    isNumber: true,
  },
  epochs: { of: (run) => run.epochs ?? 0, text: (run) => count(run.epochs), isNumber: true },
  seconds: {
    of: (run) => run.seconds ?? 0,
    text: (run) => run.seconds?.toFixed(1) ?? "",
    isNumber: true,
  },
  status: {
    of: (run) => run.status ?? "",
    text: (run) =>
      t(run.is_going ? "status_running" : run.status ? `run_${run.status}` : "run_damaged"),
  },
  started: {
    of: (run) => run.started ?? "",
    text: (run) => (run.started ?? "").slice(0, 16).replace("T", " "),
  },
};

export class Runs {
  constructor(app) {
    this.app = app;
    this.chosen = [];
    this.sort = { column: "started", isUp: false };
    this.table = h("div", {
      class: "wide runs",
      tabindex: "0",
      role: "region",
      "aria-label": t("runs"),
    });
    this.compareButton = h("button", {
      type: "button",
      class: "button",
      onclick: () => this.open({ compare: listed(this.chosen) }),
    });
    this.detail = h("div", { class: "detail" });
    this.element = h(
      "div",
      { class: "column" },
      h(
        "section",
        { class: "card" },
        h("header", {}, h("h1", {}, t("runs_title")), this.compareButton),
        h("p", { class: "muted" }, t("runs_lead")),
        this.table,
      ),
      this.detail,
    );
  }

  async show(values) {
    this.values = values;
    const compared = names(values.compare);
    if (compared.length) this.chosen = compared;
    this.writeDetail(values);
    try {
      const { runs, folder } = await ask("runs");
      this.runs = runs;
      this.chosen = this.chosen.filter((name) => runs.some((one) => one.name === name));
      this.folder = folder;
      this.writeTable();
    } catch (error) {
      this.app.fail(error);
    }
  }

  open(values) {
    this.app.go("runs", values);
  }

  writeTable() {
    if (!this.runs.length) {
      const train = h("a", { class: "button", href: link("train") }, t("train_button"));
      const words = h("p", { class: "muted" }, t("no_runs", { folder: this.folder }));
      fill(this.table, h("div", { class: "empty" }, words, train));
      this.compareButton.hidden = true;
      return;
    }
    const { column, isUp } = this.sort;
    const key = COLUMNS[column].of;
    const order = [...this.runs].sort((a, b) => {
      const [one, two] = [key(a), key(b)];
      if (one === two) return a.name.localeCompare(b.name, "en", { numeric: true });
      return one < two === isUp ? -1 : 1;
    });
    const heads = Object.entries(COLUMNS).map(([name, { isNumber }]) =>
      h(
        "th",
        {
          scope: "col",
          class: isNumber ? "right" : null,
          "aria-sort": name === column ? (isUp ? "ascending" : "descending") : null,
        },
        h(
          "button",
          { type: "button", class: "sort", onclick: () => this.sortBy(name) },
          t(`column_${name}`),
        ),
      ),
    );
    fill(
      this.table,
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", {}, h("span", { class: "unseen" }, t("choose"))),
            heads[0],
            h("th", {}, h("span", { class: "unseen" }, t("actions"))),
            heads.slice(1),
          ),
        ),
        h(
          "tbody",
          {},
          order.map((run) => this.row(run)),
        ),
      ),
    );
    this.writeButton();
  }

  sortBy(column) {
    const isUp = this.sort.column === column ? !this.sort.isUp : !COLUMNS[column].isNumber;
    this.sort = { column, isUp };
    this.writeTable();
  }

  row(run) {
    const box = h("input", {
      type: "checkbox",
      "aria-label": t("choose_run", { run: run.name }),
      checked: this.chosen.includes(run.name),
      disabled: !run.status,
      onchange: (event) => {
        this.chosen = this.chosen.filter((name) => name !== run.name);
        if (event.target.checked) this.chosen.push(run.name);
        this.writeButton();
      },
    });
    const cells = Object.entries(COLUMNS).map(([name, { of, text, isNumber }]) =>
      h(
        name === "name" ? "th" : "td",
        {
          scope: name === "name" ? "row" : null,
          class: isNumber ? "right" : name,
          title: name === "network" ? run.network : null,
        },
        (text ?? of)(run),
      ),
    );
    if (run.problem) {
      return h(
        "tr",
        { class: "damaged" },
        h("td", {}, box),
        cells[0],
        h("td", { colspan: String(cells.length) }, run.problem),
      );
    }
    const actions = [
      run.has_model && h("a", { href: link("look", { run: run.name }) }, t("look")),
      run.has_page && h("a", { href: link("runs", { report: run.name }) }, t("report")),
      run.status === "interrupted" &&
        !run.is_going &&
        h(
          "button",
          { type: "button", class: "text", onclick: () => this.resume(run.name) },
          t("resume"),
        ),
    ].filter(Boolean);
    const [name, ...others] = cells;
    return h("tr", {}, h("td", {}, box), name, h("td", { class: "links" }, actions), others);
  }

  writeButton() {
    const most = this.app.start.most_together;
    const number = this.chosen.length;
    this.compareButton.hidden = false;
    this.compareButton.disabled = number < 2 || number > most;
    this.compareButton.textContent = number ? t("compare_number", { number }) : t("compare");
  }

  async resume(run) {
    try {
      await ask("resume", { run });
      this.app.go("train", { runs: listed([run]) });
    } catch (error) {
      this.app.fail(error);
    }
  }

  /** Write what was asked for below the table: one run's page, or runs side by side. */
  writeDetail({ report, compare }) {
    const chosen = names(compare);
    if (report) {
      const address = `/report?run=${encodeURIComponent(report)}`;
      fill(
        this.detail,
        h(
          "section",
          { class: "card" },
          h(
            "header",
            {},
            h("h2", {}, t("report_of", { run: report })),
            h("a", { href: address, target: "_blank", rel: "noreferrer" }, t("new_window")),
          ),
          h("iframe", {
            src: address,
            title: t("report_of", { run: report }),
            sandbox: "",
            class: "report",
          }),
        ),
      );
    } else if (chosen.length > 1) {
      this.compare(chosen);
    } else {
      fill(this.detail);
    }
  }

  async compare(chosen) {
    const charts = h("div", { class: "charts" });
    const page = h(
      "section",
      { class: "card", id: "compared" },
      h("p", { class: "muted" }, t("comparing")),
    );
    fill(this.detail, h("h2", {}, t("comparison")), charts, page);
    try {
      const curves = await ask("curves", { runs: chosen });
      fill(
        charts,
        curves.charts.map((chart) => h("figure", { class: "card" }, piece(chart))),
      );
      fill(page, piece((await ask("compare", { runs: chosen })).page));
    } catch (error) {
      fill(page);
      this.app.fail(error);
    }
  }
}
