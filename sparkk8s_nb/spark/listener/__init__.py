"""The JVM listener, as Java source."""
