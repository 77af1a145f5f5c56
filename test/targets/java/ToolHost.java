import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command line tools one after another in one JVM, each as its own main(), because a JVM takes longer to
 * start than a tool to run. One JSON request a line on standard input: {"tool": class, "args": [...], "input": text};
 * one JSON answer a line on standard output: {"exit": code, "stdout": text, "stderr": text}.
 */
public final class ToolHost {
    /** Thrown where a tool calls exit, to leave its main(). Some tools catch and report even that: see Run. */
    private static final class Exited extends RuntimeException {
        Exited() {
            super("exit", null, false, false);
        }
    }

    /** One tool's run. Its first exit call counts, and nothing that it prints afterwards. */
    private static final class Run {
        final ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        final ByteArrayOutputStream stderr = new ByteArrayOutputStream();
        final List<Runnable> shutdownHooks = new CopyOnWriteArrayList<>();
        Integer exit;
        String output;
        String errors;

        synchronized void end(int code) {
            if (exit != null) return;
            exit = code; // what a shutdown hook does to end is the tool's own business
            shutdownHooks.forEach(Runnable::run);
            System.out.flush();
            System.err.flush();
            output = stdout.toString(StandardCharsets.UTF_8);
            errors = stderr.toString(StandardCharsets.UTF_8);
        }
    }

    private static volatile Run current = new Run();

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Exit.setExitProcedure((code, message) -> {
            current.end(code);
            throw new Exited();
        });
        Exit.setHaltProcedure((code, message) -> {
            current.end(code);
            throw new Exited();
        });
        Exit.setShutdownHookAdder((name, hook) -> current.shutdownHooks.add(hook));
        ObjectMapper json = new ObjectMapper();
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            JsonNode request = json.readTree(line);
            List<String> args = new ArrayList<>();
            request.get("args").forEach(argument -> args.add(argument.asText()));
            Run run = new Run();
            current = run;
            System.setOut(new PrintStream(run.stdout, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(run.stderr, true, StandardCharsets.UTF_8));
            System.setIn(new ByteArrayInputStream(request.get("input").asText().getBytes(StandardCharsets.UTF_8)));
            run.end(call(request.get("tool").asText(), args.toArray(new String[0])));
            ObjectNode answer = json.createObjectNode();
            answer.put("exit", run.exit);
            answer.put("stdout", run.output);
            answer.put("stderr", run.errors);
            answers.println(json.writeValueAsString(answer));
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static int call(String tool, String[] args) {
        try {
            Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) args);
            return 0;
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof Exited)) thrown.getCause().printStackTrace();
            return 1;
        } catch (ReflectiveOperationException missing) {
            missing.printStackTrace();
            return 127;
        }
    }
}
