package io.payseal.publishers;

import io.payseal.payments.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.XAddParams;

/**
 * Publishes to a stream of Redis. A message is confirmed once Redis has added it, and as many replicas as are asked for have it too. Whether that outlives the
 * machine is a setting of Redis: only with {@code appendfsync always} is it on the disk by then. The stream has to exist, as it does from the time on at
 * which a consumer group was made ({@code XGROUP CREATE payments warehouse $ MKSTREAM}); without it a message would have no reader, and is not confirmed.
 */
public final class RedisPublisher extends SessionPublisher {
    private final HostAndPort address;
    private final JedisClientConfig config;
    private final Stream stream;

    /**
     * Which stream, and what has to be true of it.
     *
     * @param name its key
     * @param maxLen how many entries it keeps, or somewhat more; older ones are gone, whether they were read or not. 0 keeps all
     * @param replicas how many of them must have a message
     */
    public record Stream(String name, long maxLen, int replicas) {
        /**
         * A stream that keeps everything, on one server.
         *
         * @param name its key
         */
        public Stream(String name) {
            this(name, 0, 0);
        }
    }

    /**
     * A publisher that does not connect yet.
     *
     * @param address of the server
     * @param config how to connect, such as user, password and TLS
     * @param stream where to
     * @param timeout for connecting, and for the answer
     */
    public RedisPublisher(HostAndPort address, JedisClientConfig config, Stream stream, Duration timeout) {
        super(timeout);
        this.address = address;
        int ms = (int) Math.max(1, timeout.toMillis());
        this.config = DefaultJedisClientConfig.builder()
                .from(config)
                .connectionTimeoutMillis(ms)
                .socketTimeoutMillis(ms)
                .build();
        this.stream = stream;
    }

    @Override
    Session connect(Deadline deadline) {
        return new Pipelining(new Connection(address, config), stream);
    }

    private record Pipelining(Connection connection, Stream stream) implements Session {
        @Override
        public boolean isLost() {
            return connection.isBroken() || !connection.isConnected();
        }

        @Override
        public Map<Message, NotConfirmedException> publish(List<Message> messages, Deadline deadline) {
            List<Response<StreamEntryID>> added = new ArrayList<>();
            NotConfirmedException ofAll = null;
            // Not closed: that would return the connection to a pool, which has none.
            try {
                Pipeline pipeline = new Pipeline(connection);
                for (Message message : messages) {
                    added.add(pipeline.xadd(stream.name, fields(message), params()));
                }
                // Half of the time, so that the answer comes in time.
                Response<Long> copies = stream.replicas > 0
                        ? pipeline.waitReplicas(
                                stream.replicas, Math.max(1, deadline.left().toMillis() / 2))
                        : null;
                pipeline.sync();
                if (copies != null && copies.get() < stream.replicas) {
                    ofAll = NotConfirmedException.refused(
                            "confirmed by " + copies.get() + " of " + stream.replicas + " replicas", null);
                }
            } catch (JedisException failed) {
                ofAll = NotConfirmedException.unknown("not confirmed by stream " + stream.name, failed);
            }
            Map<Message, NotConfirmedException> failed = new LinkedHashMap<>();
            for (int i = 0; i < messages.size(); i++) {
                NotConfirmedException why = ofAll != null ? ofAll : failure(added.get(i));
                if (why != null) {
                    failed.put(messages.get(i), why);
                }
            }
            return failed;
        }

        private NotConfirmedException failure(Response<StreamEntryID> added) {
            try {
                return added.get() != null
                        ? null
                        : NotConfirmedException.refused(
                                "there is no stream " + stream.name + ": it is made by XGROUP CREATE with MKSTREAM",
                                null);
            } catch (JedisDataException refused) {
                return NotConfirmedException.refused(
                        "not confirmed by stream " + stream.name + ": " + refused.getMessage(), refused);
            } catch (RuntimeException unknown) {
                return NotConfirmedException.unknown("not confirmed by stream " + stream.name, unknown);
            }
        }

        private XAddParams params() {
            XAddParams params = XAddParams.xAddParams().noMkStream();
            return stream.maxLen > 0 ? params.maxLen(stream.maxLen).approximateTrimming() : params;
        }

        @Override
        public void close() {
            connection.close();
        }
    }

    private static Map<String, String> fields(Message message) {
        return Map.of(
                "message_id", message.messageId(),
                "topic", message.topic(),
                "order_no", message.orderNo(),
                "created_ms", Long.toString(message.createdAt().toEpochMilli()),
                "payload", message.payload());
    }
}
