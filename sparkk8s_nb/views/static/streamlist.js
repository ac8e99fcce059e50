// Streaming queries, one line each, keyed by the query's id.
import { arrange, duration, element, plural, setText } from "./shared.js";

const STREAM_SIGNS = { running: "▶", ended: "✓", failed: "✕" };

function streamWords(stream, now) {
  const words = [stream.state];
  if (stream.started) words.push(duration((stream.ended || now) - stream.started));
  const { batches = 0 } = stream;
  words.push(`${batches} ${batches === 1 ? "batch" : "batches"}`);
  if (stream.rows) words.push(`${stream.rows} rows`);
  if (stream.last_rows) words.push(`${stream.last_rows} rows in the last batch`);
  if (stream.arriving) words.push(`${stream.arriving} rows/s arrive`);
  if (stream.processing) words.push(`${stream.processing} rows/s processed`);
  if (stream.tasks) {
    const failed = stream.failed ? ` · ${stream.failed} failed` : "";
    words.push(`batch runs: ${stream.done ?? 0}/${stream.tasks}${failed} tasks`);
  }
  if (stream.error) words.push(`✕ ${stream.error}`);
  return `${STREAM_SIGNS[stream.state] ?? "?"} stream ${stream.name}: ${words.join(" · ")}`;
}

export class StreamList {
  constructor() {
    this.rows = new Map();
    this.streams = [];
    this.element = element("div", "sk8s-streams");
    this.list = element("div");
    this.list.setAttribute("role", "list");
    this.list.setAttribute("aria-label", "Streaming queries");
    this.more = element("div", "sk8s-note");
    this.element.append(this.list, this.more);
  }

  show(streams, now) {
    this.streams = streams?.rows ?? [];
    const ids = new Set(this.streams.map((stream) => stream.id));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    arrange(
      this.list,
      this.streams.map((stream) => {
        if (!this.rows.has(stream.id)) {
          const made = element("div", "sk8s-stream");
          made.setAttribute("role", "listitem");
          this.rows.set(stream.id, made);
        }
        this.rows.get(stream.id).dataset.state = stream.state;
        return this.rows.get(stream.id);
      }),
    );
    setText(this.more, streams?.hidden ? `and ${plural(streams.hidden, "more stream")}` : "");
    this.tick(now);
  }

  tick(now) {
    for (const stream of this.streams) setText(this.rows.get(stream.id), streamWords(stream, now));
  }
}
