// Draws when each executor worked on a canvas, a row each, column by column: what is there already stays.
import { Colours, penOn } from "./canvas.js";

// Up to so many executors have tall rows, in which the height of a bar counts; with more its strength does.
const FEW = 16;
const ROW = 22;
const LOW_ROW = 8;
const LABEL = 46;
const AXIS = 18;
const LEAST_COLUMNS = 24;

// A row has room for its label only every so many low rows.
const LABEL_EVERY = 2;

// Seconds between two marks of the axis, the first that leaves them so many pixels apart.
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400];
const APART = 64;

function timeOf(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return seconds % 60 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : `${seconds / 60} min`;
  return `${+(seconds / 3600).toFixed(1)} h`;
}

// Room for columns that are still to come, so that all of it rarely has to be drawn again.
function across(columns, running) {
  let most = LEAST_COLUMNS;
  if (!running) return Math.max(most, columns);
  while (most < columns) most = Math.ceil(1.4 * most);
  return most;
}

export class TimelineCanvas {
  constructor(canvas, axis) {
    this.canvas = canvas;
    this.axis = axis;
    this.colours = new Colours(canvas);
    this.shape = "";
    this.drawn = 0;
    this.pen = null;
  }

  // Whether the height of a bar says how much, not its strength.
  static countsHeight({ executors }) {
    return executors.length <= FEW;
  }

  // `marks` are { full, slow, open }: what a full bar is in each row, in percent of a task; executors that had slow
  // tasks; those that run one, and since when.
  paint(timeline, marks, room, running) {
    const { executors, columns, start, width: seconds } = timeline;
    const tall = TimelineCanvas.countsHeight(timeline);
    const look = this.colours.value;
    const width = Math.max(200, room - 8);
    const count = across(columns.length, running);
    const view = { tall, look, width, row: tall ? ROW : LOW_ROW, step: (width - LABEL - 1) / count };
    const told = [executors.length, start, seconds, width, count, marks.full, marks.key, ...Object.values(look)];
    const shape = told.join();
    if (shape !== this.shape || columns.length < this.drawn) {
      this.shape = shape;
      this.drawn = 0;
      this.pen = penOn(this.canvas, width, view.row * executors.length);
      if (this.pen) this.paintLabels(timeline, marks, view);
      this.paintAxis(seconds * count, view);
    }
    if (!this.pen) return;
    if (tall) this.paintGround(timeline, view);
    for (let bin = this.drawn; bin < columns.length; bin += 1) this.paintColumn(columns[bin], bin, marks.full, view);
    this.paintOpen(timeline, marks.open, view);
    this.paintFailures(timeline, view);
    this.drawn = columns.length;
  }

  paintLabels({ executors }, { slow, open }, { tall, look, row }) {
    const { pen } = this;
    pen.font = `${tall ? 12 : 9}px ${look.font}`;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    executors.forEach((executor, at) => {
      const sign = open.has(executor) ? "△ " : slow.has(executor) ? "▲ " : "";
      pen.fillStyle = sign ? look.warn : look.text;
      if (tall || sign || at % LABEL_EVERY === 0) pen.fillText(`${sign}${executor}`, LABEL - 8, (at + 0.5) * row, LABEL - 8);
    });
  }

  // What a full bar would fill, as far as time has come.
  paintGround({ executors, columns }, { look, row, step }) {
    const { pen } = this;
    pen.fillStyle = look.line;
    pen.globalAlpha = 0.5;
    const wide = (columns.length - this.drawn) * step;
    if (wide > 0) executors.forEach((_, at) => pen.fillRect(LABEL + this.drawn * step, at * row + 2, wide, row - 4));
    pen.globalAlpha = 1;
  }

  // Times since the first bar, at a round number of seconds.
  paintAxis(whole, { look, width }) {
    const pen = penOn(this.axis, width, AXIS);
    if (!pen) return;
    const pixels = (width - LABEL) / whole;
    const every = STEPS.find((step) => step * pixels >= APART) ?? STEPS[STEPS.length - 1];
    pen.font = `10px ${look.font}`;
    pen.textBaseline = "top";
    pen.fillStyle = look.text;
    pen.fillRect(LABEL, 0, width - LABEL, 1);
    for (let time = 0; time <= whole; time += every) {
      const x = LABEL + time * pixels;
      pen.fillRect(x, 0, 1, 4);
      pen.textAlign = time === 0 ? "left" : x > width - 24 ? "right" : "center";
      pen.fillText(timeOf(time), x, 6);
    }
  }

  paintColumn(column, bin, full, { tall, look, row, step }) {
    const { pen } = this;
    const wide = Math.max(1, step - (step >= 4 ? 1 : 0.25));
    const x = LABEL + bin * step;
    pen.fillStyle = look.busy;
    for (let at = 0; at < column.length; at += 1) {
      if (!column[at]) continue;
      const share = Math.min(1, column[at] / full[at]);
      const height = Math.max(1, share * (row - 4));
      if (tall) pen.fillRect(x, (at + 1) * row - 2 - height, wide, height);
      else {
        pen.globalAlpha = 0.15 + 0.85 * share;
        pen.fillRect(x, at * row, wide, row - 1);
      }
    }
    pen.globalAlpha = 1;
  }

  // Above the bars, broken: a task that still runs and has for far longer than the median.
  paintOpen({ executors, columns, start, width }, open, { tall, look, row, step }) {
    this.pen.fillStyle = look.warn;
    executors.forEach((executor, at) => {
      if (!open.has(executor)) return;
      const began = Math.max(0, Math.floor((open.get(executor) - start) / width));
      for (let bin = Math.max(this.drawn, began); bin < columns.length; bin += 1) {
        this.pen.fillRect(LABEL + bin * step, at * row, Math.max(1, 0.6 * step), tall ? 3 : 2);
      }
    });
  }

  // A cross through the bar.
  paintFailures({ columns, failures = [] }, { tall, look, row, step }) {
    const { pen } = this;
    const arm = tall ? 4 : 2.5;
    for (const [bin, at] of failures) {
      if (bin < this.drawn || bin >= columns.length) continue;
      const [x, y] = [LABEL + (bin + 0.5) * step, (at + 0.5) * row];
      pen.fillStyle = look.ground;
      pen.fillRect(x - arm - 2, y - arm - 2, 2 * arm + 4, 2 * arm + 4);
      pen.strokeStyle = look.bad;
      pen.lineWidth = tall ? 2 : 1.5;
      pen.beginPath();
      pen.moveTo(x - arm, y - arm);
      pen.lineTo(x + arm, y + arm);
      pen.moveTo(x + arm, y - arm);
      pen.lineTo(x - arm, y + arm);
      pen.stroke();
    }
  }
}
