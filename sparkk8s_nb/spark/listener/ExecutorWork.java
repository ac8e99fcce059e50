package sparkk8s;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.apache.spark.scheduler.TaskInfo;

/** What each executor has done since the last drain: tasks, and the time that they took together. */
final class ExecutorWork {
  private final Map executors = new HashMap();

  /** One executor's. */
  private static final class Worker {
    int running, done, failed;
    long busy, changed;
    boolean dirty;

    void at(long now) {
      if (now > changed) {
        busy += running * (now - changed);
        changed = now;
      }
      dirty = true;
    }
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
    if (task.successful()) worker.done++;
    if (failed) worker.failed++;
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
      text.append(',').append(worker.running).append(',').append(worker.busy).append(',');
      text.append(worker.done).append(',').append(worker.failed).append(']');
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
