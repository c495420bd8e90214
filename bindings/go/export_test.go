package payseal

import (
	"context"
	"reflect"
	"strings"
)

// ExecuteJSON is Execute over WithHTTPClient with parameters as they are on the wire, so that vectors with mistakes in them can be replayed.
func (c *Client) ExecuteJSON(ctx context.Context, operation string, params, payload []byte) (*Result, error) {
	running, err := c.startCall(operation, params, payload)
	if err != nil {
		return nil, err
	}
	defer running.free()
	body, info, err := running.drive(ctx)
	if err != nil {
		return nil, err
	}
	return newResult(body, info)
}

// CodeNames are the codes this package knows.
func CodeNames() map[Code]string { return codeNames }

// OptionKeys are the keys of "$" that this package writes for operations; one belongs to notifications alone.
func OptionKeys() map[string]bool {
	keys := map[string]bool{}
	for options, i := reflect.TypeFor[wireOptions](), 0; i < options.NumField(); i++ {
		name, _, _ := strings.Cut(options.Field(i).Tag.Get("json"), ",")
		keys[name] = true
	}
	delete(keys, "accept_unauthenticated")
	return keys
}

// TimeoutMS is what a call with this context and this option tells the library.
var TimeoutMS = timeoutMS
