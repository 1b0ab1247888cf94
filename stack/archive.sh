#!/bin/sh
# Makes the archive of the classes that Spark loads at each start. Usage: stack/archive.sh JAVA FILE
# FILE is replaced when the new archive is whole, and is gone when it could not be made; exit status 1 then.
set -eu

java=$1
archive=$2
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
venv=$root/.venv
spark_submit=${SPARK_SUBMIT:-$venv/bin/spark-submit}
# First on the class path, as at each start of the count: an archive fits only the class path it was made with.
ahead=$(printf %s: "$venv"/jars/ahead/*.jar)
log=${archive%.jsa}-archive.log
new=$archive.new

rm -f "$archive" "$new"
java_home=$(dirname -- "$(dirname -- "$(readlink -f "$(command -v "$java")")")")
status=0
JAVA_HOME=$java_home PYTHONPATH=$root SPARK_LOCAL_IP=127.0.0.1 \
  PYSPARK_PYTHON=$venv/bin/python PYSPARK_DRIVER_PYTHON=$venv/bin/python \
  timeout --foreground --kill-after=10 "${ARCHIVE_SECONDS:-300}" "$spark_submit" --master 'local[2]' \
  --conf "spark.driver.extraClassPath=${ahead%:}" \
  --conf spark.hadoop.fs.file.impl=com.globalmentor.apache.hadoop.fs.BareLocalFileSystem \
  --conf "spark.driver.extraJavaOptions=-XX:ArchiveClassesAtExit=$new -XX:+UseSerialGC" \
  "$root/spark_jobs/tally/rehearsal.py" >"$log" 2>&1 || status=$?

if [ "$status" -eq 0 ] && [ -s "$new" ]; then
  mv "$new" "$archive"
  exit 0
fi
rm -f "$new"
case $status in
  0) why="Java made none, though all went well" ;;
  124) why="it took too long" ;;
  137) why="it was killed: it did not end in time, or memory ran out" ;;
  *) why="exit status $status" ;;
esac
echo "It could not be made ($why; $log tells more); the count takes longer to start." >&2
exit 1
