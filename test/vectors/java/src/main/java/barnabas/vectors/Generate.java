package barnabas.vectors;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.ConsumerProtocolAssignment;
import org.apache.kafka.common.message.ConsumerProtocolSubscription;
import org.apache.kafka.common.message.EndTxnMarker;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.server.log.remote.metadata.storage.generated.ProducerSnapshot;

/**
 * Writes wire bytes beside what Kafka's own classes read out of them: one line of JSON per vector, one file per API.
 * Argument: the folder to write to, which is emptied.
 */
public final class Generate {
    private final Path folder;

    private Generate(Path folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]).toAbsolutePath().normalize();
        empty(folder);
        Generate generate = new Generate(folder);
        generate.apis();
        generate.headers();
        generate.embedded();
        generate.internalRecords();
        generate.write("record-batches", Batches.all());
    }

    private void apis() throws Exception {
        for (ApiMessageType api : brokerApis()) {
            List<Map<String, Object>> lines = new ArrayList<>();
            Map<String, Object> head = new LinkedHashMap<>();
            head.put("api", api.name);
            head.put("key", api.apiKey());
            head.put("lowestVersion", api.lowestSupportedVersion());
            head.put("highestVersion", api.highestSupportedVersion(true));
            lines.add(head);
            for (short version : versionsOf(api)) {
                lines.addAll(vectors("request", api::newRequest, api.requestSchemas()[version], version));
                lines.addAll(vectors("response", api::newResponse, api.responseSchemas()[version], version));
            }
            write("apis/" + api.name, lines);
        }
    }

    /** A request and a response header for every version of every API, without and with unknown tagged fields. */
    private void headers() throws Exception {
        List<Map<String, Object>> lines = new ArrayList<>();
        int count = 0;
        for (ApiMessageType api : brokerApis()) {
            for (short version : versionsOf(api)) {
                count++;
                short requestVersion = api.requestHeaderVersion(version);
                RequestHeaderData request = new RequestHeaderData()
                        .setRequestApiKey(api.apiKey())
                        .setRequestApiVersion(version)
                        .setCorrelationId(count % 3 == 0 ? -count : Integer.MAX_VALUE - count)
                        .setClientId(count % 4 == 0 ? null : count % 4 == 1 ? "" : "Grüße-" + count);
                lines.add(header("request", api, version, requestVersion, request));
                short responseVersion = api.responseHeaderVersion(version);
                ResponseHeaderData response = new ResponseHeaderData().setCorrelationId(-count);
                lines.add(header("response", api, version, responseVersion, response));
                if (requestVersion >= 2) {
                    request.unknownTaggedFields().add(new RawTaggedField(3, new byte[] {9, 9}));
                    lines.add(header("request", api, version, requestVersion, request));
                }
            }
        }
        write("headers", lines);
    }

    private static Map<String, Object> header(
            String kind, ApiMessageType api, short version, short headerVersion, Message header) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("kind", kind);
        line.put("key", api.apiKey());
        line.put("version", version);
        line.put("headerVersion", headerVersion);
        line.put("case", header.unknownTaggedFields().isEmpty() ? "full" : "unknown-tags");
        line.put("bytes", bytesOf(header, headerVersion));
        line.put("value", header);
        return line;
    }

    /** What clients put inside bytes fields, and the value of an end-of-transaction marker. */
    private void embedded() throws Exception {
        write("embedded/ConsumerProtocolSubscription", data(ConsumerProtocolSubscription::new, ConsumerProtocolSubscription.SCHEMAS));
        write("embedded/ConsumerProtocolAssignment", data(ConsumerProtocolAssignment::new, ConsumerProtocolAssignment.SCHEMAS));
        write("embedded/EndTxnMarker", data(EndTxnMarker::new, EndTxnMarker.SCHEMAS));
    }

    private void internalRecords() throws Exception {
        for (var type : org.apache.kafka.coordinator.group.generated.CoordinatorRecordType.values()) {
            internalRecord("group", type.id(), type::newRecordKey, type::newRecordValue);
        }
        for (var type : org.apache.kafka.coordinator.transaction.generated.CoordinatorRecordType.values()) {
            internalRecord("transaction", type.id(), type::newRecordKey, type::newRecordValue);
        }
        for (var type : org.apache.kafka.coordinator.share.generated.CoordinatorRecordType.values()) {
            internalRecord("share", type.id(), type::newRecordKey, type::newRecordValue);
        }
        write("internal/storage/ProducerSnapshot", data(ProducerSnapshot::new, ProducerSnapshot.SCHEMAS));
    }

    /** The bytes are those of the structs: in the topic a key stands behind int16 type, a value behind int16 version. */
    private void internalRecord(String coordinator, short id, Supplier<? extends Message> key, Supplier<? extends Message> value)
            throws Exception {
        for (Supplier<? extends Message> part : List.<Supplier<? extends Message>>of(key, value)) {
            Class<?> type = part.get().getClass();
            Map<String, Object> head = new LinkedHashMap<>();
            head.put("data", type.getSimpleName());
            head.put("type", id);
            List<Map<String, Object>> lines = new ArrayList<>(List.of(head));
            lines.addAll(data(part, (Schema[]) type.getField("SCHEMAS").get(null)));
            write("internal/" + coordinator + "/" + type.getSimpleName(), lines);
        }
    }

    private static List<Map<String, Object>> data(Supplier<? extends Message> make, Schema[] schemas) throws Exception {
        List<Map<String, Object>> lines = new ArrayList<>();
        Message any = make.get();
        for (short version = any.lowestSupportedVersion(); version <= any.highestSupportedVersion(); version++) {
            lines.addAll(vectors("data", make, schemas[version], version));
        }
        return lines;
    }

    private static List<Map<String, Object>> vectors(
            String kind, Supplier<? extends Message> make, Schema schema, short version) throws Exception {
        List<Map<String, Object>> lines = new ArrayList<>();
        Set<ByteBuffer> seen = new LinkedHashSet<>();
        for (Fill.Style style : Fill.Style.values()) {
            Message message = make.get();
            Fill.message(message, schema, style);
            byte[] bytes = bytesOf(message, version);
            // A message without fields of some kind looks the same in several styles.
            if (!seen.add(ByteBuffer.wrap(bytes))) continue;
            Message read = make.get();
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            read.read(new ByteBufferAccessor(buffer), version);
            if (buffer.hasRemaining()) throw new IllegalStateException("Bytes are left of " + message);
            if (!java.util.Arrays.equals(bytesOf(read, version), bytes)) {
                throw new IllegalStateException("Read and written again, it is another: " + message);
            }
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("kind", kind);
            line.put("version", version);
            line.put("case", style.name().toLowerCase().replace('_', '-'));
            line.put("bytes", bytes);
            line.put("value", read);
            lines.add(line);
        }
        return lines;
    }

    private static byte[] bytesOf(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) throw new IllegalStateException("Written shorter than measured: " + message);
        return buffer.array();
    }

    private static List<ApiMessageType> brokerApis() {
        List<ApiMessageType> apis = new ArrayList<>();
        for (ApiMessageType api : ApiMessageType.values()) {
            EnumSet<ApiMessageType.ListenerType> listeners = api.listeners();
            if (listeners.contains(ApiMessageType.ListenerType.BROKER)) apis.add(api);
        }
        apis.sort(Comparator.comparing(ApiMessageType::apiKey));
        return apis;
    }

    private static List<Short> versionsOf(ApiMessageType api) {
        List<Short> versions = new ArrayList<>();
        for (short version = api.lowestSupportedVersion(); version <= api.highestSupportedVersion(true); version++) {
            versions.add(version);
        }
        return versions;
    }

    private void write(String name, List<Map<String, Object>> lines) throws IOException {
        StringBuilder out = new StringBuilder();
        for (Map<String, Object> line : lines) out.append(Json.of(line)).append('\n');
        Path file = folder.resolve(name + ".jsonl");
        Files.createDirectories(file.getParent());
        Files.writeString(file, out, StandardCharsets.UTF_8);
    }

    private static void empty(Path folder) throws IOException {
        if (!Files.exists(folder)) return;
        try (var files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).filter(file -> !file.equals(folder)).forEach(file -> {
                try {
                    Files.delete(file);
                } catch (IOException error) {
                    throw new UncheckedIOException(error);
                }
            });
        }
    }
}
