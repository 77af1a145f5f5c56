import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Many consumers of one group start together; prints the nanoseconds until each owns as many partitions as the others.
 * Arguments: bootstrap servers, topic (with as many partitions as consumers), group, consumers, classic or consumer (KIP-848).
 */
public final class JoinTogether {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("group.id", arguments[2]);
        settings.put("group.protocol", arguments[4]);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        if (arguments[4].equals("classic")) settings.put("heartbeat.interval.ms", "500");
        int count = Integer.parseInt(arguments[3]);
        List<Thread> threads = new ArrayList<>();
        CountDownLatch constructed = new CountDownLatch(count);
        CountDownLatch begin = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        AtomicIntegerArray owned = new AtomicIntegerArray(count);
        for (int index = 0; index < count; index++) {
            int number = index;
            Thread thread = new Thread(() -> {
                try (KafkaConsumer<byte[], byte[]> consumer =
                        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                    constructed.countDown();
                    begin.await();
                    consumer.subscribe(List.of(arguments[1]));
                    while (end.getCount() > 0) {
                        consumer.poll(Duration.ofMillis(50));
                        owned.set(number, consumer.assignment().size());
                    }
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                }
            });
            threads.add(thread);
            thread.start();
        }
        constructed.await();
        long began = System.nanoTime();
        begin.countDown();
        long deadline = began + Duration.ofSeconds(180).toNanos();
        while (!isShared(owned)) {
            if (System.nanoTime() > deadline) throw new IllegalStateException("not stable: " + owned);
            LockSupport.parkNanos(2_000_000);
        }
        System.out.println(System.nanoTime() - began);
        end.countDown();
        for (Thread thread : threads) thread.join();
    }

    private static boolean isShared(AtomicIntegerArray owned) {
        for (int index = 0; index < owned.length(); index++) if (owned.get(index) != 1) return false;
        return true;
    }
}
