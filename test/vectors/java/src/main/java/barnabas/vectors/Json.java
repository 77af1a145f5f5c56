package barnabas.vectors;

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Writes values as JSON: maps and messages as objects (of a message every field, those a version does not have with their
 * default), bytes and records in base64, uuids as Kafka prints them, a long that JavaScript's numbers cannot hold as string.
 */
final class Json {
    private static final long MAX_SAFE_INTEGER = (1L << 53) - 1;

    static String of(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    static String base64(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return Base64.getEncoder().encodeToString(copy);
    }

    private static void write(Object value, StringBuilder out) {
        if (value == null || value instanceof Boolean) out.append(value);
        else if (value instanceof Long number) writeLong(number, out);
        else if (value instanceof Number) out.append(value);
        else if (value instanceof String text) writeString(text, out);
        else if (value instanceof Uuid uuid) writeString(uuid.toString(), out);
        else if (value instanceof byte[] bytes) writeString(base64(ByteBuffer.wrap(bytes)), out);
        else if (value instanceof ByteBuffer bytes) writeString(base64(bytes), out);
        else if (value instanceof MemoryRecords records) writeString(base64(records.buffer()), out);
        else if (value instanceof Collection<?> values) writeArray(values, out);
        else if (value instanceof Map<?, ?> map) writeMap(map, out);
        else if (value instanceof Message message) writeMessage(message, out);
        else throw new IllegalStateException("No JSON for " + value.getClass());
    }

    private static void writeLong(long number, StringBuilder out) {
        if (Math.abs(number) <= MAX_SAFE_INTEGER) out.append(number);
        else out.append('"').append(number).append('"');
    }

    private static void writeArray(Collection<?> values, StringBuilder out) {
        String separator = "";
        out.append('[');
        for (Object value : values) {
            out.append(separator);
            write(value, out);
            separator = ",";
        }
        out.append(']');
    }

    private static void writeMap(Map<?, ?> map, StringBuilder out) {
        String separator = "";
        out.append('{');
        for (var entry : map.entrySet()) {
            out.append(separator);
            writeString(entry.getKey().toString(), out);
            out.append(':');
            write(entry.getValue(), out);
            separator = ",";
        }
        out.append('}');
    }

    private static void writeMessage(Message message, StringBuilder out) {
        String separator = "";
        out.append('{');
        for (Field field : Fill.messageFields(message.getClass())) {
            out.append(separator);
            writeString(field.getName(), out);
            out.append(':');
            try {
                write(field.get(message), out);
            } catch (IllegalAccessException error) {
                throw new IllegalStateException(error);
            }
            separator = ",";
        }
        out.append('}');
    }

    private static void writeString(String text, StringBuilder out) {
        out.append('"');
        for (char letter : text.toCharArray()) {
            if (letter == '"' || letter == '\\') out.append('\\').append(letter);
            else if (letter < 0x20 || letter == 0x7f) out.append(String.format("\\u%04x", (int) letter));
            else out.append(letter);
        }
        out.append('"');
    }
}
