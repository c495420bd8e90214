package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"net/http"
	"runtime"
)

// Metrics returns the client's counters and histograms in the Prometheus text format 0.0.4. No label ever holds an order number.
// Programs that use client_golang register the collector of bindings/go/prometheus instead.
func (c *Client) Metrics() ([]byte, error) {
	var text C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_client_metrics(c.handle, &text, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	return take(&text), nil
}

// MetricsHandler serves [Client.Metrics] for a Prometheus server to scrape.
func (c *Client) MetricsHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text, err := c.Metrics()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(text) // the scraper is gone
	})
}
