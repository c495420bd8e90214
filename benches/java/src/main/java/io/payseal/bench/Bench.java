package io.payseal.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * payseal beside wechatpay-java and alipay-sdk-java. {@code Bench FOLDER} prints a JSON line for each measurement, {@code Bench FOLDER memory ours|peer}
 * prints resident KiB, {@code Bench FOLDER bill ours|peer} what was resident at most while a bill of 2 GB was read, and the MB/s.
 */
public final class Bench {
    private static final int ROUNDS = 60;
    private static final long TURN_NS = 50_000_000L;
    private static final int CALLERS = 8;
    private static final long SPAN_NS = 1_500_000_000L;

    private Bench() {}

    public static void main(String[] arguments) throws Exception {
        Fixture fixture = Fixture.read(Path.of(arguments[0]));
        if (arguments.length == 3) {
            Subject subject = arguments[2].equals("ours") ? new Ours(fixture) : new Peer(fixture);
            if (arguments[1].equals("bill")) {
                bill(subject);
            } else {
                memory(subject);
            }
            return;
        }
        Subject ours = new Ours(fixture);
        Subject peer = new Peer(fixture);
        inTurns("client_new", "clients/s", ours::clientNew, peer::clientNew);
        inTurns("sign_request", "requests/s", ours::signRequest, peer::signRequest);
        inTurns("open_notification", "notifications/s", ours::openNotification, peer::openNotification);
        roundTrips(ours, peer);
        AlipayBench app = AlipayBench.read(Path.of(arguments[0]));
        inTurns("alipay_sign", "orders/s", app::sign, app::signPeer);
        inTurns("alipay_notification", "notifications/s", app::openNotification, app::openNotificationPeer);
        System.exit(0); // okhttp keeps threads
    }

    /** The best batch of each; they take turns, so that what else the machine does falls on both alike. */
    private static void inTurns(String name, String unit, Runnable ours, Runnable peer) {
        double bestOurs = 0;
        double bestPeer = 0;
        for (int round = 0; round < ROUNDS; round++) {
            bestOurs = Math.max(bestOurs, batch(ours));
            bestPeer = Math.max(bestPeer, batch(peer));
        }
        report(name, unit, bestOurs, bestPeer);
    }

    /** Calls per second over one turn, long enough for garbage to be collected in it. */
    private static double batch(Runnable work) {
        long start = System.nanoTime();
        int calls = 0;
        for (; System.nanoTime() - start < TURN_NS; calls++) {
            work.run();
        }
        return calls * 1e9 / (System.nanoTime() - start);
    }

    private static void roundTrips(Subject ours, Subject peer) throws Exception {
        double bestOurs = 0;
        double bestPeer = 0;
        for (int round = 0; round < 5; round++) {
            bestOurs = Math.max(bestOurs, concurrently(ours::roundTrip));
            bestPeer = Math.max(bestPeer, concurrently(peer::roundTrip));
        }
        report("round_trip", "requests/s", bestOurs, bestPeer);
    }

    private static double concurrently(Runnable work) throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
        try {
            long start = System.nanoTime();
            List<Callable<Integer>> tasks = new ArrayList<>();
            for (int caller = 0; caller < CALLERS; caller++) {
                tasks.add(() -> repeatedly(work, start));
            }
            int total = 0;
            for (var result : callers.invokeAll(tasks)) {
                total += result.get();
            }
            return total * 1e9 / (System.nanoTime() - start);
        } finally {
            callers.shutdown();
        }
    }

    private static int repeatedly(Runnable work, long start) {
        int count = 0;
        for (; System.nanoTime() - start < SPAN_NS; count++) {
            work.run();
        }
        return count;
    }

    private static void report(String name, String unit, double ours, double peer) {
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"%s.java\",\"ours\":%.0f,\"peer\":%.0f,\"unit\":\"%s\",\"ratio\":%.3f}%n",
                name,
                ours,
                peer,
                unit,
                ours / peer);
    }

    private static void memory(Subject subject) throws IOException {
        for (int i = 0; i < 200; i++) {
            subject.openNotification();
            subject.roundTrip();
        }
        System.out.println(status("VmRSS"));
        System.exit(0);
    }

    private static void bill(Subject subject) throws IOException {
        subject.roundTrip();
        long start = System.nanoTime();
        long bytes = subject.bill();
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(Locale.ROOT, "%d %.0f%n", status("VmHWM"), bytes / 1e6 / seconds);
        System.exit(0);
    }

    private static long status(String name) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(name + ":")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new IOException("there is no " + name);
    }
}
