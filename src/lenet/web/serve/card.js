// One training as a card: its elements stay the same while it goes on, so that a click, the focus
// and a reader's place are not lost to what changes ten times a second.

import { percent } from "../dom.js";
import { link } from "./address.js";
import { fill, h } from "./dom.js";
import { t } from "./words.js";

const GOING = ["waiting", "preparing", "running", "stopping"];
const SERIES = 10; // colours of lines

export const isGoing = ({ status }) => GOING.includes(status);

export class Card {
  /** `tell.stop`, `tell.resume` and `tell.toggle` are called with the job. */
  constructor(tell) {
    this.name = h("strong");
    this.toggle = h("input", {
      type: "checkbox",
      onchange: () => tell.toggle(this.job, this.toggle.checked),
    });
    this.badge = h("span", { class: "badge" });
    this.bar = h("progress", { max: "1" });
    this.share = h("strong");
    this.accuracy = h("p", { class: "accuracy" }, this.share, ` ${t("test")}`);
    this.facts = h("p", { class: "muted small" });
    this.notes = h("div");
    const button = (name, act) =>
      h("button", { type: "button", class: "quiet", onclick: () => act(this.job) }, t(name));
    this.stop = button("stop", tell.stop);
    this.resume = button("resume", tell.resume);
    this.look = h("a", { class: "button quiet" }, t("look"));
    this.report = h("a", { class: "button quiet" }, t("report"));
    this.element = h(
      "li",
      { class: "card job" },
      h("label", { class: "job-name" }, this.toggle, this.name),
      this.badge,
      this.bar,
      this.accuracy,
      this.facts,
      this.notes,
      h("div", { class: "actions" }, this.stop, this.resume, this.look, this.report),
    );
  }

  /** Show a job as it is now; `chosen` are the runs in the chart. */
  show(job, chosen) {
    const { last, run, status } = job;
    const place = chosen.indexOf(run);
    const goes = isGoing(job);
    const hasModel = !goes && Boolean(run && last);
    this.job = job;
    this.element.dataset.status = status;
    this.element.dataset.series =
      place < 0 || chosen.length < 2 ? "" : String((place % SERIES) + 1);
    this.name.textContent = run ?? job.title;
    this.toggle.checked = place >= 0;
    this.toggle.disabled = !run;
    this.badge.textContent = t(`status_${status}`);
    this.bar.hidden = !goes;
    this.bar.value = job.share;
    this.bar.setAttribute("aria-label", run ?? job.title);
    this.accuracy.hidden = last?.test_accuracy === undefined;
    this.share.textContent = this.accuracy.hidden ? "" : percent(last.test_accuracy);
    this.facts.textContent = [
      last && `${t("loss")} ${last.loss.toPrecision(3)}`,
      last && t("epoch_of", { epoch: last.epoch, epochs: job.epochs }),
      t("seed_of", { seed: job.seed }),
    ]
      .filter(Boolean)
      .join(" · ");
    if (this.notes.childElementCount !== job.notes.length) {
      fill(
        this.notes,
        job.notes.map((note) => h("p", { class: "note" }, note)),
      );
    }
    this.stop.hidden = !goes;
    this.stop.disabled = status === "stopping";
    this.resume.hidden = !job.can_resume;
    this.look.hidden = this.report.hidden = !hasModel;
    this.look.href = link("look", { run });
    this.report.href = link("runs", { report: run });
  }
}
