// The jobs of a cell with their stages, in columns: how far, how fast, how long; below each what slows or breaks it.
import { arrange, duration, element, grouped, pace, plural, progressBar, seconds, setLines, setText, stateSign } from "./shared.js";
import { placeOf, slowestWords, stageDetails, stageWords } from "./stagewords.js";

const JOB_STATES = { RUNNING: ["▶", "running"], SUCCEEDED: ["✓", "succeeded"], FAILED: ["✕", "failed"] };
const STAGE_STATES = { COMPLETE: ["✓", "complete"], ACTIVE: ["▶", "running"], FAILED: ["✕", "failed"], SKIPPED: ["↷", "skipped"] };

// A job that has run for so many seconds shows its stages by itself.
const OPENS_AFTER = 2;

const COLUMNS = ["tasks", "running", "failed", "rate", "time", "left", "median", "longest"];

function label(node, text) {
  if (node.getAttribute("aria-label") !== text) node.setAttribute("aria-label", text);
}

// In words what the columns say.
function spoken({ tasks, running, failed, rate, time, left, median, longest }) {
  const words = [
    tasks && `${tasks} tasks`,
    running && `${running} running`,
    failed && `${failed} failed`,
    rate,
    time,
    left && `${left} left`,
    median && `median ${median}, longest ${longest}`,
  ];
  return words.filter(Boolean).join(", ");
}

// What a job's and a stage's row have in common: sign, name, place, bar, and the columns.
class Row {
  constructor(label) {
    this.element = element("div", "sk8s-row");
    this.sign = stateSign();
    this.name = element("b");
    this.place = element("div", "sk8s-place");
    this.progress = progressBar(label);
    const what = element("div", "sk8s-what");
    what.append(this.sign.element, this.name);
    this.element.append(what, this.progress.bar);
    this.cells = {};
    for (const column of COLUMNS) {
      this.cells[column] = element("span", `sk8s-at-${column}`);
      this.element.append(this.cells[column]);
    }
    this.element.append(this.place);
  }

  // Returns what it says, in words.
  fill({ done, tasks, running = 0, failed = 0 }, took, values) {
    const rate = done && took > 0 ? done / took : 0;
    const all = {
      tasks: `${grouped(done)}/${grouped(tasks)}`,
      running: running ? grouped(running) : "",
      failed: failed ? grouped(failed) : "",
      rate: rate ? pace(rate) : "",
      time: took > 0 ? duration(took) : "",
      left: running && rate && tasks > done ? duration((tasks - done) / rate) : "",
      median: "",
      longest: "",
      ...values,
    };
    for (const column of COLUMNS) setText(this.cells[column], all[column]);
    const whole = Math.max(1, tasks);
    this.progress.set(done / whole, running / whole, failed);
    return spoken(all);
  }
}

// What runs or failed first, what need not run last: many stages do not fit at once.
function inOrder(stages) {
  const rank = ({ state, skipped }) => (skipped ? 2 : state === "ACTIVE" || state === "FAILED" ? 0 : 1);
  return [...stages].sort((a, b) => rank(a) - rank(b) || a.id - b.id);
}

class StageRow {
  constructor(number) {
    this.element = element("div", "sk8s-stage");
    this.element.setAttribute("role", "group");
    this.row = new Row(`Tasks of stage ${number}`);
    this.words = element("div", "sk8s-words");
    this.element.append(this.row.element, this.words);
    setText(this.row.name, `Stage ${number}`);
  }

  show(stage, now) {
    const { row } = this;
    this.element.dataset.state = stage.state;
    const [sign, word] = STAGE_STATES[stage.skipped ? "SKIPPED" : stage.state] ?? ["·", "waiting"];
    row.sign.set(sign, word);
    setText(row.place, [placeOf(stage.name), stageDetails(stage)].filter(Boolean).join(" · "));
    const took = stage.submitted ? (stage.completed || now) - stage.submitted : 0;
    const { median, longest } = stage;
    const times = median ? { median: seconds(median), longest: seconds(longest) } : {};
    const values = stage.skipped ? { tasks: "skipped" } : times;
    const said = row.fill({ ...stage, done: stage.done ?? 0 }, took, values);
    label(this.element, `stage ${stage.id}, ${word}${stage.skipped ? "" : `: ${said}`}`);
    setLines(this.words, stageWords(stage, now));
    const slowest = slowestWords(stage);
    if (this.words.title !== slowest) this.words.title = slowest;
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
    this.row = new Row("Tasks of a job");
    this.statement = element("div", "sk8s-statement");
    this.failure = element("div", "sk8s-words");
    this.summary.append(this.row.element, this.statement, this.failure);
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
    const done = job.done ?? 0;
    const tasks = Math.max(job.tasks - (job.skipped ?? 0), done);
    const said = this.row.fill({ ...job, done, tasks }, (job.ended || now) - job.submitted, {});
    label(this.summary, [`job ${job.id}, ${this.row.sign.word}: ${said}`, this.row.place.textContent].filter(Boolean).join("; "));
    const lasts = job.state === "RUNNING" && now - job.submitted > OPENS_AFTER;
    if (!this.chosen && lasts !== this.opened) this.element.open = this.opened = lasts;
    this.drawStages(now);
  }

  fill(job) {
    this.element.dataset.state = job.state;
    this.row.sign.set(...(JOB_STATES[job.state] ?? ["?", "unknown"]));
    setText(this.row.name, `Job ${job.id}`);
    const query = job.sql ? `SQL query ${job.sql}` : "";
    setText(this.row.place, [query, placeOf(job.description)].filter(Boolean).join(": "));
    // One line of it while the job is folded, all of it below.
    setText(this.statement, this.list.statements.get(job.sql) ?? "");
    this.statement.hidden = !this.statement.textContent;
    setLines(this.failure, job.failure ? [`✕ ${job.failure}`] : []);
  }

  // Stages are drawn only where a job is open.
  drawStages(now) {
    const open = Boolean(this.element.open);
    const shown = (open ? inOrder(this.job.stages) : []).map((stage) => {
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
    this.statements = new Map();
    this.element = element("div", "sk8s-jobs");
    const titles = element("div", "sk8s-row sk8s-titles");
    titles.setAttribute("aria-hidden", "true");
    titles.append(element("span"), element("span"));
    for (const column of COLUMNS) titles.append(element("span", `sk8s-at-${column}`, column));
    this.list = element("div");
    this.list.setAttribute("role", "list");
    this.list.setAttribute("aria-label", "Spark jobs");
    const scroll = element("div", "sk8s-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Jobs and stages");
    scroll.append(titles, this.list);
    this.more = element("div", "sk8s-note");
    this.element.append(scroll, this.more);
  }

  show({ jobs, hidden_jobs: hidden, queries = [] }, now) {
    this.now = now;
    this.statements = new Map(queries.map(({ id, text }) => [id, text]));
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
    arrange(this.list, shown);
    // What no job has takes no column.
    this.element.classList.toggle("sk8s-nofailed", !jobs.some((job) => job.failed));
    setText(this.more, hidden ? `and ${plural(hidden, "more job")}` : "");
  }
}
