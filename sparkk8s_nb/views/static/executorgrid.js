// A large fleet as a grid: one small sign for each executor, in the order of their numbers, on a canvas.
import { Colours, Width, penOn } from "./canvas.js";
import { element, grouped, plural, setText } from "./shared.js";

const PITCH = 14;
const SIDE = 11;

// The letters of the wire (sparkk8s_nb/model/wire_fleet.py) with a sign and a word.
const STATES = {
  R: ["■", "working"],
  r: ["□", "idle"],
  s: ["◧", "starting"],
  p: ["·", "pending"],
  t: ["▫", "stopping"],
  d: ["✓", "given back"],
  f: ["✕", "failed"],
};

// The letter of a row, as the kernel makes it for fleets of which not every row is sent.
function letter({ phase, running }) {
  if (phase === "running") return running ? "R" : "r";
  return { starting: "s", pending: "p", stopping: "t", done: "d", failed: "f" }[phase] ?? "";
}

// Every executor's id and letter, in the order of their numbers.
function cells({ grid, executors }) {
  if (!grid?.length) {
    const rows = executors.map((executor) => [executor.id, letter(executor)]);
    return rows.sort(([one], [other]) => Number(one) - Number(other));
  }
  return grid.flatMap(({ id, cells: letters }) =>
    [...letters].map((one, at) => [String(id + at), one]).filter(([, one]) => one !== "."),
  );
}

function drawState(pen, state, x, y, { busy, warn, bad, text }) {
  const middle = SIDE / 2;
  pen.clearRect(x - 1, y - 1, PITCH, PITCH);
  pen.lineWidth = 1.5;
  if (state === "R") {
    pen.fillStyle = busy;
    pen.fillRect(x, y, SIDE, SIDE);
  } else if (state === "r" || state === "t") {
    pen.strokeStyle = state === "r" ? busy : text;
    const inset = state === "r" ? 1 : 3;
    pen.strokeRect(x + inset, y + inset, SIDE - 2 * inset, SIDE - 2 * inset);
  } else if (state === "s") {
    pen.strokeStyle = pen.fillStyle = warn;
    pen.strokeRect(x + 1, y + 1, SIDE - 2, SIDE - 2);
    pen.fillRect(x + 1, y + 1, middle - 1, SIDE - 2);
  } else if (state === "p") {
    pen.fillStyle = warn;
    pen.fillRect(x + middle - 2, y + middle - 2, 4, 4);
  } else {
    pen.strokeStyle = state === "f" ? bad : text;
    pen.beginPath();
    if (state === "f") {
      pen.moveTo(x + 1, y + 1);
      pen.lineTo(x + SIDE - 1, y + SIDE - 1);
      pen.moveTo(x + SIDE - 1, y + 1);
      pen.lineTo(x + 1, y + SIDE - 1);
    } else {
      pen.moveTo(x + 1, y + middle);
      pen.lineTo(x + middle - 1, y + SIDE - 2);
      pen.lineTo(x + SIDE - 1, y + 2);
    }
    pen.stroke();
  }
}

// Where the cursor is.
function drawMark(pen, x, y, { text }) {
  pen.strokeStyle = text;
  pen.lineWidth = 1;
  pen.strokeRect(x - 0.5, y - 0.5, SIDE + 1, SIDE + 1);
}

