import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.Semaphore;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends the numbers 0, 1, 2 … to partition 0 and prints "acknowledged N OFFSET" for each once the broker has
 * acknowledged it, or "failed N REASON". Meant to be running while the broker is killed; goes on through the outage.
 * Arguments: bootstrap servers, topic, how many, compression.
 */
public final class NumberedProducer {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("compression.type", arguments[3]);
        settings.put("acks", "all");
        settings.put("batch.size", "2048");
        settings.put("linger.ms", "1");
        settings.put("reconnect.backoff.max.ms", "200");
        settings.put("retry.backoff.max.ms", "200");
        int count = Integer.parseInt(arguments[2]);
        // A bound on what is under way spreads the run over the outage.
        Semaphore underWay = new Semaphore(2_000);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int number = 0; number < count; number++) {
                int sent = number;
                byte[] value = String.valueOf(number).getBytes(StandardCharsets.UTF_8);
                underWay.acquire();
                producer.send(new ProducerRecord<>(arguments[1], 0, null, value), (metadata, failure) -> {
                    underWay.release();
                    if (failure == null) System.out.println("acknowledged " + sent + " " + metadata.offset());
                    else System.out.println("failed " + sent + " " + failure);
                });
            }
        }
        System.out.flush();
    }
}
