package io.payseal;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A QR code, of a {@code code_url} for example. The same text and settings give the same bytes. Not safe for use by several threads
 * at once.
 *
 * <pre>{@code
 * byte[] image = QrCode.of(order.codeUrl()).scale(6).png();
 * }</pre>
 */
public final class QrCode {
    private final String text;
    private final Map<String, Object> options = new LinkedHashMap<>();

    private QrCode(String text) {
        this.text = Objects.requireNonNull(text, "text");
    }

    /**
     * A code in black and white.
     *
     * @param text 1 to 1000 bytes in UTF-8
     * @return the code
     */
    public static QrCode of(String text) {
        return new QrCode(text);
    }

    /**
     * The size of a module.
     *
     * @param scale pixels (PNG) or units (SVG) of its side, 1 to 64; by default 8
     * @return this code
     */
    public QrCode scale(int scale) {
        options.put("scale", scale);
        return this;
    }

    /**
     * The quiet zone around the code.
     *
     * @param modules 0 to 32; by default the 4 that the standard wants
     * @return this code
     */
    public QrCode margin(int modules) {
        options.put("margin", modules);
        return this;
    }

    /**
     * How much of the code may be damaged.
     *
     * @param level by default {@link ErrorCorrection#M}
     * @return this code
     */
    public QrCode errorCorrection(ErrorCorrection level) {
        options.put("error_correction", level.name());
        return this;
    }

    /**
     * The colours.
     *
     * @param dark a colour such as {@code "#1aad19"}
     * @param light the other colour
     * @return this code
     */
    public QrCode colours(String dark, String light) {
        options.put("dark", dark);
        options.put("light", light);
        return this;
    }

    /**
     * The code as an image.
     *
     * @return a PNG
     * @throws ArgumentException when text or a setting is out of its range
     */
    public byte[] png() {
        return encode("png");
    }

    /**
     * The code as a drawing.
     *
     * @return an SVG document
     * @throws ArgumentException when text or a setting is out of its range
     */
    public String svg() {
        return new String(encode("svg"), StandardCharsets.UTF_8);
    }

    private byte[] encode(String format) {
        Map<String, Object> all = new LinkedHashMap<>(options);
        all.put("format", format);
        return Native.qrEncode(text.getBytes(StandardCharsets.UTF_8), Json.write(all));
    }

    /** How much of a code may be damaged: about 7, 15, 25 and 30 percent. */
    public enum ErrorCorrection {
        /** About 7 percent. */
        L,
        /** About 15 percent. */
        M,
        /** About 25 percent. */
        Q,
        /** About 30 percent. */
        H
    }
}
