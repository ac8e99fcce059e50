"""Where the driver JVM's output goes: a rotating file of its own, never a notebook's cell."""

from __future__ import annotations

from pathlib import Path

from sparkk8s_nb.localfiles import write_private

LOG4J2 = """\
status = error
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.filePermissions = rw-------
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss.SSS}} %p %c{{1}}: %m%n%ex
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
logger.jetty.name = org.sparkproject.jetty
logger.jetty.level = warn
logger.watcher.name = org.apache.spark.scheduler.cluster.k8s
logger.watcher.level = info
"""


def write_log4j2(directory: Path, log: Path) -> Path:
    """Write the log4j2 configuration that sends everything to ``log``; return its path."""
    log.touch(mode=0o600, exist_ok=True)
    return write_private(directory / "log4j2.properties", LOG4J2.format(log=log))
