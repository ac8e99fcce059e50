// The fleet of a session: executors as rows, or as a grid where there are many; scale and stop.
import { ConfirmedButton, ScaleControl, pressed } from "./controls.js";
import { ExecutorDetail } from "./executordetail.js";
import { ExecutorGrid } from "./executorgrid.js";
import { ExecutorTable } from "./executortable.js";
import { LiveView, widget } from "./liveview.js";
import { button, duration, element, plural, setText } from "./shared.js";

// States in which a session's executors are no longer what they were, and where nothing can be asked of it.
const ENDING = ["stopping", "stopped", "failed", "lost"];
const OVER = ["stopping", "stopped", "failed"];

// With more executors than these the grid comes first.
const MANY = 40;

const GRID_PHASES = { R: "running", r: "running", s: "starting", p: "pending", t: "stopping", d: "done", f: "failed" };

export class FleetView extends LiveView {
  constructor(el, actions) {
    super(el, "Spark executors");
    this.summary = element("span", "sk8s-summary");
    this.summary.setAttribute("role", "status");
    this.summary.setAttribute("aria-live", "polite");
    this.scale = new ScaleControl(this, actions);
    this.stop = new ConfirmedButton({
      text: "Stop",
      label: "Stop the Spark session",
      question: "Stop Spark and give all executors back?",
      yes: "Stop",
      no: "Keep",
      kind: "sk8s-stop",
      run: (first) => pressed(first, (answer) => this.tell(answer), (tell) => actions.stop(tell)),
    });
    this.controls = element("span", "sk8s-controls");
    this.controls.append(this.scale.element, this.stop.element);
    this.ending = element("span", "sk8s-badge");
    this.head = element("div", "sk8s-head");
    // Apart from the summary, which is read out whenever it changes.
    this.tasks = element("span", "sk8s-muted");
    this.head.append(this.ending, this.summary, this.tasks, this.controls);
    this.start = element("div", "sk8s-note");
    this.verdict = element("div", "sk8s-verdict");
    this.detail = new ExecutorDetail(actions);
    this.table = new ExecutorTable(this.detail);
    this.grid = new ExecutorGrid((id, state) => this.openCell(id, state));
    this.chosen = null;
    this.asRows = button("Rows", "Executors as rows", () => this.choose("rows"));
    this.asGrid = button("Grid", "Executors as a grid", () => this.choose("grid"));
    this.modes = element("div", "sk8s-modes");
    this.modes.setAttribute("role", "group");
    this.modes.setAttribute("aria-label", "How executors are shown");
    this.modes.append(this.asRows, this.asGrid);
    this.beside = element("div");
    this.more = element("div", "sk8s-note");
    this.root.append(this.head, this.start, this.verdict, this.outcome, this.modes);
    this.root.append(this.grid.element, this.beside, this.table.element, this.more, this.note);
    for (const part of [this.head, this.grid.element, this.modes, this.table.element]) part.hidden = true;
  }

  show(frame) {
    const { fleet } = frame;
    if (!fleet) return;
    const { running } = fleet.tasks;
    setText(this.summary, fleet.summary);
    setText(this.tasks, running ? `${plural(running, "task")} running` : "");
    setText(this.verdict, fleet.verdict ? `⚠ ${fleet.verdict}` : "");
    const state = frame.session?.state ?? "";
    const ending = ENDING.includes(state);
    this.head.hidden = false;
    this.ending.hidden = !ending;
    setText(this.ending, ending ? state : "");
    this.root.classList.toggle("sk8s-stale", Boolean(fleet.stale) || ending);
    this.take(frame);
    this.scale.show(fleet);
    this.controls.hidden = OVER.includes(state);
    this.draw();
  }

  draw() {
    const { fleet } = this.frame;
    const hidden = Object.entries(fleet.hidden);
    const count = fleet.executors.length + hidden.reduce((sum, [, some]) => sum + some, 0);
    const grid = (this.chosen ?? (count > MANY ? "grid" : "rows")) === "grid";
    this.modes.hidden = count <= MANY && this.chosen === null;
    this.grid.element.hidden = !grid;
    this.asGrid.setAttribute("aria-pressed", String(grid));
    this.asRows.setAttribute("aria-pressed", String(!grid));
    if (grid) this.grid.show(fleet);
    const { id } = this.detail;
    const rows = grid ? fleet.executors.filter((one) => one.phase !== "running" || one.id === id) : fleet.executors;
    this.table.element.hidden = !rows.length;
    this.table.show(rows, this.now);
    const open = fleet.executors.find((one) => one.id === id);
    if (open) this.detail.show(open);
    // Of a large fleet not every row is sent: one that is left out takes what is open below it along.
    else if (grid && id !== null) this.detail.placeIn(this.beside);
    const left = hidden.map(([phase, some]) => `${some} ${phase}`);
    setText(this.more, !grid && left.length ? `and ${left.join(", ")}` : "");
    this.tellStart();
  }

  choose(mode) {
    this.chosen = mode;
    if (this.frame !== null) this.draw();
  }

  // An executor of the grid: among the rows if its row was sent, else beside the grid with what is known. A second
  // time it is closed.
  openCell(id, state) {
    if (this.detail.id === id) {
      this.detail.close();
      this.draw();
      return;
    }
    const row = this.frame.fleet.executors.find((one) => one.id === id);
    this.detail.open(row ?? { id, phase: GRID_PHASES[state] ?? "running", reason: "" });
    if (!row) this.detail.placeIn(this.beside);
    this.draw();
  }

  tellStart() {
    const { start } = this.frame.fleet;
    setText(this.start, start ? `${start.what}, ${duration(this.now - start.since)}` : "");
  }

  // Ages go on between frames.
  tick() {
    if (this.frame === null) return;
    if (!this.grid.element.hidden) this.grid.recolour();
    this.tellStart();
    this.table.tick(this.now);
  }
}

export default widget(FleetView);
