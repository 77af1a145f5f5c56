package barnabas.vectors;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Fills a generated message with values for the fields that its schema has in one version, and only those: what a version
 * does not have keeps its default, so that writing never refuses it.
 */
final class Fill {
    /** What the values of one vector are like. */
    enum Style {
        /** Nothing set. */
        DEFAULT,
        /** Every field another value than its default; two elements in arrays. */
        FULL,
        /** Null wherever null is legal, otherwise as FULL with one element in arrays. */
        NULL,
        /** Empty strings, bytes and arrays, zeros and false. */
        EMPTY,
        /** Ends of the number ranges, strings beyond ASCII and beyond one byte of length, three elements in outer arrays. */
        EXTREME,
        /** As FULL with tagged fields that nobody knows, in every struct. */
        UNKNOWN_TAGS
    }

    private final Style style;
    private int count = 0;

    private Fill(Style style) {
        this.style = style;
    }

    static void message(Message message, Schema schema, Style style) throws ReflectiveOperationException {
        new Fill(style).fill(message, schema, 0);
    }

    private void fill(Message message, Schema schema, int depth) throws ReflectiveOperationException {
        if (style == Style.DEFAULT) return;
        Map<String, Field> fields = fieldsOf(message.getClass());
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tagged) {
                for (var field : tagged.fields().values()) set(message, fields, field, depth);
                if (style == Style.UNKNOWN_TAGS) {
                    message.unknownTaggedFields().add(new RawTaggedField(10_000 + depth, new byte[] {1, 2, 3}));
                    message.unknownTaggedFields().add(new RawTaggedField(2_000_000, new byte[0]));
                }
            } else {
                set(message, fields, bound.def, depth);
            }
        }
    }

    private void set(
            Message message,
            Map<String, Field> fields,
            org.apache.kafka.common.protocol.types.Field def,
            int depth) throws ReflectiveOperationException {
        Field field = fields.get(def.name);
        if (field == null) throw new IllegalStateException("No field " + def.name + " in " + message.getClass());
        field.set(message, value(field, field.getType(), field.getGenericType(), def.type, depth));
    }

    private Object value(
            Field field,
            Class<?> type,
            Type generic,
            org.apache.kafka.common.protocol.types.Type wire,
            int depth) throws ReflectiveOperationException {
        count++;
        if (style == Style.NULL && wire.isNullable()) return null;
        if (wire.isArray()) return array(field, type, generic, wire.arrayElementType().orElseThrow(), depth);
        if (wire instanceof Schema schema) return struct(type, schema, depth + 1);
        return primitive(field.getName(), type, wire);
    }

    private Object array(
            Field field,
            Class<?> type,
            Type generic,
            org.apache.kafka.common.protocol.types.Type element,
            int depth) throws ReflectiveOperationException {
        int length = switch (style) {
            case EMPTY -> 0;
            case NULL -> 1;
            case EXTREME -> depth == 0 ? 3 : 1;
            default -> 2;
        };
        Collection<Object> values;
        Type elementType;
        if (type == List.class) {
            values = new ArrayList<>();
            elementType = ((ParameterizedType) generic).getActualTypeArguments()[0];
        } else {
            // One of the generated collections, a hash set in the order of insertion.
            @SuppressWarnings("unchecked")
            Collection<Object> own = (Collection<Object>) newInstance(type);
            values = own;
            elementType = ((ParameterizedType) type.getGenericSuperclass()).getActualTypeArguments()[0];
        }
        for (int index = 0; index < length; index++) {
            Class<?> elementClass =
                    (Class<?>) (elementType instanceof ParameterizedType nested ? nested.getRawType() : elementType);
            values.add(value(field, elementClass, elementType, element, depth + 1));
        }
        return values;
    }

    private Object struct(Class<?> type, Schema schema, int depth) throws ReflectiveOperationException {
        Message message = (Message) newInstance(type);
        fill(message, schema, depth);
        return message;
    }

    private Object primitive(String name, Class<?> type, org.apache.kafka.common.protocol.types.Type wire) {
        boolean empty = style == Style.EMPTY;
        boolean extreme = style == Style.EXTREME;
        boolean even = count % 2 == 0;
        switch (wire.toString()) {
            case "BOOLEAN":
                return !empty && (extreme ? even : true);
            case "INT8":
                return empty ? (byte) 0 : extreme ? (even ? Byte.MAX_VALUE : Byte.MIN_VALUE) : (byte) (1 + count % 100);
            case "INT16":
                return empty ? (short) 0 : extreme ? (even ? Short.MAX_VALUE : Short.MIN_VALUE) : (short) (300 + count);
            case "UINT16":
                return empty ? 0 : extreme ? 65_535 : 40_000 + count;
            case "INT32":
                return empty ? 0 : extreme ? (even ? Integer.MAX_VALUE : Integer.MIN_VALUE) : 70_000 + count;
            case "UINT32":
                return empty ? 0L : extreme ? 4_294_967_295L : 3_000_000_000L + count;
            case "INT64":
                // JavaScript's numbers end at 2^53, and so do the offsets, times and ids that we take.
                return empty ? 0L : extreme ? (even ? (1L << 53) - 1 : -(1L << 53) + 1) : (1L << 40) + count;
            case "FLOAT64":
                return empty ? 0.0 : extreme ? (even ? Double.MAX_VALUE : -Double.MIN_VALUE) : 0.5 + count;
            case "UUID":
                return empty ? Uuid.ZERO_UUID : extreme ? new Uuid(-1L, -count) : new Uuid(0x0102030405060708L, count);
            default:
                break;
        }
        if (type == String.class) return empty ? "" : string(name);
        byte[] bytes = empty ? new byte[0] : extreme ? new byte[200] : new byte[] {(byte) count, 0, (byte) 0xff};
        if (type == byte[].class) return bytes;
        if (type == ByteBuffer.class) return ByteBuffer.wrap(bytes);
        if (BaseRecords.class.isAssignableFrom(type)) {
            return MemoryRecords.readableRecords(ByteBuffer.wrap(empty ? bytes : Batches.small(count)));
        }
        throw new IllegalStateException("No value for " + wire + " in " + type);
    }

    private String string(String name) {
        if (style != Style.EXTREME) return name + "-" + count;
        return switch (count % 3) {
            case 0 -> "x".repeat(130);
            case 1 -> "Grüße, 世界, 🦄 " + count;
            default -> new String("\u0000 \" \\ \u007f".getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        };
    }

    /** A generated class's own fields by their name on the wire, in the order of declaration. */
    private static Map<String, Field> fieldsOf(Class<?> type) {
        Map<String, Field> fields = new LinkedHashMap<>();
        for (Field field : messageFields(type)) fields.put(snakeCase(field.getName()), field);
        return fields;
    }

    /** The fields of a generated class that are on the wire in one of its versions at least. */
    static List<Field> messageFields(Class<?> type) {
        Set<String> names = wireNames(type);
        List<Field> fields = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers()) || !names.contains(snakeCase(field.getName()))) continue;
            field.setAccessible(true);
            fields.add(field);
        }
        return fields;
    }

    private static Set<String> wireNames(Class<?> type) {
        Set<String> names = new HashSet<>();
        for (Schema schema : schemasOf(type)) {
            if (schema == null) continue;
            for (BoundField bound : schema.fields()) {
                if (bound.def.type instanceof TaggedFields tagged) {
                    for (var field : tagged.fields().values()) names.add(field.name);
                } else {
                    names.add(bound.def.name);
                }
            }
        }
        return names;
    }

    private static Schema[] schemasOf(Class<?> type) {
        try {
            return (Schema[]) type.getField("SCHEMAS").get(null);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    private static String snakeCase(String camelCase) {
        StringBuilder snake = new StringBuilder();
        boolean first = true;
        for (char letter : camelCase.toCharArray()) {
            if (Character.isUpperCase(letter) && !first) snake.append('_');
            snake.append(Character.toLowerCase(letter));
            first = false;
        }
        return snake.toString();
    }

    private static Object newInstance(Class<?> type) throws ReflectiveOperationException {
        var constructor = type.getDeclaredConstructor();
        constructor.setAccessible(true);
        return constructor.newInstance();
    }
}
