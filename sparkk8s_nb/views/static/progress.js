// The progress of one cell: a bar and the counts; below them its jobs with their stages, and the executors' time.
// When nothing runs any more it folds to one line, which can be opened again.
import { ConfirmedButton, pressed } from "./controls.js";
import { JobList, counts } from "./jobs.js";
import { LiveView, widget } from "./liveview.js";
import { button, duration, element, memory, pace, plural, progressBar, setText } from "./shared.js";
import { StreamList } from "./streamlist.js";
import { TimelineView } from "./timeline.js";

const STATE_SIGNS = { RUNNING: "▶", SUCCEEDED: "✓", FAILED: "✕", UNKNOWN: "·" };

// The worst that its stages have to say, for those who see one line only.
function headline(jobs) {
  for (const job of [...jobs].reverse()) {
    if (job.state === "FAILED" && job.failure) return `✕ ${job.failure}`;
    for (const stage of job.stages) if (stage.skew) return `⚠ stage ${stage.id}: ${stage.skew}`;
  }
  return "";
}

export class ProgressView extends LiveView {
  constructor(el, actions) {
    super(el, "Spark jobs of this cell");
    this.chosen = null;
    this.fold = button("", "", () => this.choose());
    this.fold.className = "sk8s-fold";
    this.progress = progressBar("Tasks done");
    this.line = element("span", "sk8s-line");
    this.cancel = new ConfirmedButton({
      text: "Cancel",
      label: "Cancel the Spark jobs of this cell",
      question: "Cancel the jobs of this cell?",
      yes: "Cancel the jobs",
      no: "Go on",
      run: (first) => {
        const { cell } = this.frame.progress;
        pressed(first, this, (say) => actions.cancel(cell?.id || cell?.execution_count, say));
      },
    });
    this.head = element("div", "sk8s-head");
    this.head.append(this.fold, this.progress.bar, this.line, this.cancel.element);
    this.missing = element("div", "sk8s-words");
    this.worst = element("div", "sk8s-words");
    this.jobs = new JobList();
    this.timeline = new TimelineView();
    this.streams = new StreamList();
    this.body = element("div", "sk8s-body");
    this.body.append(this.missing, this.jobs.element, this.jobs.more, this.timeline.element);
    this.root.append(this.head, this.outcome, this.worst, this.body, this.streams.element, this.note);
  }

  show(frame) {
    const { progress } = frame;
    if (!progress) return;
    this.take(frame);
    this.running = progress.state === "RUNNING";
    this.progress.set(progress.fraction);
    this.root.dataset.state = progress.state;
    this.cancel.element.hidden = !this.running || !progress.cell;
    setText(this.missing, progress.missing ? `⚠ ${progress.missing}` : "");
    const jobs = progress.totals.jobs > 0;
    this.head.hidden = !jobs && Boolean(frame.streams?.rows.length);
    this.fold.hidden = !jobs;
    this.streams.show(frame.streams, this.now);
    this.draw();
  }

  // What is folded is not drawn.
  draw() {
    const { progress } = this.frame;
    const open = this.chosen ?? this.running;
    this.body.hidden = !open || !progress.totals.jobs;
    this.fold.setAttribute("aria-expanded", String(open));
    this.fold.setAttribute("aria-label", open ? "Fold the jobs of this cell" : "Show the jobs of this cell");
    setText(this.fold, open ? "▾" : "▸");
    setText(this.worst, open ? "" : headline(progress.jobs));
    this.progress.bar.hidden = !this.running;
    if (open) {
      this.jobs.show(progress, this.now);
      this.timeline.show(progress.timeline, progress.jobs);
    }
    this.tick();
  }

  choose() {
    this.chosen = !(this.chosen ?? this.running);
    if (this.frame !== null) this.draw();
  }

  // Seconds go on between frames.
  tick() {
    if (this.frame === null) return;
    this.streams.tick(this.now);
    const { progress } = this.frame;
    const sign = STATE_SIGNS[progress.state] ?? "?";
    const over = progress.totals.jobs ? `${sign} ${progress.summary}` : "No Spark jobs so far.";
    setText(this.line, this.running ? this.lineOf(progress) : over);
  }

  lineOf(progress) {
    const { totals } = progress;
    const parts = [`${counts(totals.done, totals.tasks, totals.running, totals.failed)} tasks`];
    let time = progress.started ? duration((progress.ended || this.now) - progress.started) : "";
    if (progress.eta !== null) time += `, ${duration(progress.eta - (this.now - this.frame.at) + 0.5)} left`;
    if (time) parts.push(time);
    if (progress.rate) parts.push(pace(progress.rate));
    parts.push(plural(totals.jobs, "job"), `${totals.stages_done}/${plural(totals.stages, "stage")}`);
    if (totals.shuffled) parts.push(`${memory(totals.shuffled)} shuffled`);
    if (totals.spilled) parts.push(`⚠ ${memory(totals.spilled)} spilled`);
    return parts.join(" · ");
  }
}

export default widget(ProgressView);
