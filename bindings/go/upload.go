package payseal

import (
	"context"
	"io"
)

// maxUpload is the longest payload that the library takes.
const maxUpload = 64 << 20

// Upload sends a file by an operation that takes one, "POST /v3/merchant/media/upload". The part "meta", which is signed, is made of its
// name and SHA-256. The answer's body has what the provider calls the file from now on, such as its media_id; see the package
// wechat/files. A file is read into memory, at most 64 MiB.
func (c *Client) Upload(ctx context.Context, operation, filename string, content io.Reader) (*Result, error) {
	// One byte above the limit, so that the library sees that it was passed.
	data, err := io.ReadAll(io.LimitReader(content, maxUpload+1))
	if err != nil {
		return nil, err
	}
	return c.Execute(ctx, operation, Params{Payload: data, Options: Options{Filename: filename}})
}
