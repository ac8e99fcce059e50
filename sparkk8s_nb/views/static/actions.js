// What a view can have done: said to the kernel, and where the kernel does not hear it (a cell or a widget's
// callback holds it up), to Jupyter's server, which has another way to it.
//
// Every action has an id of its own: the kernel carries it out once, whichever way it comes first.
// An action resolves to { said }, { lines } or { problem, fix }, and never rejects.

// Milliseconds after which the kernel has not heard.
const HEARD_WITHIN = 1500;

// Milliseconds after which a button can be pressed again, whatever has come of it: a stop takes its time.
const LONGEST = 300000;

const BUSY = "The kernel is busy and takes this when its cell has ended; to end the cell now use the stop button.";
const EXPIRED = "Jupyter's server does not know this page any more: reload it and log in again.";
const SILENT = { problem: "The kernel has not answered.", fix: "Look whether it still runs; the stop button interrupts it." };

export function isAnswer(message) {
  return message !== null && typeof message === "object" && ("heard" in message || "done" in message);
}

function newId() {
  const part = () => Math.random().toString(36).slice(2, 10);
  return `${part()}${part()}`;
}

function answerOf({ said, lines, problem, fix }) {
  if (problem) return { problem, fix: fix ?? "" };
  return Array.isArray(lines) ? { lines } : { said: said ?? "" };
}

// Actions over a model ({ send, on, off } as anywidget has it). `server`, if there is one, is a function from the
// message to a promise of the server's answer: { status, answer }, or null where there is no server to ask.
// The last argument of each action is told what is waited for, as an answer that says so; and the true answer where that
// comes when nobody waits for it any more.
export function actionsOver(model, { server = null } = {}) {
  const waiting = new Map();
  const listen = (message) => {
    if (!isAnswer(message)) return;
    waiting.get(message.heard)?.heard();
    waiting.get(message.done)?.done(answerOf(message));
  };
  model.on("msg:custom", listen);

  const act = (action, say = () => {}) =>
    new Promise((resolve) => {
      const message = { ...action, id: newId() };
      let timer = 0;
      let isHeard = false;
      // Who waits no longer is told the answer all the same.
      let tell = resolve;
      const over = (answer) => {
        clearTimeout(timer);
        tell(answer);
        tell = say;
      };
      const done = (answer) => {
        waiting.delete(message.id);
        over(answer);
      };
      const after = (end) => {
        clearTimeout(timer);
        timer = setTimeout(end, LONGEST);
      };
      const heard = () => {
        isHeard = true;
        after(() => done(SILENT));
      };
      // What the kernel takes when its cell has ended may take as long as the cell: that is no failure, and what comes
      // of it is told then.
      const later = (said, isKnown) => {
        if (isHeard && !isKnown) return;
        say({ said });
        if (!isHeard) after(() => over({ said }));
      };
      const secondWay = async () => {
        after(() => done(SILENT));
        let found = null;
        try {
          found = server && (await server(message));
        } catch {
          // No server there, or no extension of ours in it: the kernel has the message and answers in time.
        }
        if (!waiting.has(message.id)) return;
        const answer = found?.answer;
        // With `heard` no outcome came to the server: the kernel still has it before it, or at work. It says only why
        // that takes so long.
        if (answer && !("heard" in answer)) done(answerOf(answer));
        else if (answer) later(`${answer.problem} ${answer.fix ?? ""}`.trim(), answer.heard);
        else later([401, 403].includes(found?.status) ? EXPIRED : BUSY);
      };
      const close = () => {
        clearTimeout(timer);
        resolve({ problem: "The view was closed.", fix: "" });
      };
      waiting.set(message.id, { heard, done, close });
      timer = setTimeout(secondWay, HEARD_WITHIN);
      model.send(message);
    });

  return {
    scale: (executors, say) => act({ do: "scale", executors }, say),
    // The tag is that of one execution; a kernel of an older version knows the cell's id or number alone.
    cancel: (cell, say) => act({ do: "cancel", tag: cell?.tag ?? "", cell: cell?.id || (cell?.execution_count ?? null) }, say),
    cancelAll: (say) => act({ do: "cancel_all" }, say),
    stop: (say) => act({ do: "stop" }, say),
    log: (executor, say) => act({ do: "log", executor }, say),
    dispose: () => {
      model.off("msg:custom", listen);
      for (const { close } of waiting.values()) close();
      waiting.clear();
    },
  };
}

// Where the page's Jupyter server is: JupyterLab and Notebook 7 write it into the page. Null elsewhere (VS Code).
export function pageConfig() {
  const written = document.getElementById?.("jupyter-config-data")?.textContent;
  try {
    const { baseUrl, token } = written ? JSON.parse(written) : (document.body?.dataset ?? {});
    return baseUrl ? { baseUrl, token: token ?? "" } : null;
  } catch {
    return null;
  }
}

// Asks the server to have an action done in a kernel.
export async function postAction({ baseUrl, token }, kernel, message) {
  const headers = { "Content-Type": "application/json" };
  const xsrf = /(?:^|;\s*)_xsrf=([^;]*)/.exec(document.cookie ?? "");
  if (xsrf) headers["X-XSRFToken"] = decodeURIComponent(xsrf[1]);
  if (token) headers.Authorization = `token ${token}`;
  const response = await fetch(`${baseUrl}sparkk8s/api/kernels/${encodeURIComponent(kernel)}/actions`, {
    method: "POST",
    credentials: "same-origin",
    headers,
    body: JSON.stringify(message),
  });
  const answer = await response.json().catch(() => null);
  return { status: response.status, answer: isAnswer(answer) || answer?.problem ? answer : null };
}

// The `server` of a page: `kernel` gives the kernel's id once a frame has told it.
export function pageServer(kernel) {
  return (message) => {
    const config = pageConfig();
    const id = kernel();
    return config && id ? postAction(config, id, message) : null;
  };
}
