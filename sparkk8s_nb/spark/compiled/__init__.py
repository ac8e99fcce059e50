"""Java sources that are compiled in the driver's JVM when they are needed."""
