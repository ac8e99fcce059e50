package sparkk8s;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.TreeMap;
import org.apache.spark.rdd.RDDOperationScope;
import org.apache.spark.scheduler.StageInfo;
import org.apache.spark.storage.RDDInfo;

/** What a stage of a query does, by the names that Spark gives to the steps of its plan. */
final class Operators {
  private static final int RDDS = 100;
  private static final int NAMES = 6;

  /** The steps in the order in which rows pass them, each once, the last of them; empty for a stage of plain RDDs. */
  static String of(StageInfo stage) {
    TreeMap byAge = new TreeMap();
    scala.collection.Seq rdds = stage.rddInfos();
    for (int i = Math.max(0, rdds.length() - RDDS); i < rdds.length(); i++) {
      RDDInfo rdd = (RDDInfo) rdds.apply(i);
      if (!rdd.scope().isDefined()) continue;
      String name = ((RDDOperationScope) rdd.scope().get()).name().trim();
      // The names of methods of RDDs say no more than the call site.
      if (name.length() > 0 && Character.isUpperCase(name.charAt(0))) byAge.put(Integer.valueOf(rdd.id()), name);
    }
    LinkedHashSet names = new LinkedHashSet(byAge.values());
    StringBuilder text = new StringBuilder();
    int skipped = Math.max(0, names.size() - NAMES);
    for (Iterator i = names.iterator(); i.hasNext(); ) {
      String name = (String) i.next();
      if (skipped-- > 0) continue;
      if (text.length() > 0) text.append(" > ");
      text.append(name);
    }
    return text.toString();
  }
}
