#!/bin/sh
# Sets up the toolchain in .venv: uv, the locked Python packages, the jars of the broker and of Spark's connector.
# Checks for Python and Java, and installs them with apt where it may. A second call finds the stamp, does nothing
# and reaches no network. Each step prints what it does and its seconds.
# Usage: stack/bootstrap.sh [archive], from anywhere; `make setup` calls it. With `archive` it then makes the archive of
# Spark's classes, unless it is there: the archive makes only later starts quicker, so the set-up does not wait for it.
set -eu
umask 022  # the user that the platform runs as must be able to read the programs

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
venv=$root/.venv
stamp=$venv/.set-up

say() { printf '%s\n' "$*" >&2; }
fail() { say "Error: $*"; exit 1; }
now() { date +%s; }
begin() { began=$(now); say "$* ..."; }
end() { say "  $(($(now) - began)) s: $*"; }

# What the set-up depends on: when none of it has changed, and the project has not moved, it is done. Java is part of it,
# because an archive of classes fits only the Java that made it.
wanted() {
  { printf '%s\n' "$root" "$(java_version)"; cat "$root/stack/bootstrap.sh" "$root/stack/archive.sh" \
      "$root/stack/uv.txt" "$root/requirements.txt" "$root/requirements-dev.txt" "$root/stack/jars.xml" \
      "$root/stack/jars.sha256" "$root/pyproject.toml"; } | sha256sum | cut -d ' ' -f 1
}

# Root's platform runs as the user `election`, who reaches root's private folders through a mount namespace alone: see
# src/election/stack/passage.py.
namespaces() { [ "$(id -u)" -ne 0 ] || unshare --mount true 2>/dev/null; }

anybody() { # runs a program as an unprivileged user
  setpriv --reuid=65534 --regid=65534 --clear-groups "$@" >/dev/null 2>&1
}

python_fits() { # 3.11 to 3.13, with the module that makes environments
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null &&
    { namespaces || anybody "$1" -c ''; }
}

