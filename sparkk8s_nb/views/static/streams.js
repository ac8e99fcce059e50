// The streaming queries of a session.
import { element, follow, setText } from "./shared.js";
import { StreamList } from "./streamlist.js";

class StreamsView {
  constructor(el) {
    this.frame = null;
    this.received = 0;
    this.root = element("section", "sk8s");
    this.root.setAttribute("aria-label", "Streaming queries of this session");
    this.list = new StreamList();
    this.note = element("div", "sk8s-note");
    this.root.append(this.list.element, this.note);
    el.append(this.root);
  }

  say(text) {
    setText(this.note, text);
  }

  get now() {
    return this.frame.at + (performance.now() - this.received) / 1000;
  }

  show(frame) {
    this.frame = frame;
    this.received = performance.now();
    this.list.show(frame.streams, this.now);
  }

  tick() {
    if (this.frame !== null) this.list.tick(this.now);
  }
}

export default {
  // The kernel learns from this that a browser can draw widgets.
  initialize({ model }) {
    model.send({ ask: "keyframe" });
  },
  render({ model, el }) {
    const view = new StreamsView(el);
    return follow(
      model,
      (text) => view.say(text),
      (frame) => view.show(frame),
      () => view.tick(),
    );
  },
};
