package sparkk8s;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.apache.spark.sql.streaming.StreamingQueryProgress;

/** Streaming queries of all sessions of a context, by their run; those that have ended go with the next drain. */
final class StreamingQueries {
  private static final int QUERIES = 100;

  private final Map runs = new LinkedHashMap();
  long dropped = 0;

  /** One run of one query. */
  private static final class Run {
    String id = "", name = "", failure = "";
    long started, ended, batches, rows, lastRows, lastBatch = -1;
    double arriving, processing;
    boolean dirty = true;
  }

  /** Take one event; those that are no streaming query's are left alone. */
  void take(Object event) {
    if (event instanceof StreamingQueryListener.QueryStartedEvent) {
      StreamingQueryListener.QueryStartedEvent e = (StreamingQueryListener.QueryStartedEvent) event;
      Run run = run(e.id(), e.runId(), e.name());
      if (run != null) run.started = milliseconds(e.timestamp());
    } else if (event instanceof StreamingQueryListener.QueryProgressEvent) {
      progress(((StreamingQueryListener.QueryProgressEvent) event).progress());
    } else if (event instanceof StreamingQueryListener.QueryTerminatedEvent) {
      StreamingQueryListener.QueryTerminatedEvent e = (StreamingQueryListener.QueryTerminatedEvent) event;
      Run run = run(e.id(), e.runId(), null);
      if (run == null) return;
      run.ended = System.currentTimeMillis();
      run.arriving = run.processing = 0.0;
      run.failure = e.exception().isDefined() ? JsonText.problem((String) e.exception().get()) : "";
    }
  }

  private void progress(StreamingQueryProgress progress) {
    Run run = run(progress.id(), progress.runId(), progress.name());
    if (run == null) return;
    if (progress.batchId() != run.lastBatch) {
      run.lastBatch = progress.batchId();
      run.batches++;
    }
    run.lastRows = progress.numInputRows();
    run.rows += run.lastRows;
    run.arriving = progress.inputRowsPerSecond();
    run.processing = progress.processedRowsPerSecond();
  }

  /** The run, a new one if it is not known: its start may have been dropped. Null if there are too many. */
  private Run run(UUID id, UUID runId, String name) {
    String key = runId.toString();
    Run run = (Run) runs.get(key);
    if (run == null) {
      if (runs.size() >= QUERIES) {
        dropped++;
        return null;
      }
      run = new Run();
      run.id = id.toString();
      run.started = System.currentTimeMillis();
      runs.put(key, run);
    }
    if (name != null) run.name = name;
    run.dirty = true;
    return run;
  }

  void drain(StringBuilder text) {
    boolean first = true;
    for (Iterator i = runs.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry entry = (Map.Entry) i.next();
      Run run = (Run) entry.getValue();
      if (!run.dirty) continue;
      run.dirty = false;
      if (!first) text.append(',');
      first = false;
      text.append('[');
      JsonText.quote(text, run.id);
      text.append(',');
      JsonText.quote(text, (String) entry.getKey());
      text.append(',');
      JsonText.quote(text, run.name);
      text.append(',').append(run.started).append(',').append(run.ended).append(',');
      JsonText.quote(text, run.failure);
      text.append(',').append(run.batches).append(',').append(run.lastBatch);
      text.append(',').append(run.rows).append(',').append(run.lastRows).append(',');
      JsonText.number(text, run.arriving);
      text.append(',');
      JsonText.number(text, run.processing);
      text.append(']');
      if (run.ended > 0) i.remove();
    }
  }

  private static long milliseconds(String timestamp) {
    try {
      return Instant.parse(timestamp).toEpochMilli();
    } catch (DateTimeParseException e) {
      return System.currentTimeMillis();
    }
  }
}
