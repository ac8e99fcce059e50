package sparkk8s;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskKilled;
import org.apache.spark.scheduler.*;
import org.apache.spark.status.api.v1.ExecutorSummary;

/**
 * Watches jobs, stages and tasks, and sums them up where they happen: what {@link #drain} returns grows with
 * stages and executors that changed since the last time, never with tasks. Compiled at run time (no lambdas,
 * no inferred generics). An exception in here would reach Spark's log on every event, so handlers check.
 */
public class ActivityListener extends SparkListener {
  public static final String QUEUE = "sparkk8s";
  private static final int EVENTS = 5000;
  private static final int STAGES_IN_A_JOB = 1000;
  private static final int LATE_STAGES = 256;
  private static final int MANY_TAGS = 20000;

  private final SparkContext context;
  private final Map stages = new HashMap();
  private final Map ended = new LinkedHashMap();
  private final Map executors = new HashMap();
  private final Map activeJobs = new HashMap();
  private ArrayList jobStarts = new ArrayList();
  private ArrayList jobEnds = new ArrayList();
  private final StreamingQueries queries = new StreamingQueries();
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
    JsonText.quote(text, property(properties, "spark.job.description"));
    text.append(',');
    // Whole: a tag that is cut would be another cell's.
    JsonText.quote(text, job.tags, MANY_TAGS);
    text.append(',');
    JsonText.quote(text, property(properties, "spark.sql.execution.id"));
    text.append(',');
    JsonText.quote(text, property(properties, "sql.streaming.queryId"));
    text.append(',');
    JsonText.quote(text, property(properties, "streaming.sql.batchId"));
    text.append(",[");
    int count = Math.min(event.stageInfos().length(), STAGES_IN_A_JOB);
    for (int i = 0; i < count; i++) {
      StageInfo info = (StageInfo) event.stageInfos().apply(i);
      if (i > 0) text.append(',');
      text.append('[').append(info.stageId()).append(',').append(info.numTasks()).append(',');
      JsonText.quote(text, info.name());
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
    JsonText.quote(text, ok ? "" : JsonText.firstLine(StageSums.reason(event.jobResult())));
    jobEnds.add(text.append(']').toString());
  }

  public synchronized void onStageSubmitted(SparkListenerStageSubmitted event) {
    StageInfo info = event.stageInfo();
    StageSums stage = stage(info.stageId(), info.attemptNumber());
    stage.tasks = info.numTasks();
    stage.name = info.name();
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
    StageSums stage = stage(event.stageId(), event.stageAttemptId());
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
      stage.cause(event.reason());
    }
    stage.measure(info, event.taskMetrics());
    stage.dirty = true;
  }

  public synchronized void onExecutorRemoved(SparkListenerExecutorRemoved event) {
    executors.remove(event.executorId());
  }

  public synchronized void onOtherEvent(SparkListenerEvent event) {
    queries.take(event);
  }

  /** What changed since the last call, as one line of JSON; see {@code model/drained.py} for its fields. */
  public synchronized String drain() {
    long now = System.currentTimeMillis();
    StringBuilder text = new StringBuilder(1024);
    text.append("{\"n\":").append(drains++).append(",\"t\":").append(now);
    text.append(",\"d\":").append(dropped + queries.dropped).append(",\"q\":").append(lostByTheBus());
    JsonText.list(text, "j", jobStarts);
    JsonText.list(text, "k", jobEnds);
    jobStarts = new ArrayList();
    jobEnds = new ArrayList();
    text.append(",\"s\":[");
    drainStages(text);
    text.append("],\"x\":[");
    drainExecutors(text, now);
    text.append("],\"r\":[");
    queries.drain(text);
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
      JsonText.quote(text, executor.id());
      text.append(',').append(executor.isActive() ? 1 : 0).append(',').append(executor.totalCores());
      text.append(',').append(executor.activeTasks()).append(',').append(executor.completedTasks());
      text.append(',').append(executor.failedTasks()).append(',').append(executor.memoryUsed());
      text.append(',').append(executor.maxMemory()).append(',');
      JsonText.quote(text, executor.removeReason().isDefined() ? JsonText.firstLine((String) executor.removeReason().get()) : "");
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
      StageSums stage = (StageSums) entry.getValue();
      if (stage.dirty) {
        if (!first) text.append(',');
        first = false;
        stage.write(text);
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
      JsonText.quote(text, (String) entry.getKey());
      text.append(',').append(worker.running).append(',').append(worker.busy).append(',');
      text.append(worker.done).append(',').append(worker.failed).append(']');
      worker.busy = 0;
      worker.done = 0;
      worker.failed = 0;
      worker.dirty = false;
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

  private Worker worker(String executor) {
    Worker worker = (Worker) executors.get(executor);
    if (worker == null) {
      worker = new Worker();
      worker.changed = System.currentTimeMillis();
      executors.put(executor, worker);
    }
    return worker;
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
}
