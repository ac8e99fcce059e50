// The jobs of a cell with their stages: counts, pace, bytes, and in words what slows or breaks them.
import { arrange, duration, element, memory, pace, plural, progressBar, setText } from "./shared.js";

const JOB_SIGNS = { RUNNING: "▶", SUCCEEDED: "✓", FAILED: "✕", UNKNOWN: "?" };

// A job that has run for so many seconds shows its stages by itself.
const OPENS_AFTER = 2;

// From this share of the run time on, garbage collection is worth a word.
const GC_PERCENT = 10;

// What Spark calls the place in the code of everything that Python calls through py4j: it says nothing.
const NO_PLACE = / at NativeMethodAccessorImpl\.java:0$/;

export function counts(done, tasks, running, failed) {
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

function left(stage, rate) {
  const tasks = stage.tasks - (stage.done ?? 0);
  return stage.state === "ACTIVE" && rate && tasks > 0 ? `${duration(tasks / rate)} left` : "";
}

class StageRow {
  constructor(number) {
    this.element = element("div", "sk8s-stage");
    this.progress = progressBar(`Tasks of stage ${number}`);
    this.line = element("span", "sk8s-line");
    this.place = element("span", "sk8s-place");
    this.words = element("div", "sk8s-words");
    const head = element("div", "sk8s-stagehead");
    const text = element("span");
    text.append(this.line, this.place);
    head.append(this.progress.bar, text);
    this.element.append(head, this.words);
  }

  show(stage, now) {
    const done = stage.done ?? 0;
    this.element.dataset.state = stage.state;
    this.progress.set(stage.skipped ? 1 : done / Math.max(1, stage.tasks));
    const parts = [stage.skipped ? "skipped" : `${counts(done, stage.tasks, stage.running, stage.failed)} tasks`];
    const seconds = stage.submitted ? (stage.completed || now) - stage.submitted : 0;
    const rate = done && seconds > 0 ? done / seconds : 0;
    if (rate) parts.push(pace(rate));
    if (left(stage, rate)) parts.push(left(stage, rate));
    if (stage.median) parts.push(`median ${stage.median} s, longest ${stage.longest} s`);
    const bytes = stageBytes(stage);
    if (bytes) parts.push(bytes);
    setText(this.line, `${stageSign(stage)} stage ${stage.id}: ${parts.join(" · ")}`);
    setText(this.place, stage.name.replace(NO_PLACE, ""));
    setText(this.words, stageWords(stage).join(" · "));
    const slowest = (stage.slowest ?? []).map(([partition, took, executor]) => `partition ${partition}: ${took} s on executor ${executor}`);
    this.words.title = slowest.length ? `slowest tasks: ${slowest.join("; ")}` : "";
  }
}

class JobRow {
  constructor(list) {
    this.list = list;
    this.job = null;
    this.rows = new Map();
    this.opened = false;
    this.chosen = false;
    this.element = element("details", "sk8s-job");
    this.element.setAttribute("role", "listitem");
    this.summary = element("summary");
    this.stages = element("div", "sk8s-stages");
    this.more = element("div", "sk8s-note");
    this.element.append(this.summary, this.stages, this.more);
    this.element.addEventListener("toggle", () => {
      if (this.element.open !== this.opened) this.chosen = true;
      this.drawStages(this.list.now);
    });
  }

  show(job, now) {
    if (this.job !== job) {
      this.job = job;
      this.fill(job);
    }
    const lasts = job.state === "RUNNING" && now - job.submitted > OPENS_AFTER;
    if (!this.chosen && lasts !== this.opened) this.element.open = this.opened = lasts;
    this.drawStages(now);
  }

  fill(job) {
    this.element.dataset.state = job.state;
    const done = job.done ?? 0;
    const tasks = Math.max(job.tasks - (job.skipped ?? 0), done);
    const query = job.sql ? `SQL query ${job.sql}: ` : "";
    const what = `${query}${job.description.replace(NO_PLACE, "")}`;
    const words = [`${counts(done, tasks, job.running, job.failed)} tasks`, what, job.failure].filter(Boolean);
    setText(this.summary, `${JOB_SIGNS[job.state] ?? "?"} job ${job.id}: ${words.join(" · ")}`);
  }

  // Stages are drawn only where a job is open.
  drawStages(now) {
    const open = Boolean(this.element.open);
    const shown = (open ? this.job.stages : []).map((stage) => {
      if (!this.rows.has(stage.id)) this.rows.set(stage.id, new StageRow(stage.id));
      const made = this.rows.get(stage.id);
      made.show(stage, now);
      return made.element;
    });
    if (!open) this.rows.clear();
    arrange(this.stages, shown);
    setText(this.more, open && this.job.hidden_stages ? `and ${plural(this.job.hidden_stages, "more stage")}` : "");
  }
}

// All jobs, those that run first, then the newest.
export class JobList {
  constructor() {
    this.rows = new Map();
    this.now = 0;
    this.element = element("div", "sk8s-scroll");
    this.element.setAttribute("role", "list");
    this.element.setAttribute("aria-label", "Spark jobs");
    this.element.tabIndex = 0;
    this.more = element("div", "sk8s-note");
  }

  show({ jobs, hidden_jobs: hidden }, now) {
    this.now = now;
    const running = (job) => job.state === "RUNNING";
    const order = [...jobs].sort((a, b) => running(b) - running(a) || b.id - a.id);
    const ids = new Set(order.map((job) => job.id));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    const shown = order.map((job) => {
      if (!this.rows.has(job.id)) this.rows.set(job.id, new JobRow(this));
      const row = this.rows.get(job.id);
      row.show(job, now);
      return row.element;
    });
    arrange(this.element, shown);
    setText(this.more, hidden ? `and ${plural(hidden, "more job")}` : "");
  }
}
