import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * End-to-end latency at a fixed rate: each record carries the moment at which it was due to be sent (not when it could be
 * sent), and a consumer reads it by assign(). Prints "P50 P99 P999 MAX" in microseconds, the first second left out.
 * Arguments: bootstrap servers, topic, records per second, seconds, record size.
 */
public final class FixedRateLatency {
    public static void main(String[] arguments) throws Exception {
        int rate = Integer.parseInt(arguments[2]);
        int count = rate * Integer.parseInt(arguments[3]);
        byte[] padding = new byte[Integer.parseInt(arguments[4])];
        TopicPartition partition = new TopicPartition(arguments[1], 0);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("enable.auto.commit", "false");
        settings.put("acks", "all");
        settings.put("linger.ms", "0");
        Histogram latencies = new Histogram(3);
        AtomicReference<Exception> failed = new AtomicReference<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
                KafkaProducer<byte[], byte[]> producer =
                        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToEnd(List.of(partition));
            consumer.position(partition);
            producer.partitionsFor(arguments[1]);
            long start = System.nanoTime() + 100_000_000L;
            Thread sender = new Thread(() -> {
                for (int number = 0; number < count; number++) {
                    long due = start + number * 1_000_000_000L / rate;
                    while (System.nanoTime() < due) LockSupport.parkNanos(due - System.nanoTime());
                    byte[] value = padding.clone();
                    ByteBuffer.wrap(value).putLong(due);
                    producer.send(new ProducerRecord<>(arguments[1], 0, null, value), (metadata, failure) -> {
                        if (failure != null) failed.set(failure);
                    });
                }
            });
            sender.start();
            int received = 0;
            while (received < count) {
                if (failed.get() != null) throw failed.get();
                if (System.nanoTime() > start + 60_000_000_000L) throw new IllegalStateException("only " + received + " arrived");
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    long due = ByteBuffer.wrap(record.value()).getLong();
                    if (received++ >= rate) latencies.recordValue(Math.max(0, System.nanoTime() - due) / 1_000);
                }
            }
            sender.join();
        }
        System.out.println(latencies.getValueAtPercentile(50) + " " + latencies.getValueAtPercentile(99) + " "
                + latencies.getValueAtPercentile(99.9) + " " + latencies.getMaxValue());
    }
}
