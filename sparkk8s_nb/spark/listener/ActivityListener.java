package sparkk8s;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskEndReason;
import org.apache.spark.TaskKilled;
import org.apache.spark.executor.TaskMetrics;
import org.apache.spark.scheduler.*;
import org.apache.spark.status.api.v1.ExecutorSummary;

/**
 * Watches jobs, stages and tasks, and sums them up where they happen: what {@link #drain} returns grows with
 * stages and executors that changed since the last time, never with tasks. Compiled at run time (no lambdas,
 * no inferred generics). An exception in here would reach Spark's log on every event, so handlers check.
 */
public class ActivityListener extends SparkListener {
  public static final String QUEUE = "sparkk8s";
  private static final int SLOWEST = 5;
  private static final int CAUSES = 5;
  private static final int EVENTS = 5000;
  private static final int STAGES_IN_A_JOB = 1000;
  private static final int LATE_STAGES = 256;
  private static final int TEXT = 200;
  private static final int MANY_TAGS = 20000;

  private final SparkContext context;
  private final Map stages = new HashMap();
  private final Map ended = new LinkedHashMap();
  private final Map executors = new HashMap();
  private final Map activeJobs = new HashMap();
  private ArrayList jobStarts = new ArrayList();
  private ArrayList jobEnds = new ArrayList();
  private ArrayList fleet = new ArrayList();
  private long dropped = 0;
  private long drains = 0;

  public ActivityListener(SparkContext context) {
    this.context = context;
  }

  /** Begin to listen, on a queue of its own: slow listeners of others cost us nothing, and we them nothing. */
  public void attach() {
    context.listenerBus().addToQueue(this, QUEUE);
  }

  /** Hear nothing any more. */
  public void detach() {
    context.removeSparkListener(this);
  }

  /** One attempt of a stage while it runs. */
  private static final class Stage {
    int id, attempt, tasks, active, done, failed, killed, speculative;
    long submitted, completed, runMs, cpuMs, gcMs, in, out, shuffleRead, shuffleWrite, memorySpill, diskSpill;
    long inRecords, outRecords, longest;
    String name = "", failure = "";
    boolean dirty = true, named = false;
    final int[] durations = new int[48];
    final TreeSet slowest = new TreeSet();
    final Map causes = new LinkedHashMap();
  }

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

  /** One executor's work since the last drain. */
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

  private static final class Job {
    boolean streaming;
    String tags = "";
  }

  public synchronized void onJobStart(SparkListenerJobStart event) {
    Properties properties = event.properties();
    Job job = new Job();
    job.tags = property(properties, "spark.job.tags");
    job.streaming = property(properties, "sql.streaming.queryId").length() > 0;
    activeJobs.put(Integer.valueOf(event.jobId()), job);
    if (jobStarts.size() >= EVENTS) {
      dropped++;
      return;
    }
    StringBuilder text = new StringBuilder();
    text.append('[').append(event.jobId()).append(',').append(event.time()).append(',');
    quote(text, property(properties, "spark.job.description"));
    text.append(',');
    // Whole: a tag that is cut would be another cell's.
    quote(text, job.tags, MANY_TAGS);
    text.append(',');
    quote(text, property(properties, "spark.sql.execution.id"));
    text.append(',');
    quote(text, property(properties, "sql.streaming.queryId"));
    text.append(",[");
    int count = Math.min(event.stageInfos().length(), STAGES_IN_A_JOB);
    for (int i = 0; i < count; i++) {
      StageInfo info = (StageInfo) event.stageInfos().apply(i);
      if (i > 0) text.append(',');
      text.append('[').append(info.stageId()).append(',').append(info.numTasks()).append(',');
      quote(text, info.name());
      text.append(']');
    }
    jobStarts.add(text.append("]]").toString());
  }

  public synchronized void onJobEnd(SparkListenerJobEnd event) {
    activeJobs.remove(Integer.valueOf(event.jobId()));
    if (jobEnds.size() >= EVENTS) {
      dropped++;
      return;
    }
    StringBuilder text = new StringBuilder();
    text.append('[').append(event.jobId()).append(',').append(event.time()).append(',');
    boolean ok = event.jobResult() == JobSucceeded$.MODULE$;
    text.append(ok ? 1 : 0).append(',');
    quote(text, ok ? "" : firstLine(reason(event.jobResult())));
    jobEnds.add(text.append(']').toString());
  }

