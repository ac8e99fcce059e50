// Executors as rows, in place, keyed by their ids; a page at a time, so that the page's cost has an end.
import { phaseText } from "./phases.js";
import { arrange, button, duration, element, grouped, memory, setText, setUsable } from "./shared.js";

// So many rows stand in one page; more executors are turned over in smaller ones, which cost less.
const ALL = 40;
const PAGE = 20;

// With more rows than that their columns have widths of their own: a changed number would have the page measure all.
const MEASURED = 10;

// From this share of the tasks' time on, garbage collection is worth a sign.
const MUCH_GC = 10;

// From this share of its memory on, an executor is close to being killed.
const NEAR_LIMIT = 0.9;

const COLUMNS = [
  ["executor", "Spark's number of the executor"],
  ["phase", "Where it is in its life"],
  ["node", "The machine its pod runs on"],
  ["cores", "Cores"],
  ["memory", "The most its JVM used of its pod's memory"],
  ["running", "Tasks that run"],
  ["done", "Tasks that are done"],
  ["failed", "Tasks that failed"],
  ["gc", "Share of its tasks' time in garbage collection"],
  ["spilled", "What its tasks spilled to disk"],
  ["age", "How long its pod has lived"],
  ["why", "Why it waits or ended"],
];

class ExecutorRow {
  constructor(id, onToggle) {
    this.executor = null;
    this.drawn = null;
    this.opened = null;
    this.element = element("tr");
    this.cells = {};
    for (const [name] of COLUMNS) {
      this.cells[name] = element("td", `sk8s-${name}`);
      this.element.append(this.cells[name]);
    }
    this.opener = button(id, `Executor ${id}: all that is known, and its log`, () => onToggle(id));
    this.opener.className = "sk8s-opener";
    this.expand(false);
    this.cells.executor.append(this.opener);
    this.level = element("span", "sk8s-level");
    this.bar = element("span", "sk8s-memorybar");
    this.bar.setAttribute("aria-hidden", "true");
    this.bar.append(this.level);
    this.size = element("span", "sk8s-size");
    this.cells.memory.append(this.bar, this.size);
  }

  fill(executor, now) {
    const before = this.executor;
    if (before === executor) return;
    this.executor = executor;
    const { cells } = this;
    if (before?.phase !== executor.phase) this.element.dataset.phase = executor.phase;
    if (before?.since !== executor.since || before?.ended !== executor.ended) this.tick(now);
    setText(cells.phase, phaseText(executor.phase));
    setText(cells.node, executor.node);
    setText(cells.cores, executor.cores ? String(executor.cores) : "");
    for (const name of ["running", "done", "failed"]) {
      setText(cells[name], grouped(executor[name]));
      const className = `sk8s-${name}${executor[name] ? "" : " sk8s-zero"}`;
      if (cells[name].className !== className) cells[name].className = className;
    }
    setText(cells.gc, executor.gc ? `${executor.gc >= MUCH_GC ? "⚠ " : ""}${executor.gc} %` : "");
    setText(cells.spilled, memory(executor.spilled));
    if (cells.why.title !== executor.reason) cells.why.title = executor.reason;
    setText(cells.why, executor.reason);
    this.fillMemory(executor);
  }

  fillMemory({ peak, memory: limit }) {
    const share = limit ? Math.min(1, (peak ?? 0) / limit) : 0;
    const level = share >= NEAR_LIMIT ? "near" : "";
    const drawn = `${peak ? Math.round(100 * share) : ""}${level}`;
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.bar.hidden = !peak;
      this.level.style.width = `${Math.round(100 * share)}%`;
      this.bar.dataset.level = level;
    }
    setText(this.size, peak && limit ? `${level && "⚠ "}${memory(peak)} / ${memory(limit)}` : memory(limit));
  }

  expand(open) {
    if (open === this.opened) return;
    this.opened = open;
    this.opener.setAttribute("aria-expanded", String(open));
  }

  // Its age, which changes with every second, not with every frame.
  tick(now) {
    const { since, ended } = this.executor;
    setText(this.cells.age, since ? duration((ended || now) - since) : "");
  }
}

