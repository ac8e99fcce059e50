package sparkk8s;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.apache.spark.scheduler.TaskInfo;

/**
 * What each executor does: tasks that run and have ended, and the time that they took together since the last
 * drain. Spark frees a task's slot before it tells the task's end: the next one's start may come first, so that
 * more seem to run than can; what is told never exceeds the slots where they are known.
 */
final class ExecutorWork {
  private final Map executors = new HashMap();

  /** One executor's. */
  private static final class Worker {
    int slots, running, done, failed, allDone, allFailed;
    long busy, changed;
    boolean dirty;

    int atWork() {
      return slots > 0 ? Math.min(running, slots) : running;
    }

    void at(long now) {
      if (now > changed) {
        busy += atWork() * (now - changed);
        changed = now;
      }
      dirty = true;
    }
  }

  void added(String executor, int slots) {
    worker(executor).slots = slots;
  }

  /** How many tasks an executor can run at once, for one that was there before this listener. */
  void slots(String executor, int slots) {
    Worker worker = (Worker) executors.get(executor);
    if (worker != null && slots > 0) worker.slots = slots;
  }

  void began(TaskInfo task) {
    Worker worker = worker(task.executorId());
    worker.at(task.launchTime());
    worker.running++;
  }

  void ended(TaskInfo task, boolean failed) {
    Worker worker = worker(task.executorId());
    worker.at(task.finishTime());
    if (worker.running > 0) worker.running--;
    if (task.successful()) {
      worker.done++;
      worker.allDone++;
    }
    if (failed) {
      worker.failed++;
      worker.allFailed++;
    }
  }

  /** Tasks of an executor that run, are done and failed; null where none of its tasks was heard of. */
  int[] tasksOf(String executor) {
    Worker worker = (Worker) executors.get(executor);
    if (worker == null) return null;
    return new int[] {worker.atWork(), worker.allDone, worker.allFailed};
  }

  /** By how many tasks more than it can run an executor seems to run, for each that does. */
  Map tooMany() {
    Map found = new HashMap();
    for (Iterator i = executors.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      Worker worker = (Worker) entry.getValue();
      if (worker.running > worker.atWork()) found.put(entry.getKey(), new int[] {worker.running - worker.atWork()});
    }
    return found;
  }

  void removed(String executor) {
    executors.remove(executor);
  }

  void drain(StringBuilder text, long now) {
    boolean first = true;
    for (Iterator i = executors.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      Worker worker = (Worker) entry.getValue();
      if (!worker.dirty && worker.running == 0) continue;
      worker.at(now);
      if (!first) text.append(',');
      first = false;
      text.append('[');
      JsonText.quote(text, (String) entry.getKey());
      text.append(',').append(worker.atWork()).append(',').append(worker.busy).append(',');
      text.append(worker.done).append(',').append(worker.failed);
      text.append(',').append(worker.slots).append(']');
      worker.busy = 0;
      worker.done = 0;
      worker.failed = 0;
      worker.dirty = false;
    }
  }

  private Worker worker(String executor) {
    Worker worker = (Worker) executors.get(executor);
    if (worker == null) {
      worker = new Worker();
      worker.changed = System.currentTimeMillis();
      executors.put(executor, worker);
    }
    return worker;
  }
}
