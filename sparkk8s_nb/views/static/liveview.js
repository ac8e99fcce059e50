// What every view is: a section of the page that draws frames, counts seconds by the kernel's clock, and says in
// one line what could not be read or what an action came to.
import { actionsOver, pageServer } from "./actions.js";
import { element, follow, setText } from "./shared.js";

// Until the first frame.
const WAITING = "Waiting for the kernel …";

export class LiveView {
  // The style sheet, where a view brings its own: as a widget. The page has it elsewhere.
  static style = "";

  constructor(el, label) {
    this.frame = null;
    this.received = 0;
    this.root = element("section", "sk8s");
    this.root.setAttribute("aria-label", label);
    // JupyterLab's shortcuts would take Enter and the arrow keys from what is in here.
    this.root.dataset.lmSuppressShortcuts = "true";
    this.note = element("div", "sk8s-note", WAITING);
    this.note.setAttribute("role", "status");
    this.outcome = element("div", "sk8s-note sk8s-outcome");
    this.outcome.setAttribute("role", "status");
    if (LiveView.style) this.root.append(element("style", "", LiveView.style));
    el.append(this.root);
  }

  // Says what went wrong with the last message; empty when all is well again.
  say(text) {
    setText(this.note, text);
  }

  // Says what an action waits for or came to.
  tell({ said, problem, fix }) {
    this.outcome.classList.toggle("sk8s-bad", Boolean(problem));
    setText(this.outcome, problem ? `✕ ${problem} ${fix}`.trim() : said);
  }

  // Seconds since the epoch by the kernel's clock: the browser's may differ.
  get now() {
    return this.frame.at + (performance.now() - this.received) / 1000;
  }

  take(frame) {
    if (this.frame === null) this.say("");
    this.frame = frame;
    this.received = performance.now();
  }

  dispose() {
    this.root.remove();
  }
}

// Milliseconds after which a kernel that has not answered is asked again, and no more than so often: what is said
// before the page has its subshell waits behind the running cell.
const AGAIN = [300, 1000, 3000];

// A view as an anywidget module.
export function widget(View) {
  return {
    // The kernel learns from this that a browser can draw widgets.
    initialize({ model }) {
      const waits = [...AGAIN];
      let timer = 0;
      const ask = () => {
        model.send({ ask: "keyframe" });
        if (waits.length) timer = setTimeout(ask, waits.shift());
      };
      const done = () => {
        clearTimeout(timer);
        model.off("msg:custom", done);
      };
      model.on("msg:custom", done);
      ask();
      return done;
    },
    render({ model, el }) {
      const actions = actionsOver(model, { server: pageServer(() => view.frame?.session?.kernel) });
      const view = new View(el, actions);
      const unfollow = follow(
        model,
        (text) => view.say(text),
        (frame) => view.show(frame),
        () => view.tick(),
      );
      return () => {
        unfollow();
        actions.dispose();
        view.dispose();
      };
    },
  };
}
