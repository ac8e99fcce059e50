// The progress of one cell: a bar, the counts, its jobs with their stages, and the executors' time.
import { arrange, duration, element, follow, memory, pace, plural, setText } from "./shared.js";
import { StreamList } from "./streamlist.js";

const SIGNS = { RUNNING: "▶", SUCCEEDED: "✓", FAILED: "✕", UNKNOWN: "?" };

// A job that has run for so many seconds shows its stages by itself.
const OPENS_AFTER = 2;

// From this share of the run time on, garbage collection is worth a word.
const GC_PERCENT = 10;

const ROW = 14;
const LABEL = 52;

function counts(done, tasks, running, failed) {
  const parts = [`${done}/${tasks}`];
  if (running) parts.push(`${running} running`);
  if (failed) parts.push(`${failed} failed`);
  return parts.join(" · ");
}

function stageSign(stage) {
  if (stage.skipped) return "↷";
  return { COMPLETE: "✓", ACTIVE: "▶", FAILED: "✕" }[stage.state] ?? "·";
}

// What a stage has to say beside its counts: trouble first.
function stageWords(stage) {
  const words = [];
  if (stage.failure) words.push(`✕ ${stage.failure}`);
  for (const [reason, count] of stage.causes ?? []) words.push(`✕ ${plural(count, "task")} failed: ${reason}`);
  if (stage.skew) words.push(`⚠ ${stage.skew}`);
  if (stage.spilled) words.push(`⚠ spilled ${memory(stage.spilled)} to disk`);
  if (stage.gc >= GC_PERCENT) words.push(`⚠ ${stage.gc} % of the run time in garbage collection`);
  if (stage.speculative) words.push(plural(stage.speculative, "speculative task"));
  return words;
}

function stageBytes(stage) {
  const parts = [
    ["read", stage.read],
    ["shuffle read", stage.shuffle_read],
    ["shuffle written", stage.shuffle_written],
    ["written", stage.written],
  ];
  return parts.filter(([, bytes]) => bytes).map(([what, bytes]) => `${what} ${memory(bytes)}`).join(", ");
}

function progressBar(label) {
  const bar = element("div", "sk8s-bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", label);
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  const filled = element("div", "sk8s-filled");
  bar.append(filled);
  const set = (fraction) => {
    const percent = String(Math.round(100 * Math.min(1, fraction)));
    bar.setAttribute("aria-valuenow", percent);
    filled.style.width = `${percent}%`;
  };
  return { bar, set };
}

// One row of the list of a job's stages.
class StageRow {
  constructor(number) {
    this.element = element("div", "sk8s-stage");
    this.progress = progressBar(`Tasks of stage ${number}`);
    this.line = element("span", "sk8s-line");
    this.words = element("div", "sk8s-words");
    const head = element("div", "sk8s-head");
    head.append(this.progress.bar, this.line);
    this.element.append(head, this.words);
  }

  show(stage, now) {
    const done = stage.done ?? 0;
    this.element.dataset.state = stage.state;
    this.progress.set(stage.skipped ? 1 : done / Math.max(1, stage.tasks));
    const parts = [stage.skipped ? "skipped" : `${counts(done, stage.tasks, stage.running, stage.failed)} tasks`];
    const seconds = stage.submitted ? (stage.completed || now) - stage.submitted : 0;
    if (done && seconds > 0) parts.push(pace(done / seconds));
    if (stage.median) parts.push(`median ${stage.median} s, longest ${stage.longest} s`);
    const bytes = stageBytes(stage);
    if (bytes) parts.push(bytes);
    setText(this.line, `${stageSign(stage)} stage ${stage.id}: ${parts.join(" · ")}  ${stage.name}`);
    setText(this.words, stageWords(stage).join(" · "));
    const slowest = (stage.slowest ?? []).map(([partition, took, executor]) => `partition ${partition}: ${took} s on executor ${executor}`);
    this.words.title = slowest.length ? `slowest tasks: ${slowest.join("; ")}` : "";
  }
}

