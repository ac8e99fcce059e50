#!/bin/sh
# What Kubernetes runs in an executor's container before it ends the pod (spark.kubernetes.decommission.script): has
# Spark take no more tasks, move its blocks to other executors and end by itself, as far as the pod's grace
# period lets it. Needs a shell and /proc alone: an image need not have more.
set -u
seconds=${1:-60}
proc=${SPARKK8S_PROC:-/proc}

# Whether a process is Java with a handler for PWR, which Spark has set once it has registered: to any other the signal
# is deadly, or nothing at all.
decommissions() {
    java=
    while read -r key value; do
        case $key in
            Name:) [ "$value" = java ] && java=yes ;;
            SigCgt:)
                # Signal 30 is the second bit of the eighth digit from the right.
                digit=${value%???????}
                case ${digit#"${digit%?}"} in
                    [2367abefABEF]) [ -n "$java" ] && return 0 ;;
                esac
                return 1
                ;;
        esac
    done <"$1"
    return 1
}

executor=
for status in "$proc"/[0-9]*/status; do
    if decommissions "$status" 2>/dev/null; then
        executor=${status%/status}
        executor=${executor##*/}
        break
    fi
done
[ -n "$executor" ] || exit 0
echo "sparkk8s-nb: the pod is to end; Spark finishes its tasks and moves its blocks away." 2>/dev/null >"$proc/1/fd/1"
kill -PWR "$executor"
while [ "$seconds" -gt 0 ] && kill -0 "$executor" 2>/dev/null; do
    sleep 1
    seconds=$((seconds - 1))
done
exit 0
