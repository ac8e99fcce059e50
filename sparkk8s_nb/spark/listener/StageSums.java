package sparkk8s;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.apache.spark.TaskEndReason;
import org.apache.spark.executor.TaskMetrics;
import org.apache.spark.scheduler.JobFailed;
import org.apache.spark.scheduler.TaskInfo;

/** One attempt of a stage: counts and sums over its tasks, of a size that does not grow with them. */
final class StageSums {
  private static final int SLOWEST = 5;
  private static final int CAUSES = 5;
  private static final int OLDEST = 10;
  private static final int RUNNING = 10000;

  /** A task that has run for less is no straggler yet: one that ends sooner is never told of. */
  private static final long OLD_MS = 1000L;

  int id, attempt, tasks, active, done, failed, killed, speculative;
  long submitted, completed, runMs, cpuMs, gcMs, in, out, shuffleRead, shuffleWrite, memorySpill, diskSpill;
  long inRecords, outRecords, longest;
  String name = "", operators = "", failure = "";
  boolean dirty = true, named = false;
  final int[] durations = new int[48];
  final TreeSet slowest = new TreeSet();
  final Map causes = new LinkedHashMap();

  /** Tasks that run, by their ids; those that began first come first. As many as the executors have cores. */
  private final Map running = new LinkedHashMap();
  private int oldTold = 0, overTold = 0;

  /** A finished task that took long; ordered by how long. */
  private static final class Slow implements Comparable {
    final long ms;
    final long task;
    final int index;
    final String executor;
    final long spilled;

    Slow(long ms, long task, int index, String executor, long spilled) {
      this.ms = ms;
      this.task = task;
      this.index = index;
      this.executor = executor;
      this.spilled = spilled;
    }

    public int compareTo(Object other) {
      Slow that = (Slow) other;
      int byTime = Long.compare(this.ms, that.ms);
      return byTime != 0 ? byTime : Long.compare(this.task, that.task);
    }
  }

  void began(TaskInfo info) {
    active++;
    if (info.speculative()) speculative++;
    if (running.size() < RUNNING) running.put(Long.valueOf(info.taskId()), info);
    dirty = true;
  }

  void ended(TaskInfo info) {
    if (active > 0) active--;
    running.remove(Long.valueOf(info.taskId()));
    dirty = true;
  }

  /** Whether there is something that has not been told: also that a task that runs has become an old one. */
  boolean hasNews(long now, int over) {
    return dirty || over != overTold || countOld(now) > oldTold;
  }

  /**
   * How many of the tasks that seem to run have ended, out of so many too many of each executor; those are taken
   * off. The slot of a task that has ended is free before its end is told.
   */
  int endedUntold(Map tooMany) {
    int count = 0;
    for (Iterator i = running.values().iterator(); !tooMany.isEmpty() && i.hasNext(); ) {
      String executor = ((TaskInfo) i.next()).executorId();
      int[] left = (int[]) tooMany.get(executor);
      if (left == null) continue;
      count++;
      if (--left[0] == 0) tooMany.remove(executor);
    }
    return count;
  }

  private int countOld(long now) {
    int count = 0;
    if (completed > 0) return 0;
    for (Iterator i = running.values().iterator(); i.hasNext() && count < OLDEST; count++) {
      if (now - ((TaskInfo) i.next()).launchTime() < OLD_MS) break;
    }
    return count;
  }

  /** The tasks that have run longest: partition, begin, executor. */
  private void writeOldest(StringBuilder text, long now) {
    oldTold = countOld(now);
    Iterator i = running.values().iterator();
    for (int n = 0; n < oldTold; n++) {
      TaskInfo info = (TaskInfo) i.next();
      if (n > 0) text.append(',');
      text.append('[').append(partition(info)).append(',').append(info.launchTime()).append(',');
      JsonText.quote(text, info.executorId());
      text.append(']');
    }
  }

  private static int partition(TaskInfo info) {
    return info.partitionId() >= 0 ? info.partitionId() : info.index();
  }

