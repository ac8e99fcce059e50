#!/bin/sh
# Starts one Spark executor in any image that has Java and pyspark (or SPARK_HOME).
# The driver's own places come along as hints; what is found in the image wins where the hints do not exist.
set -eu

fail() {
    echo "sparkk8s-nb: $1" >&2
    # What the pod's status says of its end.
    [ ! -w /dev/termination-log ] || echo "$1" >/dev/termination-log
    exit 78
}

find_java() {
    for candidate in "${SPARKK8S_JAVA_HOME:-}" "${JAVA_HOME:-}" /opt/java/openjdk /usr/lib/jvm/default-java /usr/lib/jvm/*; do
        if [ -n "$candidate" ] && [ -x "$candidate/bin/java" ]; then
            echo "$candidate/bin/java"
            return
        fi
    done
    command -v java || true
}

find_spark() {
    for candidate in "${SPARKK8S_SPARK_HOME:-}" "${SPARK_HOME:-}" /opt/spark /usr/local/spark; do
        if [ -n "$candidate" ] && [ -d "$candidate/jars" ]; then
            echo "$candidate"
            return
        fi
    done
    for python in "${SPARKK8S_PYTHON:-}" python3 python; do
        [ -n "$python" ] && command -v "$python" >/dev/null 2>&1 || continue
        home=$("$python" -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])' 2>/dev/null) || continue
        # Not with &&: where the last one has no jars, the shell would end without a word.
        if [ -d "$home/jars" ]; then
            echo "$home"
            return
        fi
    done
}

[ "${1:-}" = executor ] || fail "unexpected argument '${1:-}': this script starts executors only."
java=$(find_java)
[ -n "$java" ] || fail "no Java in this image. Use an image with Java 17 or newer (--image)."
spark=$(find_spark)
[ -n "$spark" ] || fail "no Spark in this image. Use an image with pyspark, the same version as the driver's (--image)."
# In another image than the notebook's, what does not fit ends here with words, and not in every task without.
if [ -n "${SPARKK8S_SPARK_CORE:-}" ] && [ ! -e "$spark/jars/$SPARKK8S_SPARK_CORE" ]; then
    found=$(cd "$spark/jars" && echo spark-core_*.jar)
    fail "this image has $found, the notebook $SPARKK8S_SPARK_CORE. Use an image with the notebook's pyspark (--image)."
fi
if [ -n "${SPARKK8S_PYTHON_VERSION:-}" ]; then
    python=${PYSPARK_PYTHON:-python3}
    wanted="Use an image with Python $SPARKK8S_PYTHON_VERSION, as the notebook has it (--image)."
    found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || fail "no Python ($python) in this image. $wanted"
    [ "$found" = "$SPARKK8S_PYTHON_VERSION" ] || fail "this image has Python $found. $wanted"
fi
export SPARK_HOME="$spark"
# A pip-installed pyspark lies beside its dependencies; Python workers import it from there.
PYTHONPATH="$(dirname "$spark")${PYTHONPATH:+:$PYTHONPATH}"
if [ -f "$spark/python/lib/pyspark.zip" ]; then
    PYTHONPATH="$spark/python/lib/pyspark.zip:$(echo "$spark"/python/lib/py4j-*-src.zip):$PYTHONPATH"
fi
export PYTHONPATH

# SPARK_JAVA_OPT_0, _1, ... are one argument each, in that order; their values may hold spaces.
set --
# Java unpacks native libraries (compression) into /tmp, which a read-only image has not got.
[ -w "${TMPDIR:-}" ] && set -- "-Djava.io.tmpdir=$TMPDIR"
# Spark's classes, made ready once for all executors of this machine. Java goes on without an archive that is not
# for it or its class path; the user's own options come after it and win.
[ -r "${SPARKK8S_CLASS_ARCHIVE:-}" ] && set -- "$@" "-XX:SharedArchiveFile=$SPARKK8S_CLASS_ARCHIVE"
index=0
while eval "[ -n \"\${SPARK_JAVA_OPT_$index+set}\" ]"; do
    eval "set -- \"\$@\" \"\$SPARK_JAVA_OPT_$index\""
    index=$((index + 1))
done

class_path="${SPARK_CONF_DIR:+$SPARK_CONF_DIR:}$spark/jars/*"
# spark.executor.extraClassPath goes before Spark's own, an image's addition behind it.
[ -n "${SPARK_CLASSPATH:-}" ] && class_path="$SPARK_CLASSPATH:$class_path"
[ -n "${SPARK_EXTRA_CLASSPATH:-}" ] && class_path="$class_path:$SPARK_EXTRA_CLASSPATH"

# Spark reads its RPC secret from a file only where spark.master says Kubernetes, and an executor does not know
# its master until it has talked to the driver, which takes the secret.
set -- "$java" "$@" -Dspark.master=k8s://executor -Xmx"$SPARK_EXECUTOR_MEMORY" -cp "$class_path" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" \
    --executor-id "$SPARK_EXECUTOR_ID" \
    --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" \
    --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" \
    --podName "$SPARK_EXECUTOR_POD_NAME"
# Where the machine, or a pod's pause container, has processes before this one.
[ "$$" = 1 ] || exec "$@"

hook_runs() {
    for comm in /proc/[0-9]*/comm; do
        read -r name <"$comm" || continue
        [ "$name" = decommission.sh ] && return 0
    done 2>/dev/null
    return 1
}

# In a container of its own this shell stays: it reaps what dead Python workers leave, and its end is the container's.
# It listens before Java is there: a first process hears no signal that it has not asked for.
child=
ended=
trap 'ended=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || :' TERM
"$@" &
child=$!
[ -z "$ended" ] || kill -TERM "$child" 2>/dev/null || :
code=0
wait "$child" || code=$?
while kill -0 "$child" 2>/dev/null; do # a signal has ended the wait, and not Java
    code=0
    wait "$child" || code=$?
done
# A hook that is killed by the container's end has failed in Kubernetes' eyes: decommission.sh sees Java's end first.
tries=3
while [ "$tries" -gt 0 ] && hook_runs; do
    sleep 1
    tries=$((tries - 1))
done
exit "$code"
