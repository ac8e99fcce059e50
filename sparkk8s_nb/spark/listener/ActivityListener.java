package sparkk8s;

import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskKilled;
import org.apache.spark.executor.ExecutorMetrics;
import org.apache.spark.scheduler.*;
import org.apache.spark.status.api.v1.ExecutorSummary;

/**
 * Watches jobs, stages and tasks, and sums them up where they happen: what {@link #drain} returns grows with
 * stages and executors that changed since the last time, never with tasks. Compiled at run time (no lambdas,
 * no inferred generics). An exception in here would reach Spark's log on every event, so handlers check.
 */
public class ActivityListener extends SparkListener {
  public static final String QUEUE = "sparkk8s";
  private static final int LATE_STAGES = 256;
  private static final int EXECUTORS_REMEMBERED = 2000;

  private final SparkContext context;
  private final Map stages = new HashMap();
  private final Map ended = new LinkedHashMap();
  private final JobEvents jobs = new JobEvents();
  private final ExecutorWork executors = new ExecutorWork();
  private final Map spilled = new LinkedHashMap();
  private final StreamingQueries queries = new StreamingQueries();
  private final Statements statements = new Statements();
  private final Operators operators = new Operators();
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

  public synchronized void onJobStart(SparkListenerJobStart event) {
    jobs.started(event);
  }

  public synchronized void onJobEnd(SparkListenerJobEnd event) {
    jobs.ended(event);
  }

  public synchronized void onStageSubmitted(SparkListenerStageSubmitted event) {
    StageInfo info = event.stageInfo();
    StageSums stage = stage(info.stageId(), info.attemptNumber());
    stage.tasks = info.numTasks();
    stage.name = info.name();
    stage.operators = operators.of(info, event.properties());
    stage.submitted = info.submissionTime().isDefined()
        ? ((Long) info.submissionTime().get()).longValue() : System.currentTimeMillis();
    stage.dirty = true;
  }

  public synchronized void onStageCompleted(SparkListenerStageCompleted event) {
    StageInfo info = event.stageInfo();
    StageSums stage = stage(info.stageId(), info.attemptNumber());
    stage.tasks = info.numTasks();
    stage.name = info.name();
    stage.completed = info.completionTime().isDefined()
        ? ((Long) info.completionTime().get()).longValue() : System.currentTimeMillis();
    stage.failure = info.failureReason().isDefined() ? JsonText.firstLine((String) info.failureReason().get()) : "";
    stage.dirty = true;
  }

  public synchronized void onTaskStart(SparkListenerTaskStart event) {
    TaskInfo info = event.taskInfo();
    StageSums stage = stage(event.stageId(), event.stageAttemptId());
    stage.began(info);
    executors.began(info);
  }

  public synchronized void onTaskEnd(SparkListenerTaskEnd event) {
    TaskInfo info = event.taskInfo();
    if (info == null) return;
    StageSums stage = stage(event.stageId(), event.stageAttemptId());
    stage.ended(info);
    boolean killed = event.reason() instanceof TaskKilled;
    boolean failed = !info.successful() && !killed;
    executors.ended(info, failed);
    if (info.successful()) {
      stage.done++;
    } else if (killed) {
      stage.killed++;
    } else {
      stage.failed++;
      stage.cause(event.reason());
    }
    stage.measure(info, event.taskMetrics());
    if (event.taskMetrics() != null) spill(info.executorId(), event.taskMetrics().diskBytesSpilled());
  }

  public synchronized void onExecutorAdded(SparkListenerExecutorAdded event) {
    int cores = event.executorInfo().totalCores();
    // A profile of resources of its own may ask for other cores a task; what fits cannot be more than the cores.
    int each = event.executorInfo().resourceProfileId() == 0 ? context.conf().getInt("spark.task.cpus", 1) : 1;
    executors.added(event.executorId(), cores / Math.max(1, each));
  }

  public synchronized void onExecutorRemoved(SparkListenerExecutorRemoved event) {
    executors.removed(event.executorId());
  }

  public synchronized void onOtherEvent(SparkListenerEvent event) {
    statements.take(event);
    operators.take(event);
    queries.take(event);
  }

  /** What changed since the last call, as one line of JSON; see {@code model/drained.py} for its fields. */
  public synchronized String drain() {
    long now = System.currentTimeMillis();
    StringBuilder text = new StringBuilder(1024);
    text.append("{\"n\":").append(drains++).append(",\"t\":").append(now);
    text.append(",\"d\":").append(jobs.dropped + queries.dropped).append(",\"q\":").append(lostByTheBus());
    statements.drain(text);
    jobs.drain(text);
    text.append(",\"s\":[");
    drainStages(text, now);
    text.append("],\"x\":[");
    executors.drain(text, now);
    text.append("],\"r\":[");
    queries.drain(text);
    return text.append("]}").toString();
  }

