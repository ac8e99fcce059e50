package sparkk8s;

import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.spark.rdd.RDDOperationScope;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.scheduler.StageInfo;
import org.apache.spark.sql.execution.SparkPlanInfo;
import org.apache.spark.sql.execution.ui.SparkListenerSQLAdaptiveExecutionUpdate;
import org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart;
import org.apache.spark.storage.RDDInfo;

/**
 * What a stage of a query does, by the names of the steps of its plan. A stage knows its RDDs; several steps that Spark
 * compiles into one are one RDD there, and the plan says which.
 */
final class Operators {
  private static final String COMPILED = "WholeStageCodegen";
  private static final int EXECUTIONS = 100;
  private static final int NODES = 500;
  private static final int RDDS = 100;
  private static final int NAMES = 8;

  /** Steps by the name of what is compiled of them, by execution. */
  private final Map executions = new LinkedHashMap();

  /** Take one event; those that tell of no plan are left alone. */
  void take(SparkListenerEvent event) {
    if (event instanceof SparkListenerSQLExecutionStart) {
      SparkListenerSQLExecutionStart start = (SparkListenerSQLExecutionStart) event;
      learn(start.executionId(), start.sparkPlanInfo());
    } else if (event instanceof SparkListenerSQLAdaptiveExecutionUpdate) {
      SparkListenerSQLAdaptiveExecutionUpdate update = (SparkListenerSQLAdaptiveExecutionUpdate) event;
      learn(update.executionId(), update.sparkPlanInfo());
    }
  }

  private void learn(long execution, SparkPlanInfo plan) {
    String key = String.valueOf(execution);
    Map compiled = new HashMap();
    executions.remove(key);
    // A plan within a plan (a subquery's, a cached one's) counts what it compiles anew: one name may mean two things.
    if (!find(plan, compiled, new int[] {NODES}) || compiled.isEmpty()) return;
    executions.put(key, compiled);
    if (executions.size() > EXECUTIONS) {
      Iterator oldest = executions.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
  }

  /** Find what is compiled in a plan; false where that cannot be told. */
  private static boolean find(SparkPlanInfo node, Map compiled, int[] left) {
    if (left[0]-- <= 0 || node.nodeName().startsWith("Subquery")) return false;
    if (node.nodeName().startsWith(COMPILED)) {
      LinkedHashSet steps = new LinkedHashSet();
      for (int i = 0; i < node.children().length(); i++) steps((SparkPlanInfo) node.children().apply(i), steps);
      Object other = compiled.put(node.nodeName(), steps);
      if (other != null && !other.equals(steps)) return false;
    }
    for (int i = 0; i < node.children().length(); i++) {
      if (!find((SparkPlanInfo) node.children().apply(i), compiled, left)) return false;
    }
    return true;
  }

  /** The steps below a node that are compiled with it, those first that rows pass first. */
  private static void steps(SparkPlanInfo node, LinkedHashSet steps) {
    if (node.nodeName().equals("InputAdapter")) return;
    for (int i = 0; i < node.children().length(); i++) steps((SparkPlanInfo) node.children().apply(i), steps);
    steps.add(node.nodeName().trim());
  }

  /** The steps in the order in which rows pass them, each once, the last of them; empty for a stage of plain RDDs. */
  String of(StageInfo stage, Properties properties) {
    String execution = properties == null ? null : properties.getProperty("spark.sql.execution.id");
    Map compiled = execution == null ? null : (Map) executions.get(execution);
    TreeMap byAge = new TreeMap();
    scala.collection.Seq rdds = stage.rddInfos();
    for (int i = Math.max(0, rdds.length() - RDDS); i < rdds.length(); i++) {
      RDDInfo rdd = (RDDInfo) rdds.apply(i);
      if (!rdd.scope().isDefined()) continue;
      String name = ((RDDOperationScope) rdd.scope().get()).name().trim();
      // The names of methods of RDDs say no more than the call site.
      if (name.length() > 0 && Character.isUpperCase(name.charAt(0))) byAge.put(Integer.valueOf(rdd.id()), name);
    }
    LinkedHashSet names = new LinkedHashSet();
    for (Iterator i = byAge.values().iterator(); i.hasNext(); ) {
      Object name = i.next();
      LinkedHashSet steps = compiled == null ? null : (LinkedHashSet) compiled.get(name);
      if (steps == null) names.add(name); else names.addAll(steps);
    }
    StringBuilder text = new StringBuilder();
    int skipped = Math.max(0, names.size() - NAMES);
    for (Iterator i = names.iterator(); i.hasNext(); ) {
      Object name = i.next();
      if (skipped-- > 0) continue;
      if (text.length() > 0) text.append(" > ");
      text.append(name);
    }
    return text.toString();
  }
}
