// The progress of one cell: a bar and the counts; below them its jobs with their stages, and the executors' time.
// When nothing runs any more it folds to one line, which can be opened again.
import { ConfirmedButton, free, pressed } from "./controls.js";
import { JobList } from "./jobs.js";
import { LiveView, widget } from "./liveview.js";
import { arrange, button, duration, element, grouped, memory, pace, progressBar, setLines, setText, stateSign } from "./shared.js";
import { stragglingWords } from "./stagewords.js";
import { StreamList } from "./streamlist.js";
import { TimelineView } from "./timeline.js";

const STATES = { RUNNING: ["▶", "running"], SUCCEEDED: ["✓", "succeeded"], FAILED: ["✕", "failed"] };

// The worst that its stages have to say, for those who see one line only.
function headline(jobs, now) {
  for (const job of [...jobs].reverse()) {
    if (job.state === "FAILED" && job.failure) return [`✕ ${job.failure}`];
    for (const stage of job.stages) {
      const straggling = stragglingWords(stage, now);
      if (straggling) return [`△ stage ${stage.id}: ${straggling}`];
      if (stage.skew) return [`⚠ stage ${stage.id}: ${stage.skew}`];
    }
  }
  return [];
}

export class ProgressView extends LiveView {
  constructor(el, actions) {
    super(el, "Spark jobs of this cell");
    this.chosen = null;
    this.tag = null;
    this.fold = button("", "", () => this.choose());
    this.fold.className = "sk8s-fold sk8s-chevron";
    this.sign = stateSign();
    this.progress = progressBar("Tasks done");
    this.percent = element("b", "sk8s-percent");
    this.line = element("span", "sk8s-line");
    this.left = element("span", "sk8s-left");
    this.cancel = new ConfirmedButton({
      text: "Cancel",
      label: "Cancel the Spark jobs of this cell",
      question: "Cancel the jobs of this cell?",
      yes: "Cancel the jobs",
      no: "Go on",
      about: () => this.frame.progress.cell,
      // What comes of it says nothing of the next cell.
      run: (first, cell) =>
        pressed(first, (answer) => cell?.tag === this.tag && this.tell(answer), (tell) => actions.cancel(cell, tell)),
    });
    this.head = element("div", "sk8s-head");
    this.head.append(this.fold, this.sign.element, this.progress.bar, this.percent);
    this.head.append(this.line, this.left, this.cancel.element);
    this.facts = element("div", "sk8s-facts");
    this.missing = element("div", "sk8s-words");
    this.worst = element("div", "sk8s-words");
    this.jobs = new JobList();
    this.timeline = new TimelineView();
    this.streams = new StreamList();
    this.body = element("div", "sk8s-body");
    this.body.append(this.facts, this.missing, this.jobs.element, this.timeline.element);
    this.root.append(this.head, this.outcome, this.worst, this.body, this.streams.element, this.note);
    this.head.hidden = this.body.hidden = true;
  }

  show(frame) {
    const { progress } = frame;
    if (!progress) return;
    this.take(frame);
    this.running = progress.state === "RUNNING";
    const { totals } = progress;
    const whole = Math.max(1, totals.tasks);
    this.progress.set(progress.fraction, totals.running / whole, totals.failed);
    this.sign.set(...(STATES[progress.state] ?? ["·", "no jobs"]));
    this.root.dataset.state = progress.state;
    const jobs = totals.jobs > 0;
    this.fold.hidden = !jobs;
    this.cancel.offer(this.running && Boolean(progress.cell), (asked, now) => asked?.tag === now?.tag, this.fold);
    this.follow(progress.cell?.tag);
    setLines(this.missing, progress.missing ? [`⚠ ${progress.missing}`] : []);
    this.head.hidden = !jobs && Boolean(frame.streams?.rows.length);
    this.streams.show(frame.streams, this.now);
    this.draw();
  }

  // Another cell: what was said of the one before goes, and it can be cancelled though that one's answer is not there.
  follow(tag) {
    if (tag === this.tag) return;
    this.tag = tag;
    this.tell({ said: "" });
    free(this.cancel.first);
  }

  // What is folded is not drawn.
  draw() {
    const { progress } = this.frame;
    const open = this.chosen ?? this.running;
    this.body.hidden = !open || !progress.totals.jobs;
    this.fold.setAttribute("aria-expanded", String(open));
    this.fold.setAttribute("aria-label", open ? "Fold the jobs of this cell" : "Show the jobs of this cell");
    for (const one of [this.progress.bar, this.percent, this.left]) one.hidden = !this.running;
    this.sign.element.hidden = this.fold.hidden;
    if (open) this.timeline.show(progress.timeline, progress.jobs, this.running);
    this.count();
  }

  choose() {
    this.chosen = !(this.chosen ?? this.running);
    if (this.frame !== null) this.draw();
  }

  // Seconds go on between frames.
  tick() {
    if (this.frame === null) return;
    if (!this.body.hidden) this.timeline.recolour();
    this.streams.tick(this.now);
    this.count();
  }

  count() {
    const { progress } = this.frame;
    const { totals } = progress;
    const over = totals.jobs ? progress.summary : "No Spark jobs so far.";
    setText(this.line, this.running ? `${grouped(totals.done)}/${grouped(totals.tasks)} tasks` : over);
    setText(this.percent, `${Math.floor(100 * progress.fraction)} %`);
    setText(this.left, this.running ? this.timeOf(progress) : "");
    const open = !this.body.hidden;
    if (open) {
      this.tellFacts(progress);
      this.jobs.show(progress, this.now);
    }
    setLines(this.worst, open ? [] : headline(progress.jobs, this.now));
  }

  timeOf({ started, eta }) {
    const left = eta === null ? "" : `${duration(eta - (this.now - this.frame.at) + 0.5)} left`;
    return [started ? duration(this.now - started) : "", left].filter(Boolean).join(", ");
  }

  // The numbers of the whole cell; once it is over its line says them.
  tellFacts({ totals, rate }) {
    this.facts.hidden = !this.running;
    if (!this.running) return;
    const facts = [
      totals.running && [grouped(totals.running), "running"],
      totals.failed && [grouped(totals.failed), "failed"],
      rate && [pace(rate), ""],
      [String(totals.jobs), totals.jobs === 1 ? "job" : "jobs"],
      [`${totals.stages_done}/${totals.stages}`, totals.stages === 1 ? "stage" : "stages"],
      totals.shuffled && [memory(totals.shuffled), "shuffled"],
      totals.spilled && [`⚠ ${memory(totals.spilled)}`, "spilled"],
    ].filter(Boolean);
    arrange(this.facts, facts.map(([value, what]) => this.fact(what, value)));
  }

  fact(what, value) {
    const known = (this.known ??= new Map());
    if (!known.has(what)) {
      const made = element("span", "sk8s-fact");
      made.append(element("b"), element("span", "", what && ` ${what}`));
      known.set(what, made);
    }
    setText(known.get(what).firstChild, value);
    return known.get(what);
  }
}

export default widget(ProgressView);
