#!/bin/sh
# Writes test/vectors/data anew with Apache Kafka's own classes. Needs Java 17 or later and Maven; see README.md.
set -eu
cd "$(dirname "$0")/java"
mvn --batch-mode --quiet compile exec:java -Dexec.args="../data"
rm -rf target
