// What all views need: elements, numbers in words, and reading frames. No dependency, no network.
import { isAnswer } from "./actions.js";

export const SCHEMA = 1;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const TEXT_NODE = 3;

// One for all: to make one costs far more than to use it.
const GROUPS = new Intl.NumberFormat("en-US");

const UNREADABLE = "A message could not be read; what is shown is from before.";
const NEWER = "The kernel speaks a newer version than this page: reload it. What is shown is from before.";

// Seconds before a keyframe that did not come is asked for again.
const PATIENCE = 2;

// Applies a patch (see sparkk8s_nb/model/wire_delta.py) and returns the new value; the old one stays as it is.
export function patched(value, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const keys = Object.keys(patch);
  if (Array.isArray(value) && keys.length && keys.every((key) => key.startsWith("$"))) {
    if (!("$keep" in patch)) return patchedRows(value, patch);
    return [...value.slice(0, patch.$keep), ...(patch.$then ?? [])];
  }
  const made = value !== null && typeof value === "object" && !Array.isArray(value) ? { ...value } : {};
  for (const key of keys) if (key !== "$gone") made[key] = patched(made[key], patch[key]);
  for (const key of patch.$gone ?? []) delete made[key];
  return made;
}

function patchedRows(rows, patch) {
  const gone = new Set(patch.$gone);
  const made = new Map();
  for (const row of rows) {
    const key = String(row.id);
    if (!gone.has(key)) made.set(key, key in (patch.$rows ?? {}) ? patched(row, patch.$rows[key]) : row);
  }
  for (const row of patch.$new ?? []) made.set(String(row.id), row);
  if (!patch.$order) return [...made.values()];
  return patch.$order.map((key) => {
    if (!made.has(key)) throw new Error(`no row ${key}`);
    return made.get(key);
  });
}

// Returns the state after a message: { frame }, or { frame, problem } with the last good one, or with
// `ask: true` where a keyframe is needed to go on.
export function received(frame, message) {
  if (message === null || typeof message !== "object" || !["keyframe", "delta"].includes(message.kind)) {
    return { frame, problem: UNREADABLE };
  }
  if (message.schema !== SCHEMA) return { frame, problem: NEWER };
  if (message.kind === "keyframe") return { frame: message };
  if (frame === null || message.base !== frame.seq) return { frame, ask: true };
  try {
    return { frame: { ...patched(frame, message.patch), seq: message.seq, at: message.at } };
  } catch {
    return { frame, problem: UNREADABLE, ask: true };
  }
}

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Writes only what differs: an unchanged cell costs the browser nothing, and a changed one keeps its text node, which
// is laid out anew for half of what a new one costs.
export function setText(node, text) {
  const only = node.firstChild;
  const kept = text && only?.nodeType === TEXT_NODE && only.nextSibling === null;
  if (kept && only.data !== text) only.data = text;
  if (!kept && node.textContent !== text) node.textContent = text;
}

export function button(text, label, onClick) {
  const made = element("button", "sk8s-button", text);
  made.type = "button";
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", onClick);
  return made;
}

// Whether a button can be pressed. Not by `disabled`: that would take the focus away from who has just pressed it.
export function setUsable(pressable, usable) {
  const told = String(!usable);
  if (pressable.getAttribute("aria-disabled") !== told) pressable.setAttribute("aria-disabled", told);
}

export function isUsable(pressable) {
  return pressable.getAttribute("aria-disabled") !== "true";
}

// A bar that fills up: what is done, beside it what runs (striped), and at the end a mark of what failed; with its
// share in words for whoever cannot see it.
export function progressBar(label) {
  const bar = element("div", "sk8s-bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", label);
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  const [filled, working] = [element("div", "sk8s-filled"), element("div", "sk8s-working")];
  bar.append(filled, working);
  let last = "";
  const set = (fraction, running = 0, failed = 0) => {
    const done = Math.min(1, fraction);
    const widths = [done, Math.min(1 - done, running)].map((share) => `${+(100 * share).toFixed(1)}%`);
    const drawn = [...widths, Boolean(failed)].join();
    if (drawn === last) return;
    last = drawn;
    bar.setAttribute("aria-valuenow", String(Math.round(100 * done)));
    filled.style.width = widths[0];
    working.style.width = widths[1];
    bar.classList.toggle("sk8s-hasfailed", failed > 0);
  };
  return { bar, set };
}

// A sign of a state in its colour, told as a word to whoever cannot see it.
export function stateSign() {
  const made = element("span", "sk8s-sign");
  made.setAttribute("role", "img");
  const state = { element: made, word: "" };
  state.set = (sign, word) => {
    setText(made, sign);
    if (state.word === word) return;
    state.word = made.title = word;
    made.setAttribute("aria-label", word);
  };
  return state;
}

// What is to be known, one line each, apart from the rest.
export function setLines(block, lines) {
  while (block.children.length > lines.length) block.children[block.children.length - 1].remove();
  lines.forEach((line, at) => {
    if (at >= block.children.length) block.append(element("div"));
    setText(block.children[at], line);
    block.children[at].className = line.startsWith("✕") ? "sk8s-bad" : "";
  });
  if (block.hidden !== !lines.length) block.hidden = !lines.length;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function memory(bytes) {
  if (!bytes) return "";
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit ? +value.toFixed(1) : value} ${UNITS[unit]}`;
}

// Large numbers in groups of three.
export function grouped(count) {
  return count >= 10000 ? GROUPS.format(count) : String(count);
}

// Seconds of a task, with as many digits as tell something.
export function seconds(value) {
  if (value >= 60) return duration(value);
  return `${value >= 9.95 ? Math.round(value) : +value.toPrecision(2)} s`;
}

// Things a second, for people.
export function pace(rate) {
  const [count, unit] = rate >= 0.995 ? [rate, "s"] : rate * 60 >= 0.995 ? [rate * 60, "min"] : [rate * 3600, "h"];
  return `${count >= 9.95 ? Math.round(count) : +count.toFixed(1)}/${unit}`;
}

export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

// Puts rows into an element in this order; what is not among them goes.
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...parent.children]) if (!wanted.has(node)) node.remove();
  let place = parent.firstChild;
  for (const node of nodes) {
    // What stood here went further back. It moves alone: a node that is moved loses its focus and how far it is scrolled.
    if (node !== place && place?.nextSibling === node) {
      parent.insertBefore(place, null);
      place = node;
    }
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
}

// Asks for frames and hands states on; calls `tick` every second while the page is seen. A message that
// cannot be read or drawn is told with `say`, and the last good state stays.
// Returns the function that ends all this.
export function follow(model, say, show, tick) {
  let frame = null;
  let asked = -Infinity;
  const ask = () => {
    if (performance.now() - asked < PATIENCE * 1000) return;
    asked = performance.now();
    model.send({ ask: "keyframe" });
  };
  const heard = (message) => {
    if (isAnswer(message)) return;
    const next = received(frame, message);
    if (next.ask) ask();
    if (next.problem) say(next.problem);
    if (next.frame === frame) return;
    try {
      show(next.frame);
    } catch {
      say(UNREADABLE);
      if (frame !== null) show(frame);
      return;
    }
    frame = next.frame;
    asked = -Infinity;
    say("");
  };
  model.on("msg:custom", heard);
  ask();
  const timer = setInterval(() => {
    if (!document.hidden) tick();
  }, 1000);
  return () => {
    clearInterval(timer);
    model.off("msg:custom", heard);
  };
}
