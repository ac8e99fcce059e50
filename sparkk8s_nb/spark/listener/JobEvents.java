package sparkk8s;

import java.util.ArrayList;
import java.util.Properties;
import org.apache.spark.scheduler.JobSucceeded$;
import org.apache.spark.scheduler.SparkListenerJobEnd;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.StageInfo;

/** Jobs that begin and end, told once each. */
final class JobEvents {
  private static final int EVENTS = 5000;
  private static final int STAGES_IN_A_JOB = 1000;
  private static final int MANY_TAGS = 20000;

  private ArrayList starts = new ArrayList();
  private ArrayList ends = new ArrayList();
  long dropped = 0;

  void started(SparkListenerJobStart event) {
    if (starts.size() >= EVENTS) {
      dropped++;
      return;
    }
    Properties properties = event.properties();
    StringBuilder text = new StringBuilder();
    text.append('[').append(event.jobId()).append(',').append(event.time()).append(',');
    JsonText.quote(text, property(properties, "spark.job.description"));
    text.append(',');
    // Whole: a tag that is cut would be another cell's.
    JsonText.quote(text, property(properties, "spark.job.tags"), MANY_TAGS);
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
    starts.add(text.append("]]").toString());
  }

  void ended(SparkListenerJobEnd event) {
    if (ends.size() >= EVENTS) {
      dropped++;
      return;
    }
    StringBuilder text = new StringBuilder();
    text.append('[').append(event.jobId()).append(',').append(event.time()).append(',');
    boolean ok = event.jobResult() == JobSucceeded$.MODULE$;
    text.append(ok ? 1 : 0).append(',');
    JsonText.quote(text, ok ? "" : JsonText.firstLine(StageSums.reason(event.jobResult())));
    ends.add(text.append(']').toString());
  }

  void drain(StringBuilder text) {
    JsonText.list(text, "j", starts);
    JsonText.list(text, "k", ends);
    starts = new ArrayList();
    ends = new ArrayList();
  }

  private static String property(Properties properties, String name) {
    String value = properties == null ? null : properties.getProperty(name);
    return value == null ? "" : value;
  }
}
