// The page: its name, languages and themes around a look inside the network.

import { className, el, percent } from "./dom.js";
import { Look } from "./look.js";
import { readState, writeState } from "./state.js";
import { countText } from "./table.js";
import { LANGUAGES, speaker } from "./words.js";

const THEMES = ["auto", "light", "dark"];

export function startPage(facts, root) {
  const state = readState(location.hash);
  const page = { facts, root, language: languageOf(state), theme: themeOf(state), look: null };
  const screen = matchMedia("(prefers-color-scheme: dark)");
  page.isDark = () => (page.theme === "auto" ? screen.matches : page.theme === "dark");
  screen.addEventListener("change", () => page.look.recolour());
  show(page, state);
}

function languageOf(state) {
  if (Object.hasOwn(LANGUAGES, state.language ?? "")) return state.language;
  return (navigator.language ?? "").startsWith("zh") ? "zh" : "en";
}

function themeOf(state) {
  return THEMES.includes(state.theme) ? state.theme : "auto";
}

function show(page, state) {
  const { facts, root, language } = page;
  const before = page.look;
  before?.unitView.stop();
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  document.documentElement.dataset.theme = page.theme;
  page.look = new Look(facts, {
    language, isDark: page.isDark, onChange: () => remember(page),
  });
  root.replaceChildren(headerOf(page), el("main", {}, page.look.element));
  if (before) page.look.source.takeOver(before.source);
  page.look.start(state);
}

function headerOf(page) {
  const { facts } = page;
  const say = speaker(page.language);
  const about = say("about", {
    parameters: countText(facts.total.parameters), layers: facts.layer_count,
    classes: facts.classes.length,
  });
  const { accuracy, dataset } = facts.training ?? {};
  const known = accuracy ? say("accuracy", { share: percent(accuracy), dataset }) : null;
  const choice = (key, values, chosen, textOf, choose) => el("label", { class: "choice" },
    el("span", { class: "unseen" }, say(key)),
    el("select", { name: key, onchange: (event) => choose(event.target.value) },
      values.map((value) => el("option", { value, selected: value === chosen }, textOf(value)))));
  const languages = choice("language", Object.keys(LANGUAGES), page.language,
    (value) => LANGUAGES[value], (value) => {
      page.language = value;
      show(page, { ...page.look.state });
      remember(page);
    });
  const themes = choice("theme", THEMES, page.theme, (value) => say(`theme.${value}`), (value) => {
    page.theme = value;
    document.documentElement.dataset.theme = value;
    page.look.recolour();
    remember(page);
  });
  return el("header", { class: "top" },
    el("div", { class: "title" }, el("h1", {}, className(facts.name)),
      el("p", { class: "note" }, [about, known].filter(Boolean).join(" · "))),
    el("div", { class: "choices" }, shareButton(say), languages, themes));
}

// A file's address is of no use to others.
function shareButton(say) {
  if (location.protocol === "file:") return null;
  const button = el("button", { type: "button", class: "share", onclick: async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = say("shared");
    } catch { /* the address above says the same */ }
  } }, say("share"));
  return button;
}

// Keep what is shown in the address; a browser that does not let a file do that does without.
function remember(page) {
  const { language, theme } = page;
  const state = { ...page.look.state, language, theme: theme === "auto" ? null : theme };
  clearTimeout(page.later);
  page.later = setTimeout(() => {
    try {
      history.replaceState(null, "", `#${writeState(state)}`);
    } catch { /* nothing is lost but the address */ }
  }, 300);
}
