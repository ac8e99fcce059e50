// The streaming queries of a session.
import { LiveView, widget } from "./liveview.js";
import { StreamList } from "./streamlist.js";

export class StreamsView extends LiveView {
  constructor(el) {
    super(el, "Streaming queries of this session");
    this.list = new StreamList();
    this.root.append(this.list.element, this.note);
  }

  show(frame) {
    this.take(frame);
    this.list.show(frame.streams, this.now);
  }

  tick() {
    if (this.frame !== null) this.list.tick(this.now);
  }
}

export default widget(StreamsView);
