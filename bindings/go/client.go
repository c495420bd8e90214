package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"net/http"
	"runtime"
	"sync/atomic"
)

// Client talks to a provider for one merchant. It is immutable and may be used by any number of goroutines at once, also while
// another closes it.
type Client struct {
	// The handle is a number that the library checks, not an address: a closed client answers with ErrInvalidHandle.
	handle  *C.payseal_client
	closed  atomic.Bool
	cleanup runtime.Cleanup

	http          *http.Client
	calls         limit
	notifications limit
}

// NewClient makes a client. A configuration that cannot work is refused here, with an [*Error] of [KindConfiguration] that names the
// mistake and the field. Close the client when it is no longer needed.
func NewClient(config Config, options ...Option) (*Client, error) {
	encoded, err := marshal(config)
	if err != nil {
		return nil, err
	}
	defer clear(encoded) // it holds the keys
	return NewClientFromJSON(encoded, options...)
}

// NewClientFromJSON makes a client from the JSON object that [Config] mirrors; a key that does not exist is refused.
func NewClientFromJSON(config []byte, options ...Option) (*Client, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	settings := settings{calls: sharedCalls, notifications: sharedNotifications}
	for _, option := range options {
		option(&settings)
	}
	if settings.err != nil {
		return nil, settings.err
	}
	data, length := bytesOf(config)
	var handle *C.payseal_client
	var failure *C.payseal_error
	if err := takeError(C.payseal_client_new(data, length, settings.callbacks(), &handle, &failure), failure); err != nil {
		return nil, err
	}
	client := &Client{handle: handle, http: settings.http, calls: settings.calls, notifications: settings.notifications}
	// The net under a forgotten Close. Every method keeps the client alive until the library returned.
	client.cleanup = runtime.AddCleanup(client, freeClient, handle)
	return client, nil
}

// Close frees the client; calls that are under way finish. Calls made later fail with [ErrInvalidHandle], a second Close does nothing.
// It always returns nil and is here to fit [io.Closer].
func (c *Client) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.cleanup.Stop()
		C.payseal_client_free(c.handle)
		runtime.KeepAlive(c)
	}
	return nil
}

func freeClient(handle *C.payseal_client) { C.payseal_client_free(handle) }
