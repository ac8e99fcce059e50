package sparkk8s;

import java.util.ArrayList;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.execution.QueryExecution;
import org.apache.spark.sql.execution.SQLExecution;
import org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart;
import org.apache.spark.util.Utils;

/** SQL executions that begin, told once each: what they are called, and the text of the statement if there is one. */
final class Statements {
  private static final int EXECUTIONS = 1000;
  private static final int NODES = 100;
  private static final int TEXT = 1000;

  private ArrayList begun = new ArrayList();

  /** Take one event; those that begin no query are left alone. */
  void take(SparkListenerEvent event) {
    if (!(event instanceof SparkListenerSQLExecutionStart) || begun.size() >= EXECUTIONS) return;
    SparkListenerSQLExecutionStart start = (SparkListenerSQLExecutionStart) event;
    StringBuilder text = new StringBuilder().append('[');
    JsonText.quote(text, String.valueOf(start.executionId()));
    text.append(',');
    JsonText.quote(text, start.description());
    text.append(',');
    JsonText.quote(text, statement(SQLExecution.getQueryExecution(start.executionId())), TEXT);
    begun.add(text.append(']').toString());
  }

  /**
   * The statement that a query, or what it builds upon, was written as, without what Spark's own redaction takes out;
   * empty where it was written as none, or is over.
   */
  private static String statement(QueryExecution query) {
    if (query == null) return "";
    int[] left = new int[] {NODES};
    String text = textOf(query.logical(), left);
    if (text.length() == 0) return "";
    return Utils.redact(query.sparkSession().sessionState().conf().stringRedactionPattern(), text);
  }

  private static String textOf(LogicalPlan plan, int[] left) {
    if (plan.origin().sqlText().isDefined()) return (String) plan.origin().sqlText().get();
    // What a view is made of is not what was asked for.
    if (plan instanceof View) return "";
    scala.collection.Seq children = plan.children();
    for (int i = 0; i < children.length() && left[0]-- > 0; i++) {
      String text = textOf((LogicalPlan) children.apply(i), left);
      if (text.length() > 0) return text;
    }
    return "";
  }

  void drain(StringBuilder text) {
    JsonText.list(text, "e", begun);
    begun = new ArrayList();
  }
}
