// The progress of one cell: a bar, the counts, and its jobs with their stages.
import { duration, element, follow, plural, setText } from "./shared.js";

const SIGNS = { RUNNING: "▶", SUCCEEDED: "✓", FAILED: "✕", UNKNOWN: "?" };

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

class ProgressView {
  constructor(el) {
    this.jobs = new Map();
    this.frame = null;
    this.received = 0;
    this.root = element("section", "sk8s");
    this.root.setAttribute("aria-label", "Spark jobs of this cell");
    const head = element("div", "sk8s-head");
    this.bar = element("div", "sk8s-bar");
    this.bar.setAttribute("role", "progressbar");
    this.bar.setAttribute("aria-label", "Tasks done");
    this.bar.setAttribute("aria-valuemin", "0");
    this.bar.setAttribute("aria-valuemax", "100");
    this.filled = element("div", "sk8s-filled");
    this.bar.append(this.filled);
    this.line = element("span", "sk8s-line");
    head.append(this.bar, this.line);
    this.list = element("div", "sk8s-scroll");
    this.list.setAttribute("role", "list");
    this.more = element("div", "sk8s-note");
    this.note = element("div", "sk8s-note");
    this.root.append(head, this.list, this.more, this.note);
    el.append(this.root);
  }

  say(text) {
    setText(this.note, text);
  }

  show(frame) {
    const progress = frame.progress;
    if (!progress) return;
    this.frame = frame;
    this.received = performance.now();
    const percent = Math.round(progress.fraction * 100);
    this.bar.setAttribute("aria-valuenow", String(percent));
    this.filled.style.width = `${percent}%`;
    this.root.dataset.state = progress.state;
    const seen = new Set();
    let before = null;
    for (const job of progress.jobs) {
      seen.add(job.id);
      const row = this.job(job.id);
      this.fill(row, job);
      const place = before === null ? this.list.firstChild : before.nextSibling;
      if (row.element !== place) this.list.insertBefore(row.element, place);
      before = row.element;
    }
    for (const [id, row] of this.jobs) {
      if (!seen.has(id)) {
        row.element.remove();
        this.jobs.delete(id);
      }
    }
    setText(this.more, progress.hidden_jobs ? `and ${plural(progress.hidden_jobs, "more job")}` : "");
    this.tick();
  }

  job(id) {
    let row = this.jobs.get(id);
    if (row === undefined) {
      const made = element("details", "sk8s-job");
      made.setAttribute("role", "listitem");
      row = { element: made, summary: element("summary"), stages: element("div", "sk8s-stages") };
      made.append(row.summary, row.stages);
      made.addEventListener("toggle", () => this.stages(row));
      this.jobs.set(id, row);
    }
    return row;
  }

  fill(row, job) {
    row.job = job;
    row.element.dataset.state = job.state;
    const tasks = Math.max(job.tasks - job.skipped, job.done);
    setText(
      row.summary,
      `${SIGNS[job.state] ?? "?"} job ${job.id}: ${counts(job.done, tasks, job.running, job.failed)} tasks  ${job.description}`,
    );
    this.stages(row);
  }

  // Stages are drawn only where somebody has opened the job.
  stages(row) {
    if (!row.element.open) {
      row.stages.replaceChildren();
      return;
    }
    const lines = row.job.stages.map((stage) => {
      const text = stage.skipped
        ? "skipped"
        : `${counts(stage.done, stage.tasks, stage.running, stage.failed)} tasks`;
      return element("div", "sk8s-stage", `${stageSign(stage)} stage ${stage.id}: ${text}  ${stage.name}`);
    });
    if (row.job.hidden_stages) lines.push(element("div", "sk8s-note", `and ${plural(row.job.hidden_stages, "more stage")}`));
    row.stages.replaceChildren(...lines);
  }

  tick() {
    if (this.frame === null) return;
    const { progress } = this.frame;
    const { totals } = progress;
    const running = progress.state === "RUNNING";
    const passed = running ? (performance.now() - this.received) / 1000 : 0;
    const parts = [
      `${counts(totals.done, totals.tasks, totals.running, totals.failed)} tasks`,
      plural(totals.jobs, "job"),
      `${totals.stages_done}/${plural(totals.stages, "stage")}`,
      duration(progress.seconds + passed),
    ];
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
