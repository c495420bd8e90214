package io.payseal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;

/**
 * Finds the native library. {@code payseal.library.path} names the file itself; otherwise the one in the jar is copied to
 * {@code payseal.extract.dir}, or else to {@code java.io.tmpdir}, loaded and deleted again.
 */
final class Library {
    private static final String PATH = "payseal.library.path";
    private static final String EXTRACT_DIR = "payseal.extract.dir";

    private Library() {}

    static void load() {
        String path = System.getProperty(PATH);
        if (path != null) {
            System.load(Path.of(path).toAbsolutePath().toString());
            return;
        }
        String resource = "/native/" + platform() + "/libpayseal_jni.so";
        try (InputStream library = Library.class.getResourceAsStream(resource)) {
            if (library == null) {
                throw new UnsatisfiedLinkError(
                        "this jar has no " + resource + "; set " + PATH + " to the library's file");
            }
            extractAndLoad(library);
        } catch (IOException e) {
            throw linkError("cannot extract " + resource, e);
        }
    }

    private static void extractAndLoad(InputStream library) throws IOException {
        String chosen = System.getProperty(EXTRACT_DIR);
        Path folder = freshFolder(Path.of(chosen != null ? chosen : System.getProperty("java.io.tmpdir")));
        Path file = folder.resolve("libpayseal_jni.so");
        try {
            Files.copy(library, file);
            System.load(file.toAbsolutePath().toString());
        } catch (UnsatisfiedLinkError e) {
            throw linkError(
                    "cannot load the library from " + folder + "; if that folder does not allow execution, set "
                            + EXTRACT_DIR,
                    e);
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(folder);
        }
    }

    /** Only this user can enter it: nobody can put another file there between writing and loading. */
    static Path freshFolder(Path parent) throws IOException {
        Files.createDirectories(parent);
        return Files.createTempDirectory(
                parent, "payseal-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    private static String platform() {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch");
        return os + "-" + (arch.equals("amd64") ? "x86_64" : arch);
    }

    private static UnsatisfiedLinkError linkError(String message, Throwable cause) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError(message + ": " + cause.getMessage());
        error.initCause(cause);
        return error;
    }
}
