// What both views need: elements, numbers in words, and reading frames. No dependency, no network.

export const SCHEMA = 1;

// Returns the frame if this code can read it; otherwise says so and returns null (the last state stays).
export function readable(frame, say) {
  if (frame === null || typeof frame !== "object" || frame.kind !== "keyframe") {
    say("A message could not be read; what is shown is from before.");
    return null;
  }
  if (frame.schema !== SCHEMA) {
    say("The kernel speaks a newer version than this page: reload it. What is shown is from before.");
    return null;
  }
  say("");
  return frame;
}

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Writes only what differs: an unchanged cell costs the browser nothing.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function memory(bytes) {
  if (!bytes) return "";
  const gib = bytes / 2 ** 30;
  return gib >= 1 ? `${+gib.toFixed(1)} GiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}

export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

// Asks for frames and hands the readable ones on; calls `tick` every second while the page is seen.
// Returns the function that ends both.
export function follow(model, say, show, tick) {
  const heard = (message) => {
    const frame = readable(message, say);
    if (frame !== null) show(frame);
  };
  model.on("msg:custom", heard);
  model.send({ ask: "keyframe" });
  const timer = setInterval(() => {
    if (!document.hidden) tick();
  }, 1000);
  return () => {
    clearInterval(timer);
    model.off("msg:custom", heard);
  };
}
