package io.payseal.wechat.files;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.payseal.PaysealClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Images and videos for WeChat Pay. A file is read into memory; the provider takes a few megabytes. */
public final class Uploads {
    private Uploads() {}

    /**
     * Sends an image of a merchant's documents, at most 2 MB.
     *
     * @param client the merchant
     * @param image the file
     * @return its {@code media_id}, which is used as it is
     * @throws IOException when the file cannot be read
     */
    public static String image(PaysealClient client, Path image) throws IOException {
        return mediaId(client, "POST /v3/merchant/media/upload", image);
    }

    /**
     * Sends a video of a merchant's documents, at most 5 MB.
     *
     * @param client the merchant
     * @param video the file
     * @return its {@code media_id}
     * @throws IOException when the file cannot be read
     */
    public static String video(PaysealClient client, Path video) throws IOException {
        return mediaId(client, "POST /v3/merchant/media/video_upload", video);
    }

    /**
     * Sends an image for the answer to a complaint, at most 2 MB.
     *
     * @param client the merchant
     * @param image the file
     * @return its {@code media_id}
     * @throws IOException when the file cannot be read
     */
    public static String complaintImage(PaysealClient client, Path image) throws IOException {
        return mediaId(client, "POST /v3/merchant-service/images/upload", image);
    }

    /**
     * Sends an image for coupons, at most 2 MB.
     *
     * @param client the merchant
     * @param image the file
     * @return its address
     * @throws IOException when the file cannot be read
     */
    public static String marketingImage(PaysealClient client, Path image) throws IOException {
        return upload(client, "POST /v3/marketing/favor/media/image-upload", image).mediaUrl;
    }

    private static String mediaId(PaysealClient client, String operation, Path file) throws IOException {
        return upload(client, operation, file).mediaId;
    }

    private static Media upload(PaysealClient client, String operation, Path file) throws IOException {
        String name = file.getFileName().toString();
        return client.upload(operation, name, Files.readAllBytes(file)).as(Media.class);
    }

    private record Media(
            @JsonProperty("media_id") String mediaId,
            @JsonProperty("media_url") String mediaUrl) {}
}
