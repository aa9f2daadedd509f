// The page: its tabs, its language and its theme, and which tab the address names.

import * as address from "./address.js";
import { ask } from "./ask.js";
import { Build } from "./build.js";
import { fill, h, select } from "./dom.js";
import { Look } from "./look.js";
import { Runs } from "./runs.js";
import { Train } from "./train.js";
import { LANGUAGES, language, setLanguage, t } from "./words.js";

const TABS = { build: Build, train: Train, look: Look, runs: Runs };
const READING = 15_000; // milliseconds that a line is there to be read
const THEMES = ["auto", "light", "dark"];

class App {
  constructor(start) {
    this.start = start;
    this.tabs = {};
    this.remembered = {};
    this.header();
  }

  /** Show what the address says. */
  show() {
    const { tab, values } = address.read();
    const name = tab in TABS ? tab : "build";
    if (name !== this.name) {
      this.tabs[this.name]?.hide?.();
      this.name = name;
      this.tabs[name] ??= new TABS[name](this);
      fill(document.getElementById("main"), this.tabs[name].element);
      document.title = `${t(name)} · lenet`;
    }
    this.tell("");
    this.tabs[name].show(values);
    this.note(name, values);
  }

  /** Write the state of a tab into the address, if the tab is still shown. */
  remember(tab, values, isStep = false) {
    const name = Object.keys(this.tabs).find((one) => this.tabs[one] === tab);
    if (name !== this.name) return;
    address.write(name, values, isStep);
    this.note(name, values);
  }

  /** Let the links lead to each tab as it was. */
  note(name, values) {
    this.remembered[name] = values;
    for (const [one, made] of Object.entries(this.links)) {
      made.href = address.link(one, this.remembered[one]);
      if (one === this.name) made.setAttribute("aria-current", "page");
      else made.removeAttribute("aria-current");
    }
  }

  /** Go to a tab with values. */
  go(tab, values) {
    address.write(tab, values, true);
    this.show();
  }

  /** Say in a line what happened or went wrong. */
  tell(words, isTrouble = false) {
    const line = document.getElementById("status");
    line.textContent = words;
    line.classList.toggle("trouble", isTrouble);
    clearTimeout(this.quiet);
    if (words) this.quiet = setTimeout(() => this.tell(""), READING);
  }

  /** Tell what went wrong, in the server's words. */
  fail(error) {
    this.tell(error.isGone ? t("gone") : error.message, true);
  }

  header() {
    const made = Object.keys(TABS).map((name) => [name, h("a", { href: `#${name}` }, t(name))]);
    this.links = Object.fromEntries(made);
    const languages = select(Object.entries(LANGUAGES), language(), {
      "aria-label": t("language"),
      onchange: (event) => this.speak(event.target.value),
    });
    const themes = select(
      THEMES.map((name) => [name, t(`theme_${name}`)]),
      theme(),
      { "aria-label": t("theme"), onchange: (event) => this.paint(event.target.value) },
    );
    fill(
      document.getElementById("top"),
      h(
        "a",
        { class: "brand", href: "#build" },
        h("img", { src: "/web/serve/mark.svg", alt: "" }),
        "lenet",
      ),
      h("nav", { "aria-label": t("tabs") }, Object.values(this.links)),
      h("div", { class: "choices" }, languages, themes),
    );
  }

  /** Paint the page in another theme, and what paints itself. */
  paint(theme) {
    setTheme(theme);
    for (const tab of Object.values(this.tabs)) tab.recolour?.();
  }

  /** Say everything anew in another language. */
  speak(name) {
    setLanguage(name);
    for (const tab of Object.values(this.tabs)) tab.hide?.();
    this.tabs = {};
    this.name = undefined;
    this.header();
    this.show();
  }
}

function setTheme(name) {
  localStorage.setItem("theme", name);
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

const theme = () => localStorage.getItem("theme") ?? "auto";

setTheme(theme());
setLanguage(language());
ask("start").then(
  (start) => {
    const app = new App(start);
    app.show();
    addEventListener("hashchange", () => app.show());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.paint(theme()));
  },
  () => fill(document.getElementById("main"), h("p", { class: "problem" }, t("gone"))),
);
