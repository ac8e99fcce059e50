// The fleet: one row per executor, in place, keyed by the executor's id.
import { arrange, duration, element, follow, memory, plural, setText } from "./shared.js";

const COLUMNS = ["executor", "phase", "node", "cores", "memory", "running", "done", "failed", "age", "why"];
const SIGNS = {
  asked: "○",
  pending: "◔",
  starting: "◑",
  running: "●",
  stopping: "◌",
  done: "✓",
  failed: "✕",
};

class FleetView {
  constructor(el) {
    this.rows = new Map();
    this.frame = null;
    this.received = 0;
    this.root = element("section", "sk8s");
    this.root.setAttribute("aria-label", "Spark executors");
    this.head = element("div", "sk8s-head");
    this.head.setAttribute("role", "status");
    this.head.setAttribute("aria-live", "polite");
    this.start = element("div", "sk8s-note");
    this.verdict = element("div", "sk8s-verdict");
    this.note = element("div", "sk8s-note");
    const table = element("table", "sk8s-table");
    const header = table.createTHead().insertRow();
    for (const name of COLUMNS) {
      const cell = element("th", `sk8s-${name}`, name);
      cell.scope = "col";
      header.append(cell);
    }
    this.body = table.createTBody();
    this.more = element("div", "sk8s-note");
    const scroll = element("div", "sk8s-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Table of executors");
    scroll.append(table);
    this.root.append(this.head, this.start, this.verdict, scroll, this.more, this.note);
    el.append(this.root);
  }

  say(text) {
    setText(this.note, text);
  }

  show(frame) {
    const fleet = frame.fleet;
    if (!fleet) return;
    this.frame = frame;
    this.received = performance.now();
    const tasks = fleet.tasks.running ? ` · ${plural(fleet.tasks.running, "task")} running` : "";
    setText(this.head, `${fleet.summary}${tasks}`);
    setText(this.verdict, fleet.verdict);
    this.root.classList.toggle("sk8s-stale", Boolean(fleet.stale));
    const shown = fleet.executors.map((executor) => {
      const row = this.row(executor.id);
      this.fill(row, executor);
      return row.element;
    });
    arrange(this.body, shown);
    const ids = new Set(fleet.executors.map((executor) => executor.id));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    const hidden = Object.entries(fleet.hidden).map(([phase, count]) => `${count} ${phase}`);
    setText(this.more, hidden.length ? `and ${hidden.join(", ")}` : "");
    this.tick();
  }

  row(id) {
    let row = this.rows.get(id);
    if (row === undefined) {
      const made = element("tr");
      const cells = {};
      for (const name of COLUMNS) {
        cells[name] = element("td", `sk8s-${name}`);
        made.append(cells[name]);
      }
      row = { element: made, cells, executor: null };
      this.rows.set(id, row);
    }
    return row;
  }

  fill(row, executor) {
    const { cells } = row;
    if (row.executor === executor) return;
    row.executor = executor;
    row.element.dataset.phase = executor.phase;
    setText(cells.executor, executor.id);
    cells.executor.title = executor.pod;
    setText(cells.phase, `${SIGNS[executor.phase] ?? "?"} ${executor.phase}`);
    setText(cells.node, executor.node);
    setText(cells.cores, executor.cores ? String(executor.cores) : "");
    setText(cells.memory, memory(executor.memory));
    setText(cells.running, String(executor.running));
    setText(cells.done, String(executor.done));
    setText(cells.failed, String(executor.failed));
    setText(cells.why, executor.reason);
    cells.why.title = executor.reason;
  }

  // Ages go on between frames, by the kernel's clock: the browser's may differ.
  tick() {
    if (this.frame === null) return;
    const now = this.frame.at + (performance.now() - this.received) / 1000;
    const start = this.frame.fleet.start;
    setText(this.start, start ? `${start.what}, ${duration(now - start.since)}` : "");
    for (const { cells, executor } of this.rows.values()) {
      setText(cells.age, executor.since ? duration((executor.ended || now) - executor.since) : "");
    }
  }
}

export default {
  // The kernel learns from this that a browser can draw widgets.
  initialize({ model }) {
    model.send({ ask: "keyframe" });
  },
  render({ model, el }) {
    const view = new FleetView(el);
    return follow(
      model,
      (text) => view.say(text),
      (frame) => view.show(frame),
      () => view.tick(),
    );
  },
};