  public synchronized void onStageSubmitted(SparkListenerStageSubmitted event) {
    StageInfo info = event.stageInfo();
    Stage stage = stage(info.stageId(), info.attemptNumber());
    stage.tasks = info.numTasks();
    stage.name = info.name();
    stage.submitted = info.submissionTime().isDefined()
        ? ((Long) info.submissionTime().get()).longValue() : System.currentTimeMillis();
    stage.dirty = true;
  }

  public synchronized void onStageCompleted(SparkListenerStageCompleted event) {
    StageInfo info = event.stageInfo();
    Stage stage = stage(info.stageId(), info.attemptNumber());
    stage.tasks = info.numTasks();
    stage.name = info.name();
    stage.completed = info.completionTime().isDefined()
        ? ((Long) info.completionTime().get()).longValue() : System.currentTimeMillis();
    stage.failure = info.failureReason().isDefined() ? firstLine((String) info.failureReason().get()) : "";
    stage.dirty = true;
  }

  public synchronized void onTaskStart(SparkListenerTaskStart event) {
    TaskInfo info = event.taskInfo();
    Stage stage = stage(event.stageId(), event.stageAttemptId());
    stage.active++;
    if (info.speculative()) stage.speculative++;
    stage.dirty = true;
    Worker worker = worker(info.executorId());
    worker.at(info.launchTime());
    worker.running++;
  }

  public synchronized void onTaskEnd(SparkListenerTaskEnd event) {
    TaskInfo info = event.taskInfo();
    if (info == null) return;
    Stage stage = stage(event.stageId(), event.stageAttemptId());
    if (stage.active > 0) stage.active--;
    Worker worker = worker(info.executorId());
    worker.at(info.finishTime());
    if (worker.running > 0) worker.running--;
    if (info.successful()) {
      stage.done++;
      worker.done++;
    } else if (event.reason() instanceof TaskKilled) {
      stage.killed++;
    } else {
      stage.failed++;
      worker.failed++;
      cause(stage, event.reason());
    }
    measure(stage, info, event.taskMetrics());
    stage.dirty = true;
  }

  public synchronized void onExecutorAdded(SparkListenerExecutorAdded event) {
    fleetEvent('+', event.executorId(), event.time(), "");
  }

  public synchronized void onExecutorRemoved(SparkListenerExecutorRemoved event) {
    fleetEvent('-', event.executorId(), event.time(), firstLine(event.reason()));
    executors.remove(event.executorId());
  }

  /** What changed since the last call, as one line of JSON; see {@code model/activity.py} for its fields. */
  public synchronized String drain() {
    long now = System.currentTimeMillis();
    StringBuilder text = new StringBuilder(1024);
    text.append("{\"n\":").append(drains++).append(",\"t\":").append(now);
    text.append(",\"d\":").append(dropped).append(",\"q\":").append(lostByTheBus());
    list(text, "j", jobStarts);
    list(text, "k", jobEnds);
    list(text, "e", fleet);
    jobStarts = new ArrayList();
    jobEnds = new ArrayList();
    fleet = new ArrayList();
    text.append(",\"s\":[");
    drainStages(text);
    text.append("],\"x\":[");
    drainExecutors(text, now);
    return text.append("]}").toString();
  }

  /** Every executor but the driver, living and dead, from Spark's status store; one line of JSON. */
  public String executors() {
    StringBuilder text = new StringBuilder("[");
    scala.collection.Seq all = context.statusStore().executorList(false);
    for (int i = 0; i < all.length(); i++) {
      ExecutorSummary executor = (ExecutorSummary) all.apply(i);
      if (executor.id().equals("driver")) continue;
      if (text.length() > 1) text.append(',');
      text.append('[');
      quote(text, executor.id());
      text.append(',').append(executor.isActive() ? 1 : 0).append(',').append(executor.totalCores());
      text.append(',').append(executor.activeTasks()).append(',').append(executor.completedTasks());
      text.append(',').append(executor.failedTasks()).append(',').append(executor.memoryUsed());
      text.append(',').append(executor.maxMemory()).append(',');
      quote(text, executor.removeReason().isDefined() ? firstLine((String) executor.removeReason().get()) : "");
      text.append(']');
    }
    return text.append(']').toString();
  }

