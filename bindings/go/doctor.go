package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"context"
	"encoding/json"
)

// Report is what [Doctor] found.
type Report struct {
	// Healthy says that no finding is a problem.
	Healthy bool `json:"healthy"`
	// Findings are all the things that were looked at.
	Findings []Finding `json:"findings"`
}

// Finding is one thing that [Doctor] looked at.
type Finding struct {
	// Check is the configuration's key, "configuration" for the whole, "online" or "clock".
	Check string `json:"check"`
	// Status is "ok", "warning" or "problem".
	Status string `json:"status"`
	// Message is one sentence, without secrets.
	Message string `json:"message"`
	// Hint says what to do; empty where there is nothing to say.
	Hint string `json:"hint"`
}

// DoctorOptions adjust [Doctor].
type DoctorOptions struct {
	// Online sends the provider's self-test, with the built-in transport.
	Online bool
	// NotifyURL is where the provider may send its test notification.
	NotifyURL string
}

// Doctor looks a configuration over, the JSON object that [NewClientFromJSON] takes: every part of it, not only the first that is wrong, and
// what will be wrong soon. Whatever is wrong with the configuration is in the report; options are those of the client, of which
// [WithHTTPClient] has no effect here. A deadline of ctx bounds the self-test.
func Doctor(ctx context.Context, config []byte, examine DoctorOptions, options ...Option) (*Report, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	settings := settings{}
	for _, option := range options {
		option(&settings)
	}
	if settings.err != nil {
		return nil, settings.err
	}
	encoded, err := marshal(struct {
		Online    bool   `json:"online"`
		TimeoutMS int64  `json:"timeout_ms,omitempty"`
		NotifyURL string `json:"notify_url,omitempty"`
	}{examine.Online, timeoutMS(ctx, 0), examine.NotifyURL})
	if err != nil {
		return nil, err
	}
	configData, configLen := bytesOf(config)
	optionsData, optionsLen := bytesOf(encoded)
	var out C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_doctor(configData, configLen, settings.callbacks(), optionsData, optionsLen, &out, &failure)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	report := new(Report)
	if err := json.Unmarshal(take(&out), report); err != nil {
		return nil, &Error{Code: ErrInternal, Outcome: OutcomeNotSent, Message: "the library's report cannot be read", cause: err}
	}
	return report, nil
}