  /** Tell of it, with so many running tasks less than have been heard to run. */
  void write(StringBuilder text, long now, int over) {
    text.append('[').append(id).append(',').append(attempt).append(',');
    if (named) text.append("null,null"); else {
      JsonText.quote(text, name);
      text.append(',');
      JsonText.quote(text, operators);
    }
    named = name.length() > 0;
    dirty = false;
    overTold = over;
    text.append(',').append(tasks).append(',').append(Math.max(0, active - over)).append(',').append(done);
    text.append(',').append(failed).append(',').append(killed).append(',').append(speculative);
    text.append(',').append(submitted).append(',').append(completed).append(',');
    JsonText.quote(text, failure);
    text.append(",[").append(runMs).append(',').append(cpuMs).append(',').append(gcMs);
    text.append(',').append(in).append(',').append(out).append(',').append(shuffleRead);
    text.append(',').append(shuffleWrite).append(',').append(memorySpill).append(',').append(diskSpill);
    text.append(',').append(inRecords).append(',').append(outRecords).append("],");
    text.append(median()).append(',').append(longest).append(",[");
    boolean first = true;
    for (Iterator i = slowest.descendingIterator(); i.hasNext(); ) {
      Slow slow = (Slow) i.next();
      if (!first) text.append(',');
      first = false;
      text.append('[').append(slow.index).append(',').append(slow.ms).append(',');
      JsonText.quote(text, slow.executor);
      text.append(',').append(slow.spilled).append(']');
    }
    text.append("],[");
    first = true;
    for (Iterator i = causes.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      if (!first) text.append(',');
      first = false;
      text.append('[');
      JsonText.quote(text, (String) entry.getKey());
      text.append(',').append(((int[]) entry.getValue())[0]).append(']');
    }
    text.append("],[");
    writeOldest(text, now);
    text.append("]]");
  }

  void measure(TaskInfo info, TaskMetrics metrics) {
    long ms = Math.max(0L, info.finishTime() - info.launchTime());
    long spilled = 0L;
    if (metrics != null) {
      runMs += metrics.executorRunTime();
      cpuMs += metrics.executorCpuTime() / 1000000L;
      gcMs += metrics.jvmGCTime();
      in += metrics.inputMetrics().bytesRead();
      inRecords += metrics.inputMetrics().recordsRead();
      out += metrics.outputMetrics().bytesWritten();
      outRecords += metrics.outputMetrics().recordsWritten();
      shuffleRead += metrics.shuffleReadMetrics().totalBytesRead();
      shuffleWrite += metrics.shuffleWriteMetrics().bytesWritten();
      memorySpill += metrics.memoryBytesSpilled();
      diskSpill += metrics.diskBytesSpilled();
      spilled = metrics.diskBytesSpilled();
    }
    if (!info.successful()) return;
    durations[bucket(ms)]++;
    if (ms > longest) longest = ms;
    if (slowest.size() < SLOWEST || ms > ((Slow) slowest.first()).ms) {
      slowest.add(new Slow(ms, info.taskId(), partition(info), info.executorId(), spilled));
      if (slowest.size() > SLOWEST) slowest.pollFirst();
    }
  }

  /** Buckets of a third of an octave up to a second's thousandfold: a median within 13 %. */
  private static int bucket(long ms) {
    return ms <= 1 ? 0 : Math.min(47, (int) Math.round(3.0 * Math.log((double) ms) / Math.log(2.0)));
  }

  private long median() {
    long count = 0;
    for (int i = 0; i < durations.length; i++) count += durations[i];
    if (count == 0) return 0L;
    long seen = 0;
    for (int i = 0; i < durations.length; i++) {
      seen += durations[i];
      if (2 * seen >= count) return Math.round(Math.pow(2.0, i / 3.0));
    }
    return 0L;
  }

  void cause(TaskEndReason reason) {
    String text = JsonText.firstLine(reason(reason));
    int[] count = (int[]) causes.get(text);
    if (count == null) {
      if (causes.size() >= CAUSES) {
        text = "other causes";
        count = (int[]) causes.get(text);
      }
      if (count == null) {
        count = new int[1];
        causes.put(text, count);
      }
    }
    count[0]++;
  }

  static String reason(Object reason) {
    if (reason instanceof org.apache.spark.TaskFailedReason)
      return ((org.apache.spark.TaskFailedReason) reason).toErrorString();
    if (reason instanceof JobFailed) return String.valueOf(((JobFailed) reason).exception().getMessage());
    return String.valueOf(reason);
  }
}
