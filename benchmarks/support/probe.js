// What a page of JupyterLab is asked by a benchmark. It is there before anything of the page is.
(() => {
  const bench = { marks: {}, longest: 0, messages: 0, bytes: 0, last: 0 };
  window.bench = bench;

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) bench.longest = Math.max(bench.longest, entry.duration);
  }).observe({ type: "longtask" });

  // What comes over the websockets, the kernel's among them.
  window.WebSocket = class extends window.WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        bench.messages += 1;
        bench.bytes += data.byteLength ?? data.length;
        bench.last = performance.now();
      });
    }
  };

  // Only once: a second call for a name that is marked does nothing.
  bench.mark = (name) => {
    bench.marks[name] ??= performance.now();
  };

  // Marks the first frame that shows a text in one of these places: a task after that frame was drawn.
  bench.watch = (name, places, text) => {
    const shown = () => {
      for (const place of document.querySelectorAll(places)) {
        if (place.checkVisibility() && place.textContent.includes(text)) return true;
      }
      return false;
    };
    const observer = new MutationObserver(() => {
      if (!shown()) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => bench.mark(name)));
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  };

  // Marks the moment at which the kernel of the notebook in front begins with the next cell.
  bench.watchBusy = () => {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    const heard = (_, { direction, msg }) => {
      const begins = msg.header.msg_type === "status" && msg.content.execution_state === "busy";
      if (direction !== "recv" || !begins || msg.parent_header.msg_type !== "execute_request") return;
      kernel.anyMessage.disconnect(heard);
      bench.mark("busy");
    };
    kernel.anyMessage.connect(heard);
  };

  // Marks that JupyterLab has put itself together, and shows the panel then, if it is not there already.
  bench.watchRestored = () => {
    const look = setInterval(() => {
      const app = window.jupyterapp;
      if (!app) return;
      clearInterval(look);
      void app.restored.then(() => {
        bench.mark("restored");
        app.shell.activateById("sparkk8s-nb-panel");
      });
    }, 2);
  };

  bench.nodes = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ALL);
    let count = 1;
    while (walker.nextNode()) count += 1;
    return count;
  };
})();
