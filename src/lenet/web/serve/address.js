// The state of the page, which stands in its address, as in #build?net=lenet, to be sent.

/** Return the tab that the address names, and its values. */
export function read() {
  const [tab, query = ""] = location.hash.replace(/^#/, "").split("?");
  return { tab, values: Object.fromEntries(new URLSearchParams(query)) };
}

/** Return the address of a tab with values; those that are empty are left out. */
export function link(tab, values = {}) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value != null);
  const query = new URLSearchParams(given).toString();
  return `#${tab}${query && `?${query}`}`;
}

/** Write the state down; what a person chose is a step that the browser's Back takes back. */
export function write(tab, values, isStep = false) {
  const address = link(tab, values);
  if (address === location.hash) return;
  history[isStep ? "pushState" : "replaceState"](null, "", address);
}

/** Names in one value, and back. A name may hold commas. */
export const listed = (names) => (names.length ? JSON.stringify(names) : "");
export function names(text) {
  try {
    const found = JSON.parse(text ?? "");
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return text ? [text] : [];
  }
}