  /**
   * Every executor but the driver, living and dead, from Spark's status store; one line of JSON. How many tasks
   * run, is what this listener counts: the store writes an executor's entry at most every 100 ms, mostly
   * when a task begins and not at the end that follows at once.
   */
  public String executors() {
    StringBuilder text = new StringBuilder("[");
    scala.collection.Seq all = context.statusStore().executorList(false);
    for (int i = 0; i < all.length(); i++) {
      ExecutorSummary executor = (ExecutorSummary) all.apply(i);
      if (executor.id().equals("driver")) continue;
      if (text.length() > 1) text.append(',');
      text.append('[');
      JsonText.quote(text, executor.id());
      text.append(',').append(executor.isActive() ? 1 : 0).append(',').append(executor.totalCores());
      int[] tasks = tasksOf(executor);
      text.append(',').append(tasks[0]).append(',').append(tasks[1]).append(',').append(tasks[2]);
      text.append(',').append(executor.memoryUsed());
      text.append(',').append(executor.maxMemory()).append(',');
      JsonText.quote(text, executor.removeReason().isDefined() ? JsonText.firstLine((String) executor.removeReason().get()) : "");
      text.append(',').append(peakMemory(executor)).append(',').append(executor.totalGCTime());
      text.append(',').append(executor.totalDuration()).append(',').append(spilledBy(executor.id()));
      text.append(']');
    }
    return text.append(']').toString();
  }

  /**
   * Tasks of an executor that run, are done and failed: counted here, or as the store has them where events did
   * not reach us (a task whose end was lost would run for ever).
   */
  private synchronized int[] tasksOf(ExecutorSummary executor) {
    executors.slots(executor.id(), executor.maxTasks());
    int[] counted = lostByTheBus() > 0 ? null : executors.tasksOf(executor.id());
    int stored = executor.maxTasks() > 0 ? Math.min(executor.activeTasks(), executor.maxTasks()) : executor.activeTasks();
    return new int[] {
      counted == null ? stored : counted[0],
      Math.max(executor.completedTasks(), counted == null ? 0 : counted[1]),
      Math.max(executor.failedTasks(), counted == null ? 0 : counted[2]),
    };
  }

  /** The most memory that an executor used at once, as its heartbeats told; 0 before the first. */
  private static long peakMemory(ExecutorSummary executor) {
    if (!executor.peakMemoryMetrics().isDefined()) return 0L;
    ExecutorMetrics peaks = (ExecutorMetrics) executor.peakMemoryMetrics().get();
    return peaks.getMetricValue("JVMHeapMemory") + peaks.getMetricValue("JVMOffHeapMemory")
        + peaks.getMetricValue("ProcessTreePythonRSSMemory");
  }

  private void spill(String executor, long bytes) {
    if (bytes <= 0) return;
    long[] sum = (long[]) spilled.get(executor);
    if (sum == null) {
      if (spilled.size() >= EXECUTORS_REMEMBERED) {
        Iterator oldest = spilled.keySet().iterator();
        oldest.next();
        oldest.remove();
      }
      sum = new long[1];
      spilled.put(executor, sum);
    }
    sum[0] += bytes;
  }

  private synchronized long spilledBy(String executor) {
    long[] sum = (long[]) spilled.get(executor);
    return sum == null ? 0L : sum[0];
  }

  private void drainStages(StringBuilder text, long now) {
    boolean first = true;
    Map tooMany = executors.tooMany();
    for (Iterator i = stages.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      StageSums stage = (StageSums) entry.getValue();
      int over = stage.endedUntold(tooMany);
      if (stage.hasNews(now, over)) {
        if (!first) text.append(',');
        first = false;
        stage.write(text, now, over);
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

  private StageSums stage(int id, int attempt) {
    Long key = Long.valueOf((((long) id) << 20) + attempt);
    StageSums stage = (StageSums) stages.get(key);
    if (stage == null) {
      stage = (StageSums) ended.remove(key);
      if (stage == null) {
        stage = new StageSums();
        stage.id = id;
        stage.attempt = attempt;
      }
      stages.put(key, stage);
    }
    return stage;
  }

  /** Events that Spark's own bus dropped since this listener's queue was full. */
  private long lostByTheBus() {
    com.codahale.metrics.MetricRegistry registry = context.listenerBus().metrics().metricRegistry();
    return registry.counter("queue." + QUEUE + ".numDroppedEvents").getCount();
  }
}
