"""librdkafka clients that tell what they do, for a checker (history.ts says the lines).

The same arguments and commands as HistoryClients.java, without groups, and:
  watch    tells who leads and who is in sync, until readers stop
"""
import sys
import threading
import time

from confluent_kafka.admin import AdminClient
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition, OFFSET_BEGINNING

bootstrap, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
producing = threading.Event()
reading = threading.Event()
producing.set()
reading.set()
lock = threading.Lock()
pending = []


def say(line):
    with lock:
        pending.append(line.replace("\n", " "))


def write_lines():
    global pending
    while True:
        time.sleep(0.02)
        with lock:
            lines, pending = pending, []
        if lines:
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()


def settings(words, first):
    given = {"bootstrap.servers": bootstrap}
    for word in words[first:]:
        name, value = word.split("=", 1)
        given[name] = value
    return given


def produce(words):
    process, step, pause, size = words[1], int(words[3]), 1 / int(words[4]), int(words[5])
    producer = Producer({**settings(words, 6), "enable.idempotence": True})
    value, turn, due = int(words[2]), 0, time.monotonic()

    def outcome(what):
        def told(error, message):
            say(f"o {what} {message.offset()}" if error is None else f"u {what} {error}")

        return told

    while producing.is_set():
        # Not by poll, which comes back as soon as it has something to tell.
        time.sleep(max(0, due - time.monotonic()))
        producer.poll(0)
        # After an outage the rate is not caught up with: that would be a storm.
        due = max(due + pause, time.monotonic() - 0.1)
        if len(producer) >= 2000:
            continue
        partition = turn % partitions
        turn += 1
        what = f"{process} {partition} {value}"
        padding = "x" * (size or (1000 if value % 10 == 0 else 50))
        say(f"i {what}")
        try:
            producer.produce(topic, f"{value} {padding}", partition=partition, on_delivery=outcome(what))
        except (BufferError, KafkaException) as error:
            say(f"f {what} {error}")
        value += step
    producer.flush()


def read(words):
    process = words[1]
    consumer = Consumer(
        {"group.id": f"unused-{process}", "enable.auto.commit": False, **settings(words, 2)}
    )
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    while reading.is_set():
        polled = {}
        for message in consumer.consume(500, 0.2):
            if message.error() is not None:
                say(f"# consume: {message.error()}")
                continue
            value = message.value().split(b" ", 1)[0].decode()
            polled.setdefault(message.partition(), []).append(f"{message.offset()}:{value}")
        for partition, records in polled.items():
            say(f"p {process} {partition} {','.join(records)}")
    consumer.close()


def watch():
    """Tells who leads and who is in sync whenever that has changed, as metadata says: w PARTITION LEADER IN-SYNC,..."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    told = {}
    while reading.is_set():
        try:
            found = client.list_topics(topic, timeout=5).topics[topic].partitions
        except KafkaException as error:
            say(f"# metadata: {error}")
            found = {}
        for partition, state in found.items():
            line = f"w {partition} {state.leader} {','.join(str(replica) for replica in sorted(state.isrs))}"
            if told.get(partition) != line:
                say(line)
            told[partition] = line
        time.sleep(0.1)


def start(work, words):
    def guarded():
        try:
            work(words)
        except BaseException as failure:  # told to the harness, which ends the run
            say(f"broken {failure!r}")
            raise

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    return thread


def main():
    threading.Thread(target=write_lines, daemon=True).start()
    producers, readers = [], []
    for line in sys.stdin:
        words = line.split()
        if words[0] == "producer":
            producers.append(start(produce, words))
        elif words[0] == "reader":
            readers.append(start(read, words))
        elif words[0] == "watch":
            readers.append(start(lambda _: watch(), words))
        elif words[0] == "stop":
            writes = words[1] == "producers"
            (producing if writes else reading).clear()
            for thread in producers if writes else readers:
                thread.join()
            say(f"stopped {words[1]}")
        else:
            raise ValueError(line)


main()
