import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A member of a group that says what it does, one line each, after the nanoseconds of the machine's monotonic clock. It
 * processes, then commits; what it must give up it commits first. Ends cleanly on SIGTERM. Arguments: bootstrap servers,
 * topic, group, and range, cooperative-sticky (classic protocol) or consumer (KIP-848).
 */
public final class GroupMember implements ConsumerRebalanceListener {
    private final KafkaConsumer<String, String> consumer;
    private final Map<TopicPartition, OffsetAndMetadata> processed = new HashMap<>();
    private final CountDownLatch left = new CountDownLatch(1);
    private volatile boolean ending;

    public static void main(String[] arguments) {
        new GroupMember(settings(arguments[0], arguments[2], arguments[3])).run(arguments[1]);
    }

    private static Properties settings(String bootstrapServers, String group, String mode) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrapServers);
        settings.put("group.id", group);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("max.poll.records", "50");
        settings.put("reconnect.backoff.max.ms", "200");
        settings.put("metadata.max.age.ms", "5000");
        if (mode.equals("consumer")) {
            settings.put("group.protocol", "consumer");
        } else {
            settings.put("group.protocol", "classic");
            settings.put("session.timeout.ms", "6000");
            settings.put("heartbeat.interval.ms", "300");
            String assignor = mode.equals("range") ? "RangeAssignor" : "CooperativeStickyAssignor";
            settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor);
        }
        return settings;
    }

    private GroupMember(Properties settings) {
        consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    private void run(String topic) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            ending = true;
            consumer.wakeup();
            try {
                left.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
        consumer.subscribe(List.of(topic), this);
        while (!ending) {
            try {
                process(consumer.poll(Duration.ofMillis(100)));
                commit(processed);
            } catch (WakeupException wakeup) {
                break;
            }
        }
        consumer.close();
        left.countDown();
    }

    private void process(ConsumerRecords<String, String> records) {
        for (ConsumerRecord<String, String> record : records) {
            say("processed " + record.partition() + " " + record.offset() + " " + record.value());
            processed.put(
                    new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
    }

    private void commit(Map<TopicPartition, OffsetAndMetadata> positions) {
        if (positions.isEmpty()) return;
        try {
            consumer.commitSync(positions);
            positions.clear();
        } catch (RebalanceInProgressException | CommitFailedException refused) {
            say("refused " + refused.getClass().getSimpleName()); // what is lost is told by onPartitionsLost
        } catch (RetriableException later) {
            say("refused " + later.getClass().getSimpleName());
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        say("assigned " + list(partitions));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        Map<TopicPartition, OffsetAndMetadata> due = new HashMap<>(processed);
        due.keySet().retainAll(partitions);
        commit(due);
        processed.keySet().removeAll(partitions);
        say("revoked " + list(partitions));
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        processed.keySet().removeAll(partitions);
        say("lost " + list(partitions));
    }

    private static String list(Collection<TopicPartition> partitions) {
        return partitions.stream().map(partition -> String.valueOf(partition.partition())).collect(Collectors.joining(","));
    }

    private static void say(String line) {
        System.out.println(System.nanoTime() + " " + line);
        System.out.flush();
    }
}
