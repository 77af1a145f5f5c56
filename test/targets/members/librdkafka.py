"""A member of a group over librdkafka that says what it does, one line each, after the nanoseconds of the monotonic clock.

It processes, then commits; what it must give up it commits first. Ends cleanly on SIGTERM. Arguments: bootstrap servers,
topic, group, and range, cooperative-sticky (classic protocol) or consumer (KIP-848).
"""

import signal
import sys
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

servers, topic, group, mode = sys.argv[1:]
settings = {
    "bootstrap.servers": servers,
    "group.id": group,
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "reconnect.backoff.max.ms": 200,
    "topic.metadata.refresh.interval.ms": 5000,
    "log_level": 0,
}
if mode == "consumer":
    settings["group.protocol"] = "consumer"
else:
    settings.update(
        {
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 300,
            "partition.assignment.strategy": mode,
        }
    )
processed = {}
ending = False


def say(*words):
    sys.stdout.write(" ".join(str(word) for word in (time.monotonic_ns(), *words)) + "\n")
    sys.stdout.flush()


def listed(partitions):
    return ",".join(str(partition.partition) for partition in partitions)


def commit(consumer, partitions):
    due = [TopicPartition(topic, partition, processed[partition]) for partition in partitions if partition in processed]
    if not due:
        return
    try:
        consumer.commit(offsets=due, asynchronous=False)
        for one in due:
            del processed[one.partition]
    except KafkaException as refused:
        say("refused", refused.args[0].name())


def assigned(consumer, partitions):
    say("assigned", listed(partitions))


def revoked(consumer, partitions):
    commit(consumer, [partition.partition for partition in partitions])
    for partition in partitions:
        processed.pop(partition.partition, None)
    say("revoked", listed(partitions))


def lost(consumer, partitions):
    for partition in partitions:
        processed.pop(partition.partition, None)
    say("lost", listed(partitions))


def end(*_):
    global ending
    ending = True


signal.signal(signal.SIGTERM, end)
consumer = Consumer(settings)
consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked, on_lost=lost)
while not ending:
    message = consumer.poll(0.1)
    error = None if message is None else message.error()
    if error is not None:
        say("error", error.name(), error.str().replace(" ", "_"))
        if error.fatal() or error.name() == "_FATAL":
            raise KafkaException(error)
        continue
    if message is not None:
        say("processed", message.partition(), message.offset(), message.value().decode())
        processed[message.partition()] = message.offset() + 1
    if message is None or message.offset() % 10 == 9:
        commit(consumer, list(processed))
commit(consumer, list(processed))
consumer.close()
