// Look: draw on any run, and see what every layer makes of it.

import { fill, h } from "./dom.js";
import { t } from "./words.js";

export class Look {
  constructor(app) {
    this.app = app;
    this.element = h("div", { class: "column" });
  }

  show() {
    fill(this.element, h("section", { class: "card" }, h("h1", {}, t("look_title")), h("p", { class: "muted" }, t("look_lead"))));
  }
}
