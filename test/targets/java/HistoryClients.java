import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Java clients that tell what they do, for a checker (test/cluster/history.ts says the lines). Arguments: bootstrap
 * servers, topic, number of partitions. Commands, a line each on standard input:
 *   producer ID FIRST STEP RATE SIZE [SETTING=VALUE...]  an idempotent producer of the numbers FIRST, FIRST+STEP, ... to the
 *                                                    partitions in turn, RATE a second, each with SIZE bytes behind it;
 *                                                    0: 50, and 1,000 behind every tenth
 *   reader ID [SETTING=VALUE...]                     all partitions from the beginning, with assign()
 *   member ID GROUP [SETTING=VALUE...]               a member of a group, with subscribe()
 *   stop producers                                   they send no more, wait for what is under way; "stopped producers"
 *   stop readers                                     "stopped readers"
 */
public final class HistoryClients {
    private static String bootstrap;
    private static String topic;
    private static int partitions;
    private static volatile boolean producing = true;
    private static volatile boolean reading = true;
    private static final PrintStream out = System.out;
    private static StringBuilder pending = new StringBuilder();

    public static void main(String[] arguments) throws Exception {
        bootstrap = arguments[0];
        topic = arguments[1];
        partitions = Integer.parseInt(arguments[2]);
        List<Thread> producers = new ArrayList<>();
        List<Thread> readers = new ArrayList<>();
        Thread writer = new Thread(HistoryClients::writeLines);
        writer.setDaemon(true);
        writer.start();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "producer" -> producers.add(start(() -> produce(words)));
                case "reader" -> readers.add(start(() -> read(words)));
                case "member" -> readers.add(start(() -> join(words)));
                case "stop" -> {
                    boolean writes = words[1].equals("producers");
                    if (writes) producing = false;
                    else reading = false;
                    for (Thread thread : writes ? producers : readers) thread.join();
                    say("stopped " + words[1]);
                }
                default -> throw new IllegalArgumentException(line);
            }
        }
        flushLines();
        Runtime.getRuntime().halt(0);
    }

    private static Thread start(Runnable work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable failure) {
                failure.printStackTrace();
                say("broken " + failure);
            }
        });
        thread.start();
        return thread;
    }

    private static void produce(String[] words) {
        String id = words[1];
        int step = Integer.parseInt(words[3]);
        long pauseNanos = 1_000_000_000L / Integer.parseInt(words[4]);
        int size = Integer.parseInt(words[5]);
        Semaphore underWay = new Semaphore(2_000);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings(words, 6), new ByteArraySerializer(), new ByteArraySerializer())) {
            long next = System.nanoTime();
            int turn = 0;
            for (int value = Integer.parseInt(words[2]); producing; value += step) {
                LockSupport.parkNanos(next - System.nanoTime());
                // After an outage the rate is not caught up with: that would be a storm.
                next = Math.max(next + pauseNanos, System.nanoTime() - 100_000_000L);
                if (!underWay.tryAcquire()) {
                    value -= step;
                    continue;
                }
                int partition = turn++ % partitions;
                String what = id + " " + partition + " " + value;
                say("i " + what);
                Thread here = Thread.currentThread();
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, partition, null, bytes(value, size));
                boolean[] inside = {true};
                producer.send(record, (metadata, failure) -> {
                    underWay.release();
                    if (failure == null) say("o " + what + " " + (metadata.hasOffset() ? metadata.offset() : "-"));
                    // Told by the call of send() itself: the record never was in a batch.
                    else if (inside[0] && Thread.currentThread() == here) say("f " + what + " " + failure);
                    else say("u " + what + " " + failure);
                });
                inside[0] = false;
            }
        }
    }

    private static byte[] bytes(int value, int size) {
        int behind = size > 0 ? size : value % 10 == 0 ? 1_000 : 50;
        return (value + " " + "x".repeat(behind)).getBytes(StandardCharsets.UTF_8);
    }

    private static void read(String[] words) {
        String id = words[1];
        Properties settings = settings(words, 2);
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> all = new ArrayList<>();
            for (int partition = 0; partition < partitions; partition++) all.add(new TopicPartition(topic, partition));
            consumer.assign(all);
            consumer.seekToBeginning(all);
            while (reading) sayPolled(id, poll(consumer));
        }
    }

    private static void join(String[] words) {
        String id = words[1];
        Properties settings = settings(words, 3);
        settings.put("group.id", words[2]);
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> gone) {
                    sayRebalanced(id, gone);
                }

                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> fresh) {
                    sayRebalanced(id, fresh);
                }
            });
            while (reading) sayPolled(id, poll(consumer));
        }
    }

    /** Errors that the caller sees are told, and do not end the reader. */
    private static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer) {
        try {
            return consumer.poll(Duration.ofMillis(200));
        } catch (KafkaException failure) {
            say("# poll: " + failure);
            return ConsumerRecords.empty();
        }
    }

    private static void sayPolled(String id, ConsumerRecords<byte[], byte[]> polled) {
        for (TopicPartition partition : polled.partitions()) {
            StringBuilder line = new StringBuilder("p " + id + " " + partition.partition() + " ");
            for (ConsumerRecord<byte[], byte[]> record : polled.records(partition)) {
                String value = new String(record.value(), StandardCharsets.UTF_8);
                line.append(record.offset()).append(':').append(value, 0, value.indexOf(' ')).append(',');
            }
            line.setLength(line.length() - 1);
            say(line.toString());
        }
    }

    private static void sayRebalanced(String id, Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) say("r " + id + " " + partition.partition());
    }

    private static Properties settings(String[] words, int from) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("auto.offset.reset", "earliest");
        for (int index = from; index < words.length; index++) {
            String[] pair = words[index].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        return settings;
    }

    private static void say(String line) {
        synchronized (HistoryClients.class) {
            pending.append(line.replace('\n', ' ')).append('\n');
        }
    }

    /** Lines leave together, some dozen times a second. */
    private static void writeLines() {
        while (true) {
            LockSupport.parkNanos(20_000_000L);
            flushLines();
        }
    }

    private static void flushLines() {
        String lines;
        synchronized (HistoryClients.class) {
            lines = pending.toString();
            pending = new StringBuilder();
        }
        if (lines.isEmpty()) return;
        synchronized (out) {
            out.print(lines);
            out.flush();
        }
    }
}
