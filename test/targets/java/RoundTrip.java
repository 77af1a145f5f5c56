import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The Java producer (all codecs, idempotent or not) and a consumer that reads by assign(): every record comes back with
 * its key, value, headers, timestamp and offset. Prints one line a check that held, and ends with an exception at the
 * first that did not. Arguments: bootstrap servers, topic prefix.
 */
public final class RoundTrip {
    private static final int RECORDS = 500;
    private static final long FIRST_TIMESTAMP = 1_700_000_000_000L;

    public static void main(String[] arguments) throws Exception {
        String bootstrapServers = arguments[0];
        String prefix = arguments[1];
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrapServers))) {
            List<NewTopic> topics = new ArrayList<>();
            for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
                topics.add(new NewTopic(prefix + "-" + codec + "-true", 2, (short) 1));
                topics.add(new NewTopic(prefix + "-" + codec + "-false", 2, (short) 1));
            }
            topics.add(new NewTopic(prefix + "-large", 1, (short) 1));
            admin.createTopics(topics).all().get();
            for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
                for (boolean idempotent : new boolean[] {true, false}) {
                    String topic = prefix + "-" + codec + "-" + idempotent;
                    produce(bootstrapServers, topic, codec, idempotent);
                    consume(bootstrapServers, topic);
                    System.out.println("ok " + codec + " idempotent=" + idempotent);
                }
            }
            lookups(admin, bootstrapServers, prefix + "-none-true");
        }
        largeRecord(bootstrapServers, prefix + "-large");
    }

    private static void produce(String bootstrapServers, String topic, String codec, boolean idempotent) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrapServers);
        settings.put("compression.type", codec);
        settings.put("enable.idempotence", String.valueOf(idempotent));
        settings.put("acks", idempotent ? "all" : "1");
        settings.put("batch.size", "4096");
        settings.put("linger.ms", "2");
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int index = 0; index < RECORDS; index++) {
                ProducerRecord<byte[], byte[]> record =
                        new ProducerRecord<>(topic, index % 2, FIRST_TIMESTAMP + index, key(index), value(index));
                record.headers().add(new RecordHeader("number", bytes(String.valueOf(index))));
                record.headers().add(new RecordHeader("empty", new byte[0]));
                record.headers().add(new RecordHeader("null", null));
                record.headers().add(new RecordHeader("number", bytes("twice")));
                sent.add(producer.send(record));
            }
            producer.flush();
            for (int index = 0; index < RECORDS; index++) {
                RecordMetadata metadata = sent.get(index).get();
                check(metadata.partition() == index % 2, "partition", metadata);
                check(metadata.offset() == index / 2, "offset", metadata);
                check(metadata.timestamp() == FIRST_TIMESTAMP + index, "timestamp", metadata);
            }
        }
    }

    private static void consume(String bootstrapServers, String topic) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(bootstrapServers)) {
            List<TopicPartition> partitions = List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long[] next = new long[2];
            long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (next[0] + next[1] < RECORDS) {
                check(System.nanoTime() < deadline, "all records arrive in time", next[0] + next[1]);
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    int index = (int) next[record.partition()] * 2 + record.partition();
                    check(record.offset() == next[record.partition()]++, "order", record);
                    check(record.timestamp() == FIRST_TIMESTAMP + index, "timestamp", record);
                    check(Arrays.equals(record.key(), key(index)), "key", record);
                    check(Arrays.equals(record.value(), value(index)), "value", record);
                    check(record.headers().toArray().length == 4, "headers", record);
                    check(Arrays.equals(record.headers().toArray()[0].value(), bytes(String.valueOf(index))), "header", record);
                    check(record.headers().toArray()[1].value().length == 0, "empty header", record);
                    check(record.headers().toArray()[2].value() == null, "null header", record);
                    check(Arrays.equals(record.headers().lastHeader("number").value(), bytes("twice")), "header", record);
                }
            }
            check(consumer.endOffsets(partitions).values().stream().allMatch(end -> end == RECORDS / 2), "end", topic);
        }
    }

    /** Special offsets, offsets by time, reading from the middle of a batch. */
    private static void lookups(Admin admin, String bootstrapServers, String topic) throws Exception {
        TopicPartition partition = new TopicPartition(topic, 1);
        check(offset(admin, partition, OffsetSpec.earliest()) == 0, "earliest", topic);
        check(offset(admin, partition, OffsetSpec.latest()) == RECORDS / 2, "latest", topic);
        check(offset(admin, partition, OffsetSpec.maxTimestamp()) == RECORDS / 2 - 1, "max timestamp", topic);
        check(offset(admin, partition, OffsetSpec.forTimestamp(FIRST_TIMESTAMP + 100)) == 50, "by time", topic);
        check(offset(admin, partition, OffsetSpec.forTimestamp(FIRST_TIMESTAMP + RECORDS)) == -1, "beyond", topic);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(bootstrapServers)) {
            Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(Map.of(partition, FIRST_TIMESTAMP + 101));
            check(found.get(partition).offset() == 50, "offsetsForTimes", found);
            check(found.get(partition).timestamp() == FIRST_TIMESTAMP + 101, "offsetsForTimes", found);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 7);
            ConsumerRecords<byte[], byte[]> records = ConsumerRecords.empty();
            for (int tries = 0; records.isEmpty() && tries < 50; tries++) records = consumer.poll(Duration.ofMillis(200));
            check(records.iterator().next().offset() == 7, "reading from the middle of a batch", records.count());
        }
        System.out.println("ok lookups");
    }

    /** One incompressible record near max.message.bytes, and one beyond it that must be refused. */
    private static void largeRecord(String bootstrapServers, String topic) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrapServers);
        settings.put("max.request.size", "4000000");
        byte[] large = new byte[1_000_000];
        new java.util.Random(1).nextBytes(large);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            check(producer.send(new ProducerRecord<>(topic, 0, null, large)).get().offset() == 0, "large", topic);
            try {
                producer.send(new ProducerRecord<>(topic, 0, null, new byte[2_000_000])).get();
                throw new IllegalStateException("a record beyond max.message.bytes was taken");
            } catch (java.util.concurrent.ExecutionException refused) {
                check(refused.getCause() instanceof org.apache.kafka.common.errors.RecordTooLargeException, "refusal", refused.getCause());
            }
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(bootstrapServers)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            ConsumerRecords<byte[], byte[]> records = ConsumerRecords.empty();
            for (int tries = 0; records.isEmpty() && tries < 50; tries++) records = consumer.poll(Duration.ofMillis(200));
            check(Arrays.equals(records.iterator().next().value(), large), "large value", topic);
        }
        System.out.println("ok large");
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String bootstrapServers) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrapServers);
        settings.put("enable.auto.commit", "false");
        settings.put("check.crcs", "true");
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static long offset(Admin admin, TopicPartition partition, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset();
    }

    private static byte[] key(int index) {
        return index % 5 == 0 ? null : bytes("key-" + index);
    }

    private static byte[] value(int index) {
        if (index % 7 == 0) return null;
        return index % 11 == 0 ? new byte[0] : bytes("value " + index + " ").clone();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void check(boolean holds, String what, Object seen) {
        if (!holds) throw new IllegalStateException(what + ": " + seen);
    }
}
