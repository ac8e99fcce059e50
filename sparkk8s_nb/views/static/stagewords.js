// What a stage has to say beside its counts: what slows or breaks it, what it moved, what it runs.
import { duration, memory, plural } from "./shared.js";

// From this share of the run time on, garbage collection is worth a word.
const GC_PERCENT = 10;

// The kernel tells of so many tasks that have run longest, and how many a line names.
const OLDEST_TOLD = 10;
const PARTITIONS_NAMED = 3;

// What Spark calls the place in the code of everything that Python calls through py4j: it says nothing.
const NO_PLACE = / at NativeMethodAccessorImpl\.java:0$/;

// A place in the code as a reader knows it.
export function placeOf(text) {
  return text.replace(NO_PLACE, "");
}

// Which tasks still run that have for far longer than the median.
export function stragglingWords({ tasks, median, straggling = [] }, now) {
  if (!straggling.length || !median) return "";
  const longest = Math.max(0, now - straggling[0][1]);
  const times = `${duration(longest)}, ${Math.round(longest / median)}x the median`;
  const named = straggling.slice(0, PARTITIONS_NAMED).map(([partition, , executor]) => `${partition} on executor ${executor}`);
  if (straggling.length === 1) return `1 of ${tasks} tasks has run for ${times}: partition ${named[0]}`;
  const least = straggling.length === OLDEST_TOLD ? "at least " : "";
  const more = straggling.length > PARTITIONS_NAMED ? ", ..." : "";
  return `${least}${straggling.length} of ${tasks} tasks have run for up to ${times}: partitions ${named.join(", ")}${more}`;
}

// A line each, trouble first.
export function stageWords(stage, now) {
  const words = [];
  if (stage.failure) words.push(`✕ ${stage.failure}`);
  for (const [reason, count] of stage.causes ?? []) words.push(`✕ ${plural(count, "task")} failed: ${reason}`);
  const straggling = stragglingWords(stage, now);
  if (straggling) words.push(`△ ${straggling}`);
  if (stage.skew) words.push(`⚠ ${stage.skew}`);
  if (stage.spilled) words.push(`⚠ spilled ${memory(stage.spilled)} to disk`);
  if (stage.gc >= GC_PERCENT) words.push(`⚠ ${stage.gc} % of the run time in garbage collection`);
  if (stage.speculative) words.push(`· ${plural(stage.speculative, "speculative task")}`);
  return words;
}

// What it moved, and the steps of the plan that it runs.
export function stageDetails(stage) {
  const parts = [
    ["read", stage.read],
    ["shuffle read", stage.shuffle_read],
    ["shuffle written", stage.shuffle_written],
    ["written", stage.written],
  ];
  const moved = parts.filter(([, bytes]) => bytes).map(([what, bytes]) => `${what} ${memory(bytes)}`);
  return [...moved, stage.operators ? `runs ${stage.operators}` : ""].filter(Boolean).join(" · ");
}

// The slowest of its tasks, one by one.
export function slowestWords({ slowest = [] }) {
  const named = slowest.map(([partition, took, executor]) => `partition ${partition}: ${took} s on executor ${executor}`);
  return named.length ? `slowest tasks: ${named.join("; ")}` : "";
}
