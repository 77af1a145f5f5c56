import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads partition 0 of a topic from the beginning with assign(), without a group, and prints "RECORDS BYTES NANOSECONDS"
 * of the time from the first poll to the last record. Arguments: bootstrap servers, topic, number of records.
 */
public final class AssignConsumer {
    public static void main(String[] arguments) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("enable.auto.commit", "false");
        settings.put("receive.buffer.bytes", "2097152");
        long wanted = Long.parseLong(arguments[2]);
        long records = 0;
        long bytes = 0;
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            TopicPartition partition = new TopicPartition(arguments[1], 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            consumer.position(partition);
            long began = System.nanoTime();
            while (records < wanted) {
                ConsumerRecords<byte[], byte[]> polled = consumer.poll(Duration.ofSeconds(5));
                if (polled.isEmpty()) throw new IllegalStateException("nothing arrived for 5 s after " + records + " records");
                for (ConsumerRecord<byte[], byte[]> record : polled) {
                    records++;
                    bytes += record.serializedValueSize();
                }
            }
            System.out.println(records + " " + bytes + " " + (System.nanoTime() - began));
        }
    }
}