export class ExecutorGrid {
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.source = null;
    this.cells = [];
    this.drawn = [];
    this.shape = "";
    this.cursor = -1;
    this.element = element("div", "sk8s-grid");
    this.canvas = element("canvas", "sk8s-canvas");
    // Its arrow keys are for the page: a screen reader would keep them to itself from an image.
    this.canvas.setAttribute("role", "application");
    this.canvas.tabIndex = 0;
    this.legend = element("div", "sk8s-legend");
    this.caption = element("div", "sk8s-note");
    this.caption.setAttribute("role", "status");
    this.element.append(this.canvas, this.legend, this.caption);
    this.colours = new Colours(this.canvas);
    this.room = new Width(this.element, () => this.draw());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    // Who walks it with the arrow keys hears where they are; a mouse that passes over it would have much read out.
    this.canvas.addEventListener("mousemove", (event) => this.move(this.at(event), "off"));
    this.canvas.addEventListener("click", (event) => {
      const index = this.at(event);
      if (!this.cells[index]) return;
      this.move(index, "off");
      this.open();
    });
  }

  show(fleet) {
    const source = fleet.grid?.length ? fleet.grid : fleet.executors;
    if (source === this.source) return;
    this.source = source;
    const at = this.cells[this.cursor]?.[0];
    this.cells = cells(fleet);
    // The cursor stays with its executor.
    this.cursor = at === undefined ? -1 : this.cells.findIndex(([id]) => id === at);
    this.tellCursor("off");
    const counts = new Map();
    for (const [, state] of this.cells) counts.set(state, (counts.get(state) ?? 0) + 1);
    const parts = Object.entries(STATES).filter(([state]) => counts.has(state));
    this.tell(parts.map(([state, [sign, word]]) => [state, `${sign} ${grouped(counts.get(state))} ${word}`]));
    const words = parts.map(([state, [, word]]) => `${counts.get(state)} ${word}`).join(", ");
    this.canvas.setAttribute("aria-label", `${plural(this.cells.length, "executor")}: ${words}. Arrow keys go from one to the next, Enter opens it.`);
    this.draw();
  }

  // The legend: each sign in its colour, how many, and what it means.
  tell(entries) {
    while (this.legend.children.length > entries.length) this.legend.children[entries.length].remove();
    entries.forEach(([state, text], at) => {
      if (at >= this.legend.children.length) this.legend.append(element("span"));
      const entry = this.legend.children[at];
      entry.dataset.state = state;
      setText(entry, text);
    });
  }

  // Draws what differs from what is there.
  draw() {
    const width = Math.max(20 * PITCH, this.room.value - 4);
    this.across = Math.floor(width / PITCH);
    const height = PITCH * Math.max(1, Math.ceil(this.cells.length / this.across));
    const look = this.colours.value;
    const shape = [this.across, height, ...Object.values(look)].join();
    if (shape !== this.shape) {
      this.shape = shape;
      this.drawn = [];
      this.pen = penOn(this.canvas, this.across * PITCH, height);
    }
    if (!this.pen) return;
    this.cells.forEach(([, state], index) => {
      const marked = index === this.cursor;
      const drawing = marked ? `${state} marked` : state;
      if (this.drawn[index] === drawing) return;
      this.drawn[index] = drawing;
      const [x, y] = this.place(index);
      drawState(this.pen, state, x, y, look);
      if (marked) drawMark(this.pen, x, y, look);
    });
    for (let index = this.cells.length; index < this.drawn.length; index += 1) {
      const [x, y] = this.place(index);
      this.pen.clearRect(x - 1, y - 1, PITCH, PITCH);
    }
    this.drawn.length = this.cells.length;
  }

  // The page's theme may have changed.
  recolour() {
    if (this.colours.changed()) this.draw();
  }

  place(index) {
    return [(index % this.across) * PITCH + 1, Math.floor(index / this.across) * PITCH + 1];
  }

  at({ offsetX, offsetY }) {
    return Math.floor(offsetY / PITCH) * this.across + Math.min(this.across - 1, Math.floor(offsetX / PITCH));
  }

  move(index, live = "polite") {
    if (!this.cells[index] || index === this.cursor) return;
    this.cursor = index;
    this.tellCursor(live);
    this.draw();
  }

  // Names the executor that the cursor is at; aloud (`live`) where a key has moved it, not at each of its tasks.
  tellCursor(live) {
    this.caption.setAttribute("aria-live", live);
    const [id, state] = this.cells[this.cursor] ?? [];
    setText(this.caption, id === undefined ? "" : `executor ${id}: ${STATES[state]?.[1] ?? "unknown"}`);
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.across, ArrowUp: -this.across }[event.key];
    if (step) this.move(Math.min(this.cells.length - 1, Math.max(0, this.cursor + (this.cursor < 0 ? 1 : step))));
    else if (event.key === "Enter" || event.key === " ") this.open();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  open() {
    if (this.cells[this.cursor]) this.onOpen(this.cells[this.cursor][0], this.cells[this.cursor][1]);
  }
}
