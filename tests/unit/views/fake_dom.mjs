// Just enough of a document to draw the views on, and a check that draws the golden frames.
// Usage: node fake_dom.mjs MODULE FRAME...   prints the text that is shown, one frame after the other.
// The word "open" among the frames opens all that can be opened, as a user would.
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
    this.classList = { toggle: () => {} };
  }
  get textContent() {
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
  addEventListener(_, callback) {
    this.toggled = callback;
  }
  get parentElement() {
    return this.parent;
  }
  getContext() {
    const count = () => {
      this.drawn = (this.drawn ?? 0) + 1;
    };
    return { scale: () => {}, fillText: count, fillRect: count };
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

globalThis.getComputedStyle = () => ({});
globalThis.document = { hidden: false, createElement: (tag) => new Node(tag) };

const [path, ...frames] = process.argv.slice(2);
const { default: view } = await import(path);
const sent = [];
const heard = new Set();
const model = {
  send: (message) => sent.push(message),
  on: (_, callback) => heard.add(callback),
  off: (_, callback) => heard.delete(callback),
};
view.initialize({ model });
const el = new Node("div");
const close = view.render({ model, el });
const shown = [];
for (const name of frames) {
  if (name === "open") {
    for (const node of el.all().filter((one) => one.tag === "details")) {
      node.open = true;
      node.toggled();
    }
    continue;
  }
  const frame = JSON.parse(readFileSync(name, "utf8"));
  for (const message of frame.messages ?? [frame]) for (const callback of heard) callback(message);
  const drawn = el.all().reduce((sum, node) => sum + (node.drawn ?? 0), 0);
  const labels = el.all().map((node) => node.attributes["aria-label"]).filter(Boolean);
  shown.push({ text: el.textContent, nodes: el.count(), drawn, labels });
}
close();
console.log(JSON.stringify({ sent, shown, left: heard.size }));