export class ExecutorTable {
  constructor(detail) {
    this.detail = detail;
    this.rows = new Map();
    this.executors = [];
    this.first = 0;
    this.page = ALL;
    this.now = 0;
    this.ticked = 0;
    this.element = element("div", "sk8s-fleettable");
    this.table = element("table", "sk8s-table");
    const header = this.table.createTHead().insertRow();
    for (const [name, title] of COLUMNS) {
      const cell = element("th", `sk8s-${name}`, name);
      cell.scope = "col";
      cell.title = title;
      header.append(cell);
    }
    this.body = this.table.createTBody();
    this.detailRow = element("tr", "sk8s-detailrow");
    this.detailCell = element("td");
    this.detailCell.colSpan = COLUMNS.length;
    this.detailRow.append(this.detailCell);
    const scroll = element("div", "sk8s-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Table of executors");
    scroll.append(this.table);
    this.pages = element("div", "sk8s-pages");
    this.before = button("‹", "Executors before these", () => this.turn(-this.page));
    this.where = element("span", "sk8s-note");
    this.after = button("›", "Executors after these", () => this.turn(this.page));
    this.pages.append(this.before, this.where, this.after);
    this.element.append(scroll, this.pages);
  }

  show(executors, now) {
    if (!Array.isArray(executors)) throw new TypeError("no rows");
    this.executors = executors;
    this.page = executors.length <= ALL ? ALL : PAGE;
    const pages = Math.max(1, Math.ceil(executors.length / this.page));
    this.first = this.page * Math.min(Math.floor(this.first / this.page), pages - 1);
    this.draw(now);
  }

  turn(by) {
    if (this.first + by < this.executors.length) this.first = Math.max(0, this.first + by);
    this.draw(this.now);
  }

  draw(now) {
    this.now = now;
    const page = this.executors.slice(this.first, this.first + this.page);
    const ids = new Set(page.map((executor) => executor.id));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    const shown = [];
    let open = null;
    for (const executor of page) {
      const row = this.row(executor.id);
      row.fill(executor, now);
      shown.push(row.element);
      if (this.detail.id !== executor.id) continue;
      open = executor;
      shown.push(this.detailRow);
    }
    if (open) this.detail.placeIn(this.detailCell);
    arrange(this.body, shown);
    this.table.classList.toggle("sk8s-even", this.executors.length > MEASURED);
    this.table.classList.toggle("sk8s-nogc", !this.executors.some((executor) => executor.gc));
    this.table.classList.toggle("sk8s-nowhy", !this.executors.some((executor) => executor.reason));
    this.table.classList.toggle("sk8s-nospill", !this.executors.some((executor) => executor.spilled));
    this.pages.hidden = this.executors.length <= this.page;
    setText(this.where, `${this.first + 1} to ${this.first + page.length} of ${this.executors.length}`);
    setUsable(this.before, this.first > 0);
    setUsable(this.after, this.first + this.page < this.executors.length);
    if (now - this.ticked >= 1) this.tick(now);
  }

  row(id) {
    if (!this.rows.has(id)) this.rows.set(id, new ExecutorRow(id, (one) => this.toggle(one)));
    const row = this.rows.get(id);
    row.expand(this.detail.id === id);
    return row;
  }

  // Opens what is known of an executor; whether it is among the rows.
  open(id) {
    const at = this.executors.findIndex((executor) => executor.id === id);
    if (at < 0) return false;
    this.first = this.page * Math.floor(at / this.page);
    this.detail.open(this.executors[at]);
    this.draw(this.now);
    return true;
  }

  toggle(id) {
    if (this.detail.id === id) {
      this.detail.close();
      this.draw(this.now);
    } else this.open(id);
  }

  tick(now) {
    this.now = this.ticked = now;
    for (const row of this.rows.values()) row.tick(now);
  }
}
