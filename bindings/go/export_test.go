package payseal

import "context"

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