// When each executor worked: a row each, the height of a bar says how many tasks it had.
class TimelineView {
  constructor() {
    this.element = element("details", "sk8s-timeline");
    this.summary = element("summary", "", "Executors over time");
    this.note = element("div", "sk8s-note");
    this.canvas = element("canvas", "sk8s-canvas");
    this.canvas.setAttribute("role", "img");
    const scroll = element("div", "sk8s-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Executors over time");
    scroll.append(this.canvas);
    this.element.append(this.summary, scroll, this.note);
    this.element.addEventListener("toggle", () => this.show(this.timeline));
    this.timeline = null;
  }

  show(timeline) {
    this.timeline = timeline;
    this.element.hidden = !timeline;
    if (!timeline || !this.element.open) return;
    const most = timeline.columns.reduce((top, column) => Math.max(top, ...column), 100);
    const tasks = plural(Math.ceil(most / 100), "task");
    setText(this.note, `One bar is ${timeline.width} s; a full one is ${tasks} at once.`);
    const busy = timeline.executors.map((executor, row) => {
      const sum = timeline.columns.reduce((total, column) => total + (column[row] ?? 0), 0);
      return `executor ${executor}: ${(sum / 100 / Math.max(1, timeline.columns.length)).toFixed(1)}`;
    });
    this.canvas.setAttribute("aria-label", `Mean number of tasks at work, ${busy.join(", ")}`);
    this.draw(timeline, most);
  }

  draw({ executors, columns }, most) {
    const pen = this.canvas.getContext?.("2d");
    if (!pen) return;
    const scale = globalThis.devicePixelRatio || 1;
    const width = Math.max(240, this.canvas.parentElement.clientWidth - 8);
    const height = ROW * executors.length;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    pen.scale(scale, scale);
    const look = getComputedStyle(this.canvas);
    const step = (width - LABEL) / Math.max(60, columns.length);
    pen.font = `10px ${look.fontFamily}`;
    pen.textBaseline = "middle";
    executors.forEach((executor, row) => {
      const foot = (row + 1) * ROW - 1;
      pen.fillStyle = look.color;
      pen.fillText(executor, 0, foot - ROW / 2, LABEL - 6);
      pen.fillStyle = look.borderColor;
      pen.fillRect(LABEL, foot, width - LABEL, 1);
      pen.fillStyle = look.accentColor;
      columns.forEach((column, bin) => {
        const tall = ((column[row] ?? 0) / most) * (ROW - 2);
        if (tall) pen.fillRect(LABEL + bin * step, foot - tall, Math.max(1, step - 0.5), tall);
      });
    });
  }
}

class ProgressView {
  constructor(el) {
    this.jobs = new Map();
    this.frame = null;
    this.received = 0;
    this.root = element("section", "sk8s");
    this.root.setAttribute("aria-label", "Spark jobs of this cell");
    this.head = element("div", "sk8s-head");
    this.progress = progressBar("Tasks done");
    this.line = element("span", "sk8s-line");
    this.head.append(this.progress.bar, this.line);
    this.missing = element("div", "sk8s-words");
    this.list = element("div", "sk8s-scroll");
    this.list.setAttribute("role", "list");
    this.more = element("div", "sk8s-note");
    this.timeline = new TimelineView();
    this.streams = new StreamList();
    this.note = element("div", "sk8s-note");
    this.root.append(this.head, this.missing, this.list, this.more, this.timeline.element, this.streams.element, this.note);
    el.append(this.root);
  }

  say(text) {
    setText(this.note, text);
  }

  get now() {
    return this.frame.at + (performance.now() - this.received) / 1000;
  }

