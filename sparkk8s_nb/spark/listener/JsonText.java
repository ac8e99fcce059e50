package sparkk8s;

import java.util.ArrayList;

/** JSON by hand: the first use of Jackson's Scala module costs a second of CPU. */
final class JsonText {
  private static final int TEXT = 200;

  static String firstLine(String text) {
    if (text == null) return "";
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }

  /** What an error says: its first line, or the last of a Python trace that it carries. */
  static String problem(String text) {
    int trace = text.indexOf("Traceback (most recent call last)");
    if (trace < 0) return firstLine(text);
    int end = text.indexOf("\n\tat ", trace);
    String python = (end < 0 ? text.substring(trace) : text.substring(trace, end)).trim();
    return python.substring(python.lastIndexOf('\n') + 1);
  }

  static void list(StringBuilder text, String name, ArrayList items) {
    text.append(",\"").append(name).append("\":[");
    for (int i = 0; i < items.size(); i++) {
      if (i > 0) text.append(',');
      text.append((String) items.get(i));
    }
    text.append(']');
  }

  static void quote(StringBuilder text, String value) {
    quote(text, value, TEXT);
  }

  static void quote(StringBuilder text, String value, int most) {
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

  /** A number that JSON can carry: Spark divides rows by no time at all. */
  static void number(StringBuilder text, double value) {
    text.append(Double.isNaN(value) || Double.isInfinite(value) ? 0.0 : value);
  }
}
