package sparkk8s;

import java.io.File;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.streaming.WriteToStream;
import org.apache.spark.sql.execution.datasources.InsertIntoHadoopFsRelationCommand;
import scala.Option;
import scala.collection.Iterator;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Refuses to write to a local path that executors do not share. As a function it is what
 * SparkSessionExtensions.injectCheckRule takes: from a session to a check of every analysed plan.
 */
public class LocalWrites extends AbstractFunction1 {
  private static final int DEEP = 3;
  private static final String HIVE = "org.apache.spark.sql.hive.execution.";

  private final SparkContext context;
  private final String[] shared;
  private final String[] apart;

  /** Paths that driver and executors share, and those within them that they do not: one a line. */
  public LocalWrites(SparkContext context, String shared, String apart) {
    this.context = context;
    this.shared = lines(shared);
    this.apart = lines(apart);
  }

  private static String[] lines(String text) {
    return text.isEmpty() ? new String[0] : text.split("\n");
  }

  public Object apply(Object session) {
    return new Check(this);
  }

  /** One that carries the path alone: what is said of it is not said in Java. */
  public static class Unshared extends RuntimeException {
    public Unshared(String path) {
      super(path);
    }
  }

  private static class Check extends AbstractFunction1 {
    private final LocalWrites writes;

    Check(LocalWrites writes) {
      this.writes = writes;
    }

    public Object apply(Object plan) {
      writes.look((LogicalPlan) plan, DEEP);
      return BoxedUnit.UNIT;
    }
  }

  /** A command is at the top of its plan, or right below the definitions of a WITH. */
  private void look(LogicalPlan plan, int deep) {
    if (plan instanceof InsertIntoHadoopFsRelationCommand) {
      check(((InsertIntoHadoopFsRelationCommand) plan).outputPath());
    } else if (plan instanceof WriteToStream) {
      lookAtSink(String.valueOf(((WriteToStream) plan).sink()));
    } else if (plan.getClass().getName().startsWith(HIVE)) {
      lookAtHive(plan);
    } else if (deep > 0) {
      Iterator children = plan.children().iterator();
      while (children.hasNext()) {
        look((LogicalPlan) children.next(), deep - 1);
      }
    }
  }

  /** A sink of files calls itself FileSink[PATH]. */
  private void lookAtSink(String sink) {
    if (sink.startsWith("FileSink[")) {
      check(new Path(sink.substring("FileSink[".length(), sink.length() - 1)));
    }
  }

  /** Hive's own commands (INSERT into its tables, INSERT OVERWRITE DIRECTORY), which need not be there. */
  private void lookAtHive(LogicalPlan plan) {
    String name = plan.getClass().getName();
    try {
      Object storage = null;
      if (name.equals(HIVE + "InsertIntoHiveTable")) {
        Object table = plan.getClass().getMethod("table", new Class[0]).invoke(plan, new Object[0]);
        storage = table.getClass().getMethod("storage", new Class[0]).invoke(table, new Object[0]);
      } else if (name.equals(HIVE + "InsertIntoHiveDirCommand")) {
        storage = plan.getClass().getMethod("storage", new Class[0]).invoke(plan, new Object[0]);
      }
      if (storage != null) {
        Option location =
            (Option) storage.getClass().getMethod("locationUri", new Class[0]).invoke(storage, new Object[0]);
        if (location.isDefined()) {
          check(new Path((URI) location.get()));
        }
      }
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException("Spark's " + name + " is another than expected", error);
    }
  }

  /** For those who write without SQL: RDDs. */
  public void check(String path) {
    check(new Path(path));
  }

  private void check(Path path) {
    Configuration configuration = context.hadoopConfiguration();
    String scheme = path.toUri().getScheme();
    if (scheme == null) {
      scheme = FileSystem.getDefaultUri(configuration).getScheme();
    }
    if (!"file".equals(scheme)) {
      return;
    }
    java.nio.file.Path local = new File(path.toUri().getPath()).toPath().toAbsolutePath().normalize();
    if (innermost(local, shared) <= innermost(local, apart)) {
      throw new Unshared(local.toString());
    }
  }

  /** How deep the deepest of these directories lies that contains the path; -1 if none does. */
  private static int innermost(java.nio.file.Path path, String[] directories) {
    int deepest = -1;
    for (int index = 0; index < directories.length; index++) {
      java.nio.file.Path directory = new File(directories[index]).toPath();
      if (path.startsWith(directory)) {
        deepest = Math.max(deepest, directory.getNameCount());
      }
    }
    return deepest;
  }
}
