// All that is known of one executor, with the last lines of its log: a dead one's too.
import { PHASE_WORDS, phaseText } from "./phases.js";
import { button, element, memory, plural, setText } from "./shared.js";

function facts(executor) {
  const { done = 0, failed = 0, running = 0 } = executor;
  const used = executor.peak ? `${memory(executor.peak)} at most of ` : "";
  const rows = [
    ["state", `${phaseText(executor.phase)}${executor.reason ? `: ${executor.reason}` : ""}`],
    ["why", executor.reason ? "" : (PHASE_WORDS[executor.phase] ?? "")],
    ["exit code", executor.exit === undefined ? "" : String(executor.exit)],
    ["pod", executor.pod],
    ["node", executor.node],
    ["cores", executor.cores ? String(executor.cores) : ""],
    ["memory", executor.memory ? `${used}${memory(executor.memory)}` : ""],
    ["tasks", executor.pod ? `${running} running, ${done} done, ${failed} failed` : ""],
    ["garbage collection", executor.gc ? `${executor.gc} % of its tasks' time` : ""],
    ["spilled to disk", executor.spilled ? memory(executor.spilled) : ""],
  ];
  return rows.filter(([, value]) => value);
}

export class ExecutorDetail {
  constructor(actions) {
    this.actions = actions;
    this.id = null;
    this.rows = new Map();
    this.element = element("div", "sk8s-detail");
    this.element.setAttribute("role", "region");
    this.list = element("dl", "sk8s-known");
    this.state = element("span", "sk8s-note");
    this.state.setAttribute("role", "status");
    this.again = button("Read again", "Read its log again", () => this.read());
    this.log = element("pre", "sk8s-log");
    this.log.tabIndex = 0;
    this.log.setAttribute("aria-label", "Last lines of its log");
    const head = element("div", "sk8s-loghead");
    head.append(element("span", "sk8s-muted", "last lines of its log"), this.again, this.state);
    this.element.append(this.list, head, this.log);
  }

  open(executor) {
    if (this.id !== executor.id) {
      this.id = executor.id;
      this.element.setAttribute("aria-label", `Executor ${executor.id}`);
      setText(this.log, "");
      this.read();
    }
    this.show(executor);
  }

  // Only where it is not there yet: what is moved loses its focus and how far it is scrolled.
  placeIn(parent) {
    if (this.element.parentElement !== parent) parent.append(this.element);
  }

  show(executor) {
    const kept = new Set();
    for (const [name, value] of facts(executor)) {
      kept.add(name);
      if (!this.rows.has(name)) {
        const row = { term: element("dt", "", name), value: element("dd") };
        this.list.append(row.term, row.value);
        this.rows.set(name, row);
      }
      setText(this.rows.get(name).value, value);
    }
    for (const [name, row] of this.rows) {
      if (kept.has(name)) continue;
      row.term.remove();
      row.value.remove();
      this.rows.delete(name);
    }
  }

  async read() {
    const { id } = this;
    setText(this.state, "reading …");
    const tell = (answer) => this.id === id && this.tell(answer);
    tell(await this.actions.log(id, tell));
  }

  tell({ lines, said, problem, fix }) {
    if (!lines) {
      setText(this.state, problem ? `✕ ${problem} ${fix}` : said);
      return;
    }
    setText(this.state, lines.length ? plural(lines.length, "line") : "it is empty");
    setText(this.log, lines.join("\n"));
    this.log.scrollTop = this.log.scrollHeight;
  }

  close() {
    this.id = null;
    this.element.remove();
  }
}
