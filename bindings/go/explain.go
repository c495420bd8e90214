package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"encoding/json"
	"net/http"
	"runtime"
)

// Explanation says why a notification is refused.
type Explanation struct {
	// Accepted says that it is not.
	Accepted bool `json:"accepted"`
	// Code is that of the error that opening gives.
	Code Code `json:"code"`
	// Message is that error's.
	Message string `json:"message"`
	// Cause is one word for the likely mistake, "body_reencoded"; empty where none is known.
	Cause string `json:"cause"`
	// Hint says what to do about it.
	Hint string `json:"hint"`
}

// ExplainNotification says why a notification, saved as it came, is refused. It tries what services and proxies do to bodies and headers by
// mistake and names what would make the signature fit. It is for people who look for a mistake: it costs more than refusing does, fetches no
// certificates, and lets nothing pass.
func (c *Client) ExplainNotification(header http.Header, body []byte) (*Explanation, error) {
	lines, err := checkedHeaderLines(header)
	if err != nil {
		return nil, err
	}
	headersData, headersLen := bytesOf(lines)
	bodyData, bodyLen := bytesOf(body)
	var out C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_notification_explain(c.handle, headersData, headersLen, bodyData, bodyLen, &out, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	explanation := new(Explanation)
	if err := json.Unmarshal(take(&out), explanation); err != nil {
		return nil, &Error{Code: ErrInternal, Outcome: OutcomeNotSent, Message: "the library's explanation cannot be read", cause: err}
	}
	return explanation, nil
}