  /** Ids of active jobs that carry a tag, without those of streaming queries, which are not their cell's. */
  public synchronized int[] jobsOf(String tag) {
    ArrayList found = new ArrayList();
    for (Iterator i = activeJobs.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      Job job = (Job) entry.getValue();
      if (!job.streaming && ("," + job.tags + ",").indexOf("," + tag + ",") >= 0) found.add(entry.getKey());
    }
    int[] ids = new int[found.size()];
    for (int i = 0; i < ids.length; i++) ids[i] = ((Integer) found.get(i)).intValue();
    return ids;
  }

  /** Cancel the active jobs that carry a tag; returns how many. Called again it takes later ones as well. */
  public int cancel(String tag, String why) {
    int[] ids = jobsOf(tag);
    for (int i = 0; i < ids.length; i++) context.cancelJob(ids[i], why);
    return ids.length;
  }

  private void drainStages(StringBuilder text) {
    boolean first = true;
    for (Iterator i = stages.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      Stage stage = (Stage) entry.getValue();
      if (stage.dirty) {
        if (!first) text.append(',');
        first = false;
        write(text, stage);
        stage.dirty = false;
      }
      if (stage.completed > 0 && stage.active == 0) {
        i.remove();
        ended.put(entry.getKey(), stage);
      }
    }
    while (ended.size() > LATE_STAGES) {
      Iterator oldest = ended.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
  }

  private void drainExecutors(StringBuilder text, long now) {
    boolean first = true;
    for (Iterator i = executors.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      Worker worker = (Worker) entry.getValue();
      if (!worker.dirty && worker.running == 0) continue;
      worker.at(now);
      if (!first) text.append(',');
      first = false;
      text.append('[');
      quote(text, (String) entry.getKey());
      text.append(',').append(worker.running).append(',').append(worker.busy).append(',');
      text.append(worker.done).append(',').append(worker.failed).append(']');
      worker.busy = 0;
      worker.done = 0;
      worker.failed = 0;
      worker.dirty = false;
    }
  }

  private void write(StringBuilder text, Stage s) {
    text.append('[').append(s.id).append(',').append(s.attempt).append(',');
    if (s.named) text.append("null"); else quote(text, s.name);
    s.named = s.name.length() > 0;
    text.append(',').append(s.tasks).append(',').append(s.active).append(',').append(s.done);
    text.append(',').append(s.failed).append(',').append(s.killed).append(',').append(s.speculative);
    text.append(',').append(s.submitted).append(',').append(s.completed).append(',');
    quote(text, s.failure);
    text.append(",[").append(s.runMs).append(',').append(s.cpuMs).append(',').append(s.gcMs);
    text.append(',').append(s.in).append(',').append(s.out).append(',').append(s.shuffleRead);
    text.append(',').append(s.shuffleWrite).append(',').append(s.memorySpill).append(',').append(s.diskSpill);
    text.append(',').append(s.inRecords).append(',').append(s.outRecords).append("],");
    text.append(median(s)).append(',').append(s.longest).append(",[");
    boolean first = true;
    for (Iterator i = s.slowest.descendingIterator(); i.hasNext(); ) {
      Slow slow = (Slow) i.next();
      if (!first) text.append(',');
      first = false;
      text.append('[').append(slow.index).append(',').append(slow.ms).append(',');
      quote(text, slow.executor);
      text.append(',').append(slow.spilled).append(']');
    }
    text.append("],[");
    first = true;
    for (Iterator i = s.causes.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      if (!first) text.append(',');
      first = false;
      text.append('[');
      quote(text, (String) entry.getKey());
      text.append(',').append(((int[]) entry.getValue())[0]).append(']');
    }
    text.append("]]");
  }

  private void measure(Stage stage, TaskInfo info, TaskMetrics metrics) {
    long ms = Math.max(0L, info.finishTime() - info.launchTime());
    long spilled = 0L;
    if (metrics != null) {
      stage.runMs += metrics.executorRunTime();
      stage.cpuMs += metrics.executorCpuTime() / 1000000L;
      stage.gcMs += metrics.jvmGCTime();
      stage.in += metrics.inputMetrics().bytesRead();
      stage.inRecords += metrics.inputMetrics().recordsRead();
      stage.out += metrics.outputMetrics().bytesWritten();
      stage.outRecords += metrics.outputMetrics().recordsWritten();
      stage.shuffleRead += metrics.shuffleReadMetrics().totalBytesRead();
      stage.shuffleWrite += metrics.shuffleWriteMetrics().bytesWritten();
      stage.memorySpill += metrics.memoryBytesSpilled();
      stage.diskSpill += metrics.diskBytesSpilled();
      spilled = metrics.diskBytesSpilled();
    }
    if (!info.successful()) return;
    stage.durations[bucket(ms)]++;
    if (ms > stage.longest) stage.longest = ms;
    if (stage.slowest.size() < SLOWEST || ms > ((Slow) stage.slowest.first()).ms) {
      stage.slowest.add(new Slow(ms, info.taskId(), info.partitionId() >= 0 ? info.partitionId() : info.index(),
          info.executorId(), spilled));
      if (stage.slowest.size() > SLOWEST) stage.slowest.pollFirst();
    }
  }

  /** Buckets of a third of an octave up to a second's thousandfold: a median within 13 %. */
  private static int bucket(long ms) {
    return ms <= 1 ? 0 : Math.min(47, (int) Math.round(3.0 * Math.log((double) ms) / Math.log(2.0)));
  }

  private static long median(Stage stage) {
    long count = 0;
    for (int i = 0; i < stage.durations.length; i++) count += stage.durations[i];
    if (count == 0) return 0L;
    long seen = 0;
    for (int i = 0; i < stage.durations.length; i++) {
      seen += stage.durations[i];
      if (2 * seen >= count) return Math.round(Math.pow(2.0, i / 3.0));
    }
    return 0L;
  }

  private void cause(Stage stage, TaskEndReason reason) {
    String text = firstLine(reason(reason));
    int[] count = (int[]) stage.causes.get(text);
    if (count == null) {
      if (stage.causes.size() >= CAUSES) {
        text = "other causes";
        count = (int[]) stage.causes.get(text);
      }
      if (count == null) {
        count = new int[1];
        stage.causes.put(text, count);
      }
    }
    count[0]++;
  }

  private static String reason(Object reason) {
    if (reason instanceof org.apache.spark.TaskFailedReason)
      return ((org.apache.spark.TaskFailedReason) reason).toErrorString();
    if (reason instanceof JobFailed) return String.valueOf(((JobFailed) reason).exception().getMessage());
    return String.valueOf(reason);
  }

  private Stage stage(int id, int attempt) {
    Long key = Long.valueOf((((long) id) << 20) + attempt);
    Stage stage = (Stage) stages.get(key);
    if (stage == null) {
      stage = (Stage) ended.remove(key);
      if (stage == null) {
        stage = new Stage();
        stage.id = id;
        stage.attempt = attempt;
      }
      stages.put(key, stage);
    }
    return stage;
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

  private void fleetEvent(char sign, String executor, long time, String why) {
    if (fleet.size() >= EVENTS) {
      dropped++;
      return;
    }
    StringBuilder text = new StringBuilder();
    text.append("[\"").append(sign).append("\",");
    quote(text, executor);
    text.append(',').append(time).append(',');
    quote(text, why);
    fleet.add(text.append(']').toString());
  }

  /** Events that Spark's own bus dropped since this listener's queue was full. */
  private long lostByTheBus() {
    com.codahale.metrics.MetricRegistry registry = context.listenerBus().metrics().metricRegistry();
    return registry.counter("queue." + QUEUE + ".numDroppedEvents").getCount();
  }

  private static String property(Properties properties, String name) {
    String value = properties == null ? null : properties.getProperty(name);
    return value == null ? "" : value;
  }

  private static String firstLine(String text) {
    if (text == null) return "";
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }

  private static void list(StringBuilder text, String name, ArrayList items) {
    text.append(",\"").append(name).append("\":[");
    for (int i = 0; i < items.size(); i++) {
      if (i > 0) text.append(',');
      text.append((String) items.get(i));
    }
    text.append(']');
  }

  private static void quote(StringBuilder text, String value) {
    quote(text, value, TEXT);
  }

  private static void quote(StringBuilder text, String value, int most) {
    int end = Math.min(value.length(), most);
    text.append('"');
    for (int i = 0; i < end; i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') text.append('\\').append(c);
      else if (c < ' ' || Character.isSurrogate(c)) text.append(' ');
      else text.append(c);
    }
    text.append('"');
  }
}
