// Just enough of a document to draw the views on, and a check that draws the golden frames.
// Usage: node fake_dom.mjs MODULE FRAME...   prints the text that is shown, one frame after the other.
// Words among the frames do what a user would: "open" opens all that can be opened, "click:LABEL" clicks a button
// by its label or text, "type:LABEL=TEXT" fills in a field, "key:LABEL=KEY" presses a key there, "look" looks,
// "theme:NAME" gives the page other colours, "second" lets one pass.
// The environment's ANSWERS is a JSON object: what the kernel answers, by what is to be done.
import { readFileSync } from "node:fs";

class Node {
  constructor(tag) {
    this.tag = tag;
    this.nodes = [];
    this.parent = null;
    this.own = "";
    this.dataset = {};
    this.style = {};
    this.attributes = {};
    this.listeners = {};
    this.classes = new Set();
    this.classList = { toggle: (name, on) => this.classes[on ? "add" : "delete"](name) };
  }
  get textContent() {
    if (this.hidden) return "";
    return this.own + this.nodes.map((node) => node.textContent).join("|");
  }
  set textContent(text) {
    this.nodes = [];
    this.own = text;
  }
  get children() {
    return this.nodes;
  }
  get firstChild() {
    return this.nodes[0] ?? null;
  }
  get nextSibling() {
    return this.parent.nodes[this.parent.nodes.indexOf(this) + 1] ?? null;
  }
  remove() {
    if (this.parent) this.parent.nodes = this.parent.nodes.filter((node) => node !== this);
    this.parent = null;
  }
  insertBefore(node, place) {
    node.remove();
    this.nodes.splice(place === null ? this.nodes.length : this.nodes.indexOf(place), 0, node);
    node.parent = this;
  }
  append(...nodes) {
    for (const node of nodes) this.insertBefore(node, null);
  }
  replaceChildren(...nodes) {
    for (const node of [...this.nodes]) node.remove();
    this.append(...nodes);
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  getAttribute(name) {
    return this.attributes[name] ?? null;
  }
  addEventListener(type, callback) {
    this.listeners[type] = callback;
  }
  fire(type, event = {}) {
    return this.listeners[type]?.({ preventDefault: () => {}, stopPropagation: () => {}, ...event });
  }
  contains(node) {
    return this.all().includes(node);
  }
  get seen() {
    return !this.hidden && (this.parent === null || this.parent.seen);
  }
  get parentElement() {
    return this.parent;
  }
  getContext() {
    const count = () => {
      this.drawn = (this.drawn ?? 0) + 1;
    };
    const nothing = () => {};
    const path = { beginPath: nothing, moveTo: nothing, lineTo: nothing, stroke: count, strokeRect: count };
    return { scale: nothing, clearRect: nothing, fillText: count, fillRect: count, ...path };
  }
  all() {
    return [this, ...this.nodes.flatMap((node) => node.all())];
  }
  make(tag) {
    const made = new Node(tag);
    this.append(made);
    return made;
  }
  createTHead() {
    return this.make("thead");
  }
  createTBody() {
    return this.make("tbody");
  }
  insertRow() {
    return this.make("tr");
  }
  count() {
    return 1 + this.nodes.reduce((sum, node) => sum + node.count(), 0);
  }
}

const look = { color: "light" };
const timers = new Set();
globalThis.getComputedStyle = () => ({ ...look });
globalThis.setInterval = (callback) => timers.add(callback) && callback;
globalThis.clearInterval = (callback) => timers.delete(callback);
globalThis.document = { hidden: false, createElement: (tag) => new Node(tag) };

const [path, ...frames] = process.argv.slice(2);
const { default: view } = await import(path);
const sent = [];
const heard = new Set();
const answers = JSON.parse(process.env.ANSWERS ?? "{}");
const tell = (message) => {
  for (const callback of heard) callback(message);
};
const model = {
  send: ({ id, ...message }) => {
    sent.push(message);
    if (message.do === undefined) return;
    tell({ heard: id });
    tell({ done: id, ...answers[message.do] });
  },
  on: (_, callback) => heard.add(callback),
  off: (_, callback) => heard.delete(callback),
};
const forget = view.initialize({ model });
const el = new Node("div");
const close = view.render({ model, el });
const shown = [];
function show() {
  const drawn = el.all().reduce((sum, node) => sum + (node.drawn ?? 0), 0);
  const labels = el.all().filter((node) => node.seen).map((node) => node.getAttribute("aria-label")).filter(Boolean);
  shown.push({ text: el.textContent, nodes: el.count(), drawn, labels });
}

function find(label) {
  const found = el.all().find((node) => node.seen && [node.getAttribute("aria-label"), node.own].includes(label));
  if (!found) throw new Error(`nothing is called ${label}`);
  return found;
}

const words = {
  open: () => {
    for (const node of el.all().filter((one) => one.tag === "details")) {
      node.open = true;
      node.fire("toggle");
    }
  },
  click: (label) => {
    const button = find(label);
    button.fire("click", { offsetX: 20, offsetY: 3 });
  },
  type: (text) => {
    const [label, value] = text.split("=");
    const field = find(label);
    field.value = value;
    field.fire("input");
  },
  key: (text) => {
    const [label, key] = text.split("=");
    find(label).fire("keydown", { key });
  },
  look: show,
  theme: (name) => {
    look.color = name;
  },
  second: () => {
    for (const callback of timers) callback();
  },
};

for (const name of frames) {
  const [word, ...rest] = name.split(":");
  if (word in words) {
    words[word](rest.join(":"));
    // Answers come as promises.
    for (let turn = 0; turn < 20; turn += 1) await null;
    continue;
  }
  const frame = JSON.parse(readFileSync(name, "utf8"));
  for (const message of frame.messages ?? [frame]) tell(message);
  show();
}
close();
forget();
console.log(JSON.stringify({ sent, shown, left: heard.size + timers.size }));
process.exit(0);
