package barnabas.vectors;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;

/** Record batches as Kafka's own builder makes them, with what Kafka reads back out of them. */
final class Batches {
    private static final long TIME = 1_700_000_000_000L;

    /** A small batch whose bytes depend on the number only. */
    static byte[] small(int number) {
        return bytesOf(MemoryRecords.withRecords(
                Compression.NONE, new SimpleRecord(TIME + number, text("key"), text("value " + number))));
    }

    static List<Map<String, Object>> all() {
        List<Map<String, Object>> vectors = new ArrayList<>();
        for (CompressionType type : CompressionType.values()) {
            Compression codec = Compression.of(type).build();
            vectors.add(vector("records " + type.name, MemoryRecords.withRecords(5L, codec, records())));
            vectors.add(vector(
                    "idempotent " + type.name,
                    MemoryRecords.withIdempotentRecords(
                            RecordBatch.CURRENT_MAGIC_VALUE, 1L << 40, codec, 1234567890123L, (short) 7, 2147483646, 9, records())));
            vectors.add(vector(
                    "transactional " + type.name,
                    MemoryRecords.withTransactionalRecords(0L, codec, 4000L, (short) 32767, 0, 3, records())));
            vectors.add(numbered("numbered " + type.name, codec));
        }
        vectors.add(vector("append time", appendTime()));
        vectors.add(vector(
                "far apart",
                MemoryRecords.withRecords(
                        Compression.NONE,
                        new SimpleRecord(TIME, text("now")),
                        new SimpleRecord(0L, text("at the beginning")),
                        new SimpleRecord(1L << 52, text("much later")))));
        vectors.add(vector(
                "without time", MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(-1L, text("k"), text("v")))));
        for (ControlRecordType type : List.of(ControlRecordType.COMMIT, ControlRecordType.ABORT)) {
            vectors.add(vector(
                    "marker " + type.name().toLowerCase(),
                    MemoryRecords.withEndTransactionMarker(
                            77L, TIME, 6, 4000L, (short) 5, new EndTransactionMarker(type, 21))));
        }
        vectors.add(vector(
                "leader change",
                MemoryRecords.withLeaderChangeMessage(
                        3L, TIME, 8, ByteBuffer.allocate(512), new LeaderChangeMessage().setLeaderId(1))));
        vectors.add(compacted());
        return vectors;
    }

    private static SimpleRecord[] records() {
        Header[] headers = {
            new RecordHeader("trace", text("a1b2")),
            new RecordHeader("trace", null),
            new RecordHeader("", new byte[0]),
            new RecordHeader("Grüße 🦄", new byte[] {0, (byte) 0xff}),
        };
        return new SimpleRecord[] {
            new SimpleRecord(TIME, text("key"), text("value")),
            new SimpleRecord(TIME + 5, null, text("no key")),
            new SimpleRecord(TIME - 1000, text("no value"), (byte[]) null),
            new SimpleRecord(TIME + 70_000_000L, null, (byte[]) null),
            new SimpleRecord(TIME, new byte[0], new byte[0]),
            new SimpleRecord(TIME + 3, text("headers"), text("v"), headers),
            new SimpleRecord(TIME + 3, text("k".repeat(70)), text("long ".repeat(60))),
        };
    }

    /** Many records, so that every codec needs several blocks: the i-th has the key "i" and a value of 100 times one letter. */
    private static Map<String, Object> numbered(String name, Compression codec) {
        int count = codec.type() == CompressionType.NONE ? 300 : 3000;
        SimpleRecord[] records = new SimpleRecord[count];
        for (int index = 0; index < count; index++) {
            String letter = String.valueOf((char) ('a' + index % 26));
            records[index] = new SimpleRecord(TIME + index, text(String.valueOf(index)), text(letter.repeat(100)));
        }
        Map<String, Object> vector = vector(name, MemoryRecords.withRecords(codec, records));
        vector.remove("records");
        vector.put("numbered", count);
        return vector;
    }

    private static MemoryRecords appendTime() {
        MemoryRecordsBuilder builder = MemoryRecords.builder(
                ByteBuffer.allocate(4096), RecordBatch.CURRENT_MAGIC_VALUE, Compression.NONE, TimestampType.LOG_APPEND_TIME, 0L,
                TIME + 12_345L);
        for (SimpleRecord record : records()) builder.append(record);
        return builder.build();
    }

    /** A batch out of whose middle and end compaction took records, with a delete horizon. */
    private static Map<String, Object> compacted() {
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(
                new org.apache.kafka.common.utils.ByteBufferOutputStream(buffer), RecordBatch.CURRENT_MAGIC_VALUE,
                Compression.NONE, TimestampType.CREATE_TIME, 100L, RecordBatch.NO_TIMESTAMP, 55L, (short) 1, 40, false, false, 2,
                4096, TIME + 86_400_000L);
        builder.appendWithOffset(102L, new SimpleRecord(TIME, text("kept"), text("v")));
        builder.appendWithOffset(105L, new SimpleRecord(TIME + 9, text("tombstone"), (byte[]) null));
        builder.overrideLastOffset(109L);
        return vector("compacted", builder.build());
    }

    private static Map<String, Object> vector(String name, MemoryRecords records) {
        MutableRecordBatch batch = records.batches().iterator().next();
        batch.ensureValid();
        Map<String, Object> vector = new LinkedHashMap<>();
        vector.put("name", name);
        vector.put("bytes", bytesOf(records));
        vector.put("baseOffset", batch.baseOffset());
        vector.put("sizeInBytes", batch.sizeInBytes());
        vector.put("partitionLeaderEpoch", batch.partitionLeaderEpoch());
        vector.put("magic", batch.magic());
        vector.put("crc", batch.checksum());
        vector.put("compression", batch.compressionType().name);
        vector.put("timestampType", batch.timestampType().name);
        vector.put("isTransactional", batch.isTransactional());
        vector.put("isControl", batch.isControlBatch());
        vector.put("deleteHorizonMs", batch.deleteHorizonMs().isPresent() ? batch.deleteHorizonMs().getAsLong() : null);
        vector.put("lastOffset", batch.lastOffset());
        vector.put("nextOffset", batch.nextOffset());
        vector.put("maxTimestamp", batch.maxTimestamp());
        vector.put("producerId", batch.producerId());
        vector.put("producerEpoch", batch.producerEpoch());
        vector.put("baseSequence", batch.baseSequence());
        vector.put("lastSequence", batch.lastSequence());
        vector.put("recordCount", batch.countOrNull());
        List<Object> read = new ArrayList<>();
        for (Record record : batch) read.add(recordOf(record));
        vector.put("records", read);
        return vector;
    }

    private static Map<String, Object> recordOf(Record record) {
        Map<String, Object> read = new LinkedHashMap<>();
        read.put("offset", record.offset());
        read.put("timestamp", record.timestamp());
        read.put("key", record.key());
        read.put("value", record.value());
        List<Object> headers = new ArrayList<>();
        for (Header header : record.headers()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("key", header.key());
            one.put("value", header.value());
            headers.add(one);
        }
        read.put("headers", headers);
        return read;
    }

    private static byte[] bytesOf(MemoryRecords records) {
        byte[] bytes = new byte[records.sizeInBytes()];
        records.buffer().duplicate().get(bytes);
        return bytes;
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