find_python() {
  for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if command -v "$candidate" >/dev/null && python_fits "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

java_fits() { # 17 or 21
  "$1" -version 2>&1 | grep -Eq 'version "(17|21)[."]'
}

find_java() {
  for candidate in "${JAVA_HOME:-/nonexistent}/bin/java" java /usr/lib/jvm/*17*/bin/java /usr/lib/jvm/*21*/bin/java; do
    if command -v "$candidate" >/dev/null && java_fits "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

java_version() { # its line that says so; empty without a Java
  if java=$(find_java); then "$java" -version 2>&1 | grep 'version "' || true; fi
}

apt_has() { apt-cache show "$1" >/dev/null 2>&1; }

# Newer systems have no 17 any more. Where there is no apt list to ask, 17 is the better guess.
java_package() {
  if ! apt_has openjdk-17-jre-headless && apt_has openjdk-21-jre-headless; then
    echo openjdk-21-jre-headless
  else
    echo openjdk-17-jre-headless
  fi
}

# Names the missing packages of the machine.
missing() {
  find_python >/dev/null || echo python3 python3-venv
  find_java >/dev/null || java_package
}

# Installs the named packages, or says how to and ends.
install_packages() {
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    say "Installing $* with apt-get ..."
    log=$(mktemp)
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 || {
      cat "$log" >&2
      rm "$log"
      fail "apt-get could not install $*; see its message above."
    }
    rm "$log"
  elif command -v apt-get >/dev/null; then
    fail "this needs to be installed first. Type: sudo apt-get update && sudo apt-get install -y $*"
  else
    fail "this needs to be installed first, with your system's package tool: Python 3.11 to 3.13 with venv, Java 17 or 21."
  fi
}

set_up() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted)" ] && "$venv/bin/python" -c '' 2>/dev/null; }

# Why it could not be made, archive.sh has said; the count works without it.
archive() {
  [ ! -f "$venv/spark.jsa" ] || return 0
  begin "Archiving the classes that Spark loads, for quicker restarts of the count"
  if "$root/stack/archive.sh" "$(find_java)" "$venv/spark.jsa"; then end "the archive"; fi
}

if set_up; then
  [ "${1:-}" != archive ] || archive
  exit 0
fi
all_began=$(now)

# Said now, before minutes of downloads.
if [ "$(id -u)" -eq 0 ]; then
  if [ -n "$(find "$root/src" "$root/stack" ! -perm -o=r)" ]; then
    fail "the platform does not run as root, and other users cannot read its programs. Type: chmod -R go+rX $root"
  fi
  namespaces || anybody test -r "$root/Makefile" || fail "the platform does not run as root, no other user reaches \
$root, and root may not make mount namespaces here.
Put the project in a folder that other users may pass, such as one under /opt, or run it as another user than root."
fi

if [ -n "$(missing)" ]; then
  # apt's lists may be missing or old on a new machine.
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq >&2 || say "apt-get update failed; going on with the lists there are."
  fi
  # shellcheck disable=SC2046  # each word is a package
  install_packages $(missing)
fi
python=$(find_python) || fail "no Python from 3.11 to 3.13 was found ($(python3 --version 2>&1 || true)).
Install one beside it, for example: sudo apt-get install -y python3.13-venv"
java=$(find_java) || fail "no Java 17 or 21 is to be found: install one, or set JAVA_HOME to it."

rm -f "$stamp" "$venv/spark.jsa"
if ! "$venv/bin/python" -c '' 2>/dev/null; then
  begin "Making a Python environment in .venv with $python"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  end "the environment"
fi

uv=$venv/uv/bin/uv
if ! cmp -s "$root/stack/uv.txt" "$venv/uv/uv.txt"; then
  begin "Getting uv"
  rm -rf "$venv/uv"
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null 2>&1 || true
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --target "$venv/uv" -r "$root/stack/uv.txt" || fail "uv could not be installed; is there a network?"
  cp "$root/stack/uv.txt" "$venv/uv/uv.txt"
  end "uv"
fi

# pyspark comes as source: its jars need no second compression in the wheel that uv builds of it.
begin "Installing the locked Python packages (1 GB to download)"
"$uv" pip sync --quiet --python "$venv/bin/python" --require-hashes "$root/requirements.txt" \
  "$root/requirements-dev.txt" --config-settings-package "pyspark:--build-option=--compression=stored" ||
  fail "the Python packages could not be installed; see above, and try again."
end "the packages"

jars=$venv/jars
# jars.xml names every jar, so that Ivy reads no descriptions of projects. What came is compared with jars.sha256.
get_jars() {
  rm -rf "$jars"
  ivy=$(ls "$venv"/lib/python3.*/site-packages/pyspark/jars/ivy-2*.jar)
  "$java" "-Divy.default.ivy.user.dir=$venv/ivy" -jar "$ivy" -settings "$root/stack/ivy-settings.xml" \
    -ivy "$root/stack/jars.xml" -confs kafka spark ahead -cache "$venv/ivy/cache" \
    -retrieve "$jars/[conf]/[artifact]-[revision].[ext]" -warn >"$venv/ivy.log" 2>&1
}

# Ivy comes with pyspark. It waits for the network while this machine compiles.
getting=
trap '[ -z "$getting" ] || kill "$getting" 2>/dev/null || true' EXIT
if ! { [ -d "$jars" ] && (cd "$jars" && sha256sum --check --status "$root/stack/jars.sha256" 2>/dev/null); }; then
  begin "Getting the jars of Kafka and for Spark (133 MB), compiling the Python packages"
  get_jars &
  getting=$!
else
  begin "Compiling the Python packages"
fi
# Compiled on first use, they would slow down the first start. The user of root's platform may not even write here.
"$uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" --no-deps --no-build-isolation --editable "$root"
if [ -n "$getting" ]; then
  wait "$getting" || fail "the jars could not be downloaded; $venv/ivy.log says why."
  getting=
  (cd "$jars" && sha256sum --check --quiet "$root/stack/jars.sha256") ||
    fail "the jars in .venv/jars are not those of stack/jars.sha256."
fi
end "the jars and the compiled packages"

wanted >"$stamp"
say "The set-up is done after $(($(now) - all_began)) s."
[ "${1:-}" != archive ] || archive
