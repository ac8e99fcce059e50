#!/usr/bin/env bash
# Sees to it that there is a Java that Spark can run on: finds it where Spark would, installs Debian's or
# Ubuntu's package if we are root there, else says in one line how to get one.
set -euo pipefail

readonly python=${PYTHON:-python3}

find_java() {
    "$python" - <<'PYTHON'
import os
import sys

from sparkk8s_nb.errors import JavaError
from sparkk8s_nb.spark.java import find_java

try:
    java = find_java(os.environ)
except JavaError as error:
    sys.exit(" ".join(str(error).splitlines()))
print(f"Java {java.version}: {java.home}")
PYTHON
}

install_java() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # A release that no longer has 17 has a newer one as its default.
    local package=openjdk-17-jre-headless
    apt-cache show "$package" >/dev/null 2>&1 || package=default-jre-headless
    echo "Installing $package"
    # Slim images have no manual pages; the package's links to them need their directory.
    mkdir -p /usr/share/man/man1
    apt-get install -y -qq --no-install-recommends "$package" </dev/null >/dev/null
}

if find_java 2>/dev/null; then
    exit 0
fi
if [[ -z ${JAVA_HOME:-} && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    install_java
fi
find_java
