package io.payseal.payments;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Another program that writes to the file of a store until it is closed, so that nobody else can. In this process nobody but the library may open that
 * file.
 */
final class Lock implements AutoCloseable {
    private static final String PROGRAM = """
            import sqlite3, sys
            connection = sqlite3.connect(sys.argv[1], isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
            print(flush=True)
            sys.stdin.read()
            """;

    private final Process process;

    /** Comes back when the file is locked. */
    Lock(Path file) {
        try {
            process = new ProcessBuilder("python3", "-c", PROGRAM, file.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            if (process.getInputStream().read() != '\n') {
                throw new IllegalStateException("the file was not locked");
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** Comes back when the file is free. */
    @Override
    public void close() {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the file is still locked");
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        } finally {
            process.destroyForcibly();
        }
    }
}
