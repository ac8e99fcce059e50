// An executor's phase as a sign and a word; colour only repeats them.
export const PHASE_SIGNS = {
  asked: "○",
  pending: "◔",
  starting: "◑",
  running: "●",
  stopping: "◌",
  done: "✓",
  failed: "✕",
};

// What is told of each phase where nothing better is known.
export const PHASE_WORDS = {
  asked: "asked for; no pod yet",
  pending: "its pod waits",
  starting: "its pod runs, Spark does not know it yet",
  stopping: "is being given back",
  done: "was given back",
  failed: "ended by itself",
};

export function phaseText(phase) {
  return `${PHASE_SIGNS[phase] ?? "?"} ${phase}`;
}
