package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"io"
	"runtime"
	"time"
)

// DownloadParams say which file is wanted: what an operation names, or one whose address is known.
type DownloadParams struct {
	// Operation names the file: "GET /v3/bill/tradebill".
	Operation string
	// Path, Query and Body are those of the operation; see [Params].
	Path  map[string]string
	Query map[string]string
	Body  any
	// File is given in place of Operation where the provider was asked before.
	File *FileAddress

	// Timeout bounds the download with all its requests, one hour where it is zero; a deadline of the context that is nearer wins.
	Timeout time.Duration
	// Wait is how long to wait for a file that is still being made, such as a receipt.
	Wait time.Duration
	// MaxAttempts bounds the attempts of each request; 1 means no retry.
	MaxAttempts int
	// MaxBytes is the longest the file may become when it is unpacked.
	MaxBytes int64
	// MaxRatio is how many bytes one received byte may become.
	MaxRatio int64
	// AllowUnverified takes a file for which the provider gives no hash, and nobody vouches.
	AllowUnverified bool
	// TraceID is copied into log records; see also [ContextWithTraceID].
	TraceID string
}

// FileAddress is what the provider says about a file, under the provider's names.
type FileAddress struct {
	DownloadURL string `json:"download_url"`
	HashType    string `json:"hash_type,omitempty"`
	HashValue   string `json:"hash_value,omitempty"`
	// EncryptKey and Nonce are there where the file is encrypted.
	EncryptKey string `json:"encrypt_key,omitempty"`
	Nonce      string `json:"nonce,omitempty"`
	// TarType is "GZIP" where the file is compressed.
	TarType string `json:"tar_type,omitempty"`
	// Algorithm of the encryption, "AEAD_AES_256_GCM".
	Algorithm string `json:"algorithm,omitempty"`
}

// DownloadInfo tells how far a download is.
type DownloadInfo struct {
	// Complete says that all of the file came and every check has passed.
	Complete bool `json:"complete"`
	// Verified says that it has the hash that the provider gave for it; false only with [DownloadParams.AllowUnverified].
	Verified bool `json:"verified"`
	// Bytes of the file so far, unpacked.
	Bytes int64 `json:"bytes"`
	// ReceivedBytes came over the network.
	ReceivedBytes int64 `json:"received_bytes"`
	// Attempts counts the requests for files that came.
	Attempts int `json:"attempts"`
	// Host is the address that the last part came from.
	Host string `json:"host"`
}

// Download is a file on its way: decrypted, decompressed and hashed while it is read, in bounded memory. It is an [io.ReadCloser] for one
// goroutine at a time.
//
// Read returns [io.EOF] only when all of the file came and every check has passed; before that nothing that was read may be relied
// on. Any other end is an [*Error].
type Download struct {
	client  *Client
	handle  *C.payseal_download
	ctx     context.Context
	cancel  cancellation
	cleanup runtime.Cleanup
	over    *overHTTP
	closed  bool
}

// Download begins a download. Nothing is sent before the first Read or SaveTo. The end of ctx ends it, also in the middle. Close it.
func (c *Client) Download(ctx context.Context, params DownloadParams) (*Download, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	encoded, err := params.encode(ctx)
	if err != nil {
		return nil, err
	}
	download := &Download{client: c, ctx: ctx}
	if c.http != nil {
		download.over = &overHTTP{client: c.http}
	} else if download.cancel, err = cancelWith(ctx); err != nil {
		return nil, err
	}
	data, length := bytesOf(encoded)
	var failure *C.payseal_error
	code := C.payseal_download_new(c.handle, data, length, download.cancel.handle, &download.handle, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		download.cancel.free()
		return nil, err
	}
	download.cleanup = runtime.AddCleanup(download, freeDownload, download.handle)
	return download, nil
}

func freeDownload(handle *C.payseal_download) { C.payseal_download_free(handle) }

// Read reads the next bytes of the file, unpacked.
func (d *Download) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	read, err := d.read(p)
	runtime.KeepAlive(d)
	if err != nil {
		return 0, withCause(d.ctx, err)
	}
	if read == 0 {
		return 0, io.EOF
	}
	return read, nil
}