  show(frame) {
    const progress = frame.progress;
    if (!progress) return;
    this.frame = frame;
    this.received = performance.now();
    this.progress.set(progress.fraction);
    this.root.dataset.state = progress.state;
    setText(this.missing, progress.missing ? `⚠ ${progress.missing}` : "");
    const running = (job) => job.state === "RUNNING";
    const order = [...progress.jobs].sort((a, b) => running(b) - running(a) || b.id - a.id);
    arrange(
      this.list,
      order.map((job) => this.job(job)),
    );
    const ids = new Set(order.map((job) => job.id));
    for (const id of this.jobs.keys()) if (!ids.has(id)) this.jobs.delete(id);
    setText(this.more, progress.hidden_jobs ? `and ${plural(progress.hidden_jobs, "more job")}` : "");
    this.timeline.show(progress.timeline);
    this.head.hidden = !progress.totals.jobs && Boolean(frame.streams?.rows.length);
    this.streams.show(frame.streams, this.now);
    this.tick();
  }

  job(job) {
    let row = this.jobs.get(job.id);
    if (row === undefined) {
      const made = element("details", "sk8s-job");
      made.setAttribute("role", "listitem");
      row = { element: made, summary: element("summary"), stages: element("div", "sk8s-stages"), rows: new Map() };
      row.more = element("div", "sk8s-note");
      row.opened = false;
      made.append(row.summary, row.stages, row.more);
      made.addEventListener("toggle", () => {
        if (made.open !== row.opened) row.chosen = true;
        this.stages(row);
      });
      this.jobs.set(job.id, row);
    }
    if (row.job !== job) {
      row.job = job;
      this.fill(row, job);
    }
    const lasts = job.state === "RUNNING" && this.now - job.submitted > OPENS_AFTER;
    if (!row.chosen && lasts !== row.opened) row.element.open = row.opened = lasts;
    this.stages(row);
    return row.element;
  }

  fill(row, job) {
    row.element.dataset.state = job.state;
    const done = job.done ?? 0;
    const tasks = Math.max(job.tasks - (job.skipped ?? 0), done);
    const why = job.failure ? `  ${job.failure}` : "";
    setText(
      row.summary,
      `${SIGNS[job.state] ?? "?"} job ${job.id}: ${counts(done, tasks, job.running, job.failed)} tasks  ${job.description}${why}`,
    );
  }

  // Stages are drawn only where a job is open.
  stages(row) {
    const open = Boolean(row.element.open);
    const shown = (open ? row.job.stages : []).map((stage) => {
      if (!row.rows.has(stage.id)) row.rows.set(stage.id, new StageRow(stage.id));
      const made = row.rows.get(stage.id);
      made.show(stage, this.now);
      return made.element;
    });
    if (!open) row.rows.clear();
    arrange(row.stages, shown);
    setText(row.more, open && row.job.hidden_stages ? `and ${plural(row.job.hidden_stages, "more stage")}` : "");
  }

  // Seconds go on between frames, by the kernel's clock: the browser's may differ.
  tick() {
    if (this.frame === null) return;
    const { progress } = this.frame;
    const { totals } = progress;
    this.streams.tick(this.now);
    const parts = [`${counts(totals.done, totals.tasks, totals.running, totals.failed)} tasks`];
    let time = progress.started ? duration((progress.ended || this.now) - progress.started) : "";
    if (progress.eta !== null) time += `, ${duration(progress.eta - (this.now - this.frame.at) + 0.5)} left`;
    if (time) parts.push(time);
    if (progress.rate) parts.push(pace(progress.rate));
    parts.push(plural(totals.jobs, "job"), `${totals.stages_done}/${plural(totals.stages, "stage")}`);
    if (totals.shuffled) parts.push(`${memory(totals.shuffled)} shuffled`);
    if (totals.spilled) parts.push(`⚠ ${memory(totals.spilled)} spilled`);
    setText(this.line, parts.join(" · "));
  }
}

export default {
  // The kernel learns from this that a browser can draw widgets.
  initialize({ model }) {
    model.send({ ask: "keyframe" });
  },
  render({ model, el }) {
    const view = new ProgressView(el);
    return follow(
      model,
      (text) => view.say(text),
      (frame) => view.show(frame),
      () => view.tick(),
    );
  },
};
