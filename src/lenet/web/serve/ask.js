// Asking the server, one question at a time.

/** What the server refuses, in its own sentence; without one, it does not answer any more. */
export class Refused extends Error {
  constructor(sentence) {
    super(sentence ?? "");
    this.isGone = sentence === null;
  }
}

/** Ask a question by its name, and return the answer. */
export async function ask(name, values = {}) {
  let response;
  try {
    response = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(values),
    });
  } catch {
    throw new Refused(null);
  }
  const found = await response.json().catch(() => ({ error: response.statusText }));
  if (!response.ok) throw new Refused(found.error);
  return found;
}

/** Make work wait for itself: of what is asked meanwhile, only the newest is done. */
export function newest(work) {
  let isBusy = false;
  let next = null;
  async function run(given) {
    isBusy = true;
    try {
      await work(...given);
    } finally {
      isBusy = false;
      if (next) {
        const later = next;
        next = null;
        run(later);
      }
    }
  }
  return (...given) => {
    if (isBusy) next = given;
    else run(given);
  };
}

/** Let a call wait until nothing was asked for some milliseconds. */
export function settled(work, milliseconds) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}