func (d *Download) read(p []byte) (int, error) {
	if d.over != nil {
		return d.over.read(d, p)
	}
	if err := d.client.calls.acquire(d.ctx); err != nil {
		return 0, err
	}
	defer d.client.calls.release()
	out, length := bytesOf(p)
	var read C.size_t
	var failure *C.payseal_error
	code := C.payseal_download_read(d.handle, out, length, &read, &failure)
	return int(read), takeError(code, failure)
}

// SaveTo reads all of the file into path. Until every check has passed the file has another name, beside its place; then it replaces what
// was there. On failure nothing stays, and what was there is untouched. The file is for its owner alone, mode 0600.
func (d *Download) SaveTo(path string) (DownloadInfo, error) {
	defer runtime.KeepAlive(d)
	if err := d.save(path); err != nil {
		return DownloadInfo{}, withCause(d.ctx, err)
	}
	return d.Info()
}

func (d *Download) save(path string) error {
	data, length := textOf(path)
	var failure *C.payseal_error
	if d.over != nil {
		if err := takeError(C.payseal_download_save_to(d.handle, data, length, &failure), failure); err != nil {
			return err
		}
		_, err := d.over.read(d, nil)
		return err
	}
	if err := d.client.calls.acquire(d.ctx); err != nil {
		return err
	}
	defer d.client.calls.release()
	return takeError(C.payseal_download_save(d.handle, data, length, nil, &failure), failure)
}

// Info tells how far the download is.
func (d *Download) Info() (info DownloadInfo, err error) {
	var native C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_download_info(d.handle, &native, &failure)
	runtime.KeepAlive(d)
	if err := takeError(code, failure); err != nil {
		return info, err
	}
	if err := json.Unmarshal(take(&native), &info); err != nil {
		return info, &Error{Code: ErrInternal, Outcome: OutcomeUnknown, Message: "the library's info cannot be read", cause: err}
	}
	return info, nil
}

// Close hangs up if the file is not at its end, and frees the download. A second Close does nothing. It always returns nil.
func (d *Download) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	if d.over != nil {
		d.over.hangUp()
	}
	d.cleanup.Stop()
	C.payseal_download_free(d.handle)
	d.cancel.free()
	runtime.KeepAlive(d)
	return nil
}

// downloadWire is the JSON of docs/abi.md, "Downloads".
type downloadWire struct {
	Operation string            `json:"operation,omitempty"`
	Path      map[string]string `json:"path,omitempty"`
	Query     map[string]string `json:"query,omitempty"`
	Body      any               `json:"body,omitempty"`
	*FileAddress
	Options downloadOptions `json:"$"`
}

type downloadOptions struct {
	TimeoutMS       int64  `json:"timeout_ms,omitempty"`
	WaitMS          int64  `json:"wait_ms,omitempty"`
	MaxAttempts     int    `json:"max_attempts,omitempty"`
	MaxBytes        int64  `json:"max_bytes,omitempty"`
	MaxRatio        int64  `json:"max_ratio,omitempty"`
	AllowUnverified bool   `json:"allow_unverified,omitempty"`
	TraceID         string `json:"trace_id,omitempty"`
}

func (p DownloadParams) encode(ctx context.Context) ([]byte, error) {
	trace := p.TraceID
	if trace == "" {
		trace = traceID(ctx)
	}
	return marshal(downloadWire{Operation: p.Operation, Path: p.Path, Query: p.Query, Body: p.Body, FileAddress: p.File,
		Options: downloadOptions{
			TimeoutMS:       nearest(ctx, p.Timeout, maxDownload),
			WaitMS:          int64(p.Wait / time.Millisecond),
			MaxAttempts:     p.MaxAttempts,
			MaxBytes:        p.MaxBytes,
			MaxRatio:        p.MaxRatio,
			AllowUnverified: p.AllowUnverified,
			TraceID:         trace,
		}})
}

// maxDownload is the longest the library takes; a context may well have a later deadline.
const maxDownload = 24 * time.Hour
