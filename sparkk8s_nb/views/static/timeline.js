// When each executor worked: a row each over an axis of time. With few executors the height of a bar says how many
// tasks it had; with many its strength does. Failed tasks are crosses, stragglers a sign at the label; one that
// still runs is a broken line above its executor's bars, from where it began.
import { Width } from "./canvas.js";
import { element, plural, setText } from "./shared.js";
import { TimelineCanvas } from "./timelinecanvas.js";

// So many executors are told of one by one.
const TOLD = 16;

// The wire's name of the row that executors beyond the last row share.
const OTHERS = "others";

// What a full bar is in each row, in percent of a task: as many as the executor can run at once. Where that is not
// known, the least power of two that holds all: what is drawn rarely has to be drawn again.
function fullBars({ executors, columns, slots = [] }) {
  const holding = (rows) => {
    const most = columns.reduce((top, column) => rows.reduce((a, row) => Math.max(a, column[row] ?? 0), top), 100);
    return 100 * 2 ** Math.ceil(Math.log2(most / 100));
  };
  const unknown = executors.map((_, row) => row).filter((row) => !slots[row] && executors[row] !== OTHERS);
  const common = unknown.length ? holding(unknown) : 0;
  return executors.map((name, row) => (slots[row] ? 100 * slots[row] : name === OTHERS ? holding([row]) : common));
}

// Executors that had one of the tasks that took far longer than their stage's median.
function stragglers(jobs) {
  const found = new Set();
  for (const job of jobs) {
    for (const { skew, median, slowest } of job.stages) {
      if (!skew) continue;
      for (const [, seconds, executor] of slowest ?? []) if (seconds >= 4 * median) found.add(executor);
    }
  }
  return found;
}

// Executors that run such a task now, and since when.
function openStragglers(jobs) {
  const found = new Map();
  for (const job of jobs) {
    for (const { straggling = [] } of job.stages) {
      for (const [, began, executor] of straggling) found.set(executor, Math.min(began, found.get(executor) ?? began));
    }
  }
  return found;
}

// A sign and what it means.
class Legend {
  constructor() {
    this.element = element("div", "sk8s-legend");
    this.entries = ["busy", "failed", "open", "slow"].map((kind) => {
      const entry = element("span", `sk8s-key sk8s-key-${kind}`);
      this.element.append(entry);
      return entry;
    });
  }

  show(texts) {
    this.entries.forEach((entry, at) => {
      setText(entry, texts[at]);
      entry.hidden = !texts[at];
    });
  }
}

export class TimelineView {
  constructor() {
    this.timeline = null;
    this.running = false;
    this.slow = new Set();
    this.open = new Map();
    this.marks = "";
    this.element = element("details", "sk8s-timeline");
    const summary = element("summary", "", "Executors over time");
    const [canvas, axis] = [element("canvas", "sk8s-canvas"), element("canvas", "sk8s-canvas")];
    canvas.setAttribute("role", "img");
    axis.setAttribute("aria-hidden", "true");
    this.canvas = canvas;
    this.drawing = new TimelineCanvas(canvas, axis);
    this.scroll = element("div", "sk8s-scroll");
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "region");
    this.scroll.setAttribute("aria-label", "Executors over time");
    this.scroll.append(canvas);
    this.legend = new Legend();
    this.element.append(summary, this.scroll, axis, this.legend.element);
    this.element.addEventListener("toggle", () => this.draw());
    this.room = new Width(this.scroll, () => this.draw());
  }

  // Opens by itself once there is something to see; who closed it keeps it closed.
  show(timeline, jobs, running) {
    if (!this.timeline && timeline) this.element.open = true;
    const news = timeline !== this.timeline || running !== this.running;
    this.timeline = timeline ?? null;
    this.running = running;
    this.element.hidden = !timeline;
    if (!timeline) return;
    const [slow, open] = [stragglers(jobs), openStragglers(jobs)];
    const marks = JSON.stringify([[...slow], [...open]]);
    if (!news && marks === this.marks) return;
    [this.slow, this.open, this.marks] = [slow, open, marks];
    this.draw();
  }

  // The page's theme may have changed.
  recolour() {
    if (this.timeline && this.element.open && this.drawing.colours.changed()) this.draw();
  }

  draw() {
    if (!this.timeline || !this.element.open) return;
    const { failures = [] } = this.timeline;
    const full = fullBars(this.timeline);
    const { slow, open, marks: key } = this;
    this.drawing.paint(this.timeline, { full, slow, open, key }, this.room.value, this.running);
    const failed = failures.reduce((sum, [, , count]) => sum + count, 0);
    this.legend.show([
      this.scale(full),
      failed ? `✕ ${plural(failed, "failed task")}` : "",
      open.size ? `△ runs a task far slower than the median, since the mark above: executor ${[...open.keys()].join(", ")}` : "",
      slow.size ? `▲ had a task far slower than the median: executor ${[...slow].join(", ")}` : "",
    ]);
    this.canvas.setAttribute("aria-label", this.words(failures));
  }

  // What a bar is. All executors are mostly alike.
  scale(full) {
    const { width, executors } = this.timeline;
    const counts = full.filter((_, row) => executors[row] !== OTHERS).map((percent) => percent / 100);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    const tasks = least === most ? plural(most, "task") : `${least} to ${plural(most, "task")}`;
    const what = TimelineCanvas.countsHeight(this.timeline) ? "full height" : "full strength";
    return `at work; ${what}: ${tasks} at once, each bar ${width} s`;
  }

  words(failures) {
    const { executors, columns } = this.timeline;
    const sums = new Array(executors.length).fill(0);
    for (const column of columns) for (let row = 0; row < column.length; row += 1) sums[row] += column[row];
    const failed = new Map();
    for (const [, row, count] of failures) failed.set(row, (failed.get(row) ?? 0) + count);
    const busy = executors.slice(0, TOLD).map((executor, row) => {
      const mean = (sums[row] / 100 / Math.max(1, columns.length)).toFixed(1);
      const open = this.open.has(executor) ? ", runs a task far slower than the median" : "";
      return `executor ${executor}: ${mean}${failed.has(row) ? ` and ${failed.get(row)} failed` : ""}${open}`;
    });
    const more = executors.length > TOLD ? `, and ${executors.length - TOLD} more` : "";
    return `Mean number of tasks at work, ${busy.join(", ")}${more}`;
  }
}
