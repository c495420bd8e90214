package files

import (
	"context"
	"io"

	payseal "github.com/payseal/payseal/bindings/go"
)

// Uploader is what Upload… need of a client.
type Uploader interface {
	// Upload sends a file; see [payseal.Client.Upload].
	Upload(ctx context.Context, operation, filename string, content io.Reader) (*payseal.Result, error)
}

// UploadImage sends an image of a merchant's documents, at most 2 MB, and returns its media_id, which is used as it is.
func UploadImage(ctx context.Context, client Uploader, filename string, content io.Reader) (string, error) {
	return upload(ctx, client, "POST /v3/merchant/media/upload", filename, content)
}

// UploadVideo sends a video of a merchant's documents, at most 5 MB, and returns its media_id.
func UploadVideo(ctx context.Context, client Uploader, filename string, content io.Reader) (string, error) {
	return upload(ctx, client, "POST /v3/merchant/media/video_upload", filename, content)
}

// UploadComplaintImage sends an image for the answer to a complaint, at most 2 MB, and returns its media_id.
func UploadComplaintImage(ctx context.Context, client Uploader, filename string, content io.Reader) (string, error) {
	return upload(ctx, client, "POST /v3/merchant-service/images/upload", filename, content)
}

// UploadMarketingImage sends an image for coupons, at most 2 MB, and returns its address.
func UploadMarketingImage(ctx context.Context, client Uploader, filename string, content io.Reader) (string, error) {
	var answer struct {
		MediaURL string `json:"media_url"`
	}
	result, err := client.Upload(ctx, "POST /v3/marketing/favor/media/image-upload", filename, content)
	if err != nil {
		return "", err
	}
	err = result.Decode(&answer)
	return answer.MediaURL, err
}

func upload(ctx context.Context, client Uploader, operation, filename string, content io.Reader) (string, error) {
	var answer struct {
		MediaID string `json:"media_id"`
	}
	result, err := client.Upload(ctx, operation, filename, content)
	if err != nil {
		return "", err
	}
	err = result.Decode(&answer)
	return answer.MediaID, err
}
