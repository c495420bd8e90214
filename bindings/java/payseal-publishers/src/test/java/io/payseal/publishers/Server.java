package io.payseal.publishers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A broker that the test alone uses, and may kill. After a restart it has its data and its address. */
final class Server implements AutoCloseable {
    final String address;
    private final String name;
    private final Process process;
    private final BufferedReader answers;

    Server(Broker broker) {
        name = broker.name();
        Path program = Path.of(System.getProperty("payseal.checkout"), "scripts", "services.py");
        try {
            process = new ProcessBuilder("python3", program.toString(), name, "--obey")
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        answers = process.inputReader(StandardCharsets.UTF_8);
        address = answer().replace("export " + broker.variable() + "=", "");
    }

    void kill() {
        order("kill");
    }

    void restart() {
        order("restart");
    }

    private void order(String order) {
        try {
            process.getOutputStream().write((order + " " + name + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        if (!"done".equals(answer())) {
            throw new IllegalStateException("services.py has not done it: " + order);
        }
    }

    private String answer() {
        try {
            return String.valueOf(answers.readLine());
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** At the end of its input it stops the broker. */
    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        process.onExit().join();
    }
}
