// When each executor worked: a row each on a canvas. With few executors the height of a bar says how many tasks
// it had; with many its strength does. Failed tasks are a mark at the foot, stragglers a sign at the label.
import { Width, colours, element, penOn, plural, setText } from "./shared.js";

const LABEL = 52;
const FEW = 16;
const ROW = 16;
const LOW_ROW = 5;
const LEAST_COLUMNS = 60;

// A row has room for its label only every so many low rows.
const LABEL_EVERY = 3;

// How full a full bar is: powers of two, so that what is drawn rarely has to be drawn again.
function scaleOf(columns) {
  const most = columns.reduce((top, column) => column.reduce((a, b) => Math.max(a, b), top), 100);
  return 100 * 2 ** Math.ceil(Math.log2(most / 100));
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

export class TimelineView {
  constructor() {
    this.timeline = null;
    this.slow = new Set();
    this.drawn = 0;
    this.shape = "";
    this.element = element("details", "sk8s-timeline");
    this.summary = element("summary", "", "Executors over time");
    this.canvas = element("canvas", "sk8s-canvas");
    this.canvas.setAttribute("role", "img");
    this.scroll = element("div", "sk8s-scroll");
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "region");
    this.scroll.setAttribute("aria-label", "Executors over time");
    this.scroll.append(this.canvas);
    this.note = element("div", "sk8s-note");
    this.element.append(this.summary, this.scroll, this.note);
    this.element.addEventListener("toggle", () => this.draw());
    this.room = new Width(this.scroll, () => this.draw());
  }

  // Opens by itself once there is something to see; who closed it keeps it closed.
  show(timeline, jobs) {
    if (!this.timeline && timeline) this.element.open = true;
    const news = timeline !== this.timeline;
    this.timeline = timeline ?? null;
    this.element.hidden = !timeline;
    if (!timeline) return;
    const slow = stragglers(jobs);
    if (!news && slow.size === this.slow.size) return;
    if (slow.size !== this.slow.size) this.shape = "";
    this.slow = slow;
    this.draw();
  }

  draw() {
    if (!this.timeline || !this.element.open) return;
    const { executors, columns, failures = [], width } = this.timeline;
    const most = scaleOf(columns);
    const few = executors.length <= FEW;
    this.paint(most, few);
    const failed = failures.reduce((sum, [, , count]) => sum + count, 0);
    const says = [
      `One bar is ${width} s; ${few ? "a full one" : "the strongest"} is ${plural(most / 100, "task")} at once.`,
      failed ? `✕ ${plural(failed, "failed task")}.` : "",
      this.slow.size ? `▲ had a task far slower than the median: executor ${[...this.slow].join(", ")}.` : "",
    ];
    setText(this.note, says.filter(Boolean).join("  "));
    this.canvas.setAttribute("aria-label", this.words(failures));
  }

  words(failures) {
    const { executors, columns } = this.timeline;
    const sums = new Array(executors.length).fill(0);
    for (const column of columns) for (let row = 0; row < column.length; row += 1) sums[row] += column[row];
    const failed = new Map();
    for (const [, row, count] of failures) failed.set(row, (failed.get(row) ?? 0) + count);
    const busy = executors.slice(0, FEW).map((executor, row) => {
      const mean = (sums[row] / 100 / Math.max(1, columns.length)).toFixed(1);
      return `executor ${executor}: ${mean}${failed.has(row) ? ` and ${failed.get(row)} failed` : ""}`;
    });
    const more = executors.length > FEW ? `, and ${executors.length - FEW} more` : "";
    return `Mean number of tasks at work, ${busy.join(", ")}${more}`;
  }

  // Draws the columns that are new; all of them where the shape is another.
  paint(most, few) {
    const { executors, columns, start, width: seconds, failures = [] } = this.timeline;
    const row = few ? ROW : LOW_ROW;
    const look = colours(this.canvas);
    const width = Math.max(240, this.room.value - 8);
    const across = Math.max(LEAST_COLUMNS, 2 ** Math.ceil(Math.log2(Math.max(1, columns.length))));
    const step = (width - LABEL) / across;
    const shape = [executors.length, start, seconds, width, across, most, look.text, look.busy].join();
    if (shape !== this.shape || columns.length < this.drawn) {
      this.shape = shape;
      this.drawn = 0;
      this.pen = penOn(this.canvas, width, row * executors.length);
      if (this.pen) this.paintLabels(executors, row, width, look, few);
    }
    if (!this.pen) return;
    for (let bin = this.drawn; bin < columns.length; bin += 1) {
      this.paintColumn(columns[bin], LABEL + bin * step, Math.max(1, step - 0.5), { row, most, few, look });
    }
    this.pen.fillStyle = look.bad;
    for (const [bin, at] of failures) {
      if (bin < this.drawn || bin >= columns.length) continue;
      this.pen.fillRect(LABEL + bin * step, (at + 1) * row - 4, Math.max(3, step), 3);
    }
    this.drawn = columns.length;
  }

  paintColumn(column, x, wide, { row, most, few, look }) {
    const { pen } = this;
    pen.fillStyle = look.busy;
    for (let at = 0; at < column.length; at += 1) {
      if (!column[at]) continue;
      const share = Math.min(1, column[at] / most);
      if (few) pen.fillRect(x, (at + 1) * row - 1 - share * (row - 3), wide, share * (row - 3));
      else {
        pen.globalAlpha = 0.15 + 0.85 * share;
        pen.fillRect(x, at * row, wide, row - 1);
      }
    }
    pen.globalAlpha = 1;
  }

  paintLabels(executors, row, width, look, few) {
    const { pen } = this;
    pen.font = `${few ? 11 : 9}px ${look.font}`;
    pen.textBaseline = "middle";
    executors.forEach((executor, at) => {
      const slow = this.slow.has(executor);
      pen.fillStyle = slow ? look.warn : look.text;
      const label = slow ? `▲ ${executor}` : executor;
      if (few || slow || at % LABEL_EVERY === 0) pen.fillText(label, 0, (at + 0.5) * row, LABEL - 6);
      if (!few) return;
      pen.fillStyle = look.line;
      pen.fillRect(LABEL, (at + 1) * row - 1, width - LABEL, 1);
    });
  }
}
