package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"context"
	"net/http"
	"runtime"
)

// Router serves the notifications of many merchants at one address: a notification of WeChat Pay names no merchant. It is immutable and may be
// used by any number of goroutines at once; make another when merchants come or go. It does not close its clients.
type Router struct {
	clients []*Client
	handles []*C.payseal_client
}

// NewRouter makes a router for these clients, of which there must be at least one.
func NewRouter(clients ...*Client) (*Router, error) {
	if len(clients) == 0 {
		return nil, &Error{Code: ErrInvalidArgument, Outcome: OutcomeNotSent, Message: "a router needs a client"}
	}
	router := &Router{clients: append([]*Client(nil), clients...)}
	for _, client := range clients {
		router.handles = append(router.handles, client.handle)
	}
	return router, nil
}

// Route returns the client whose notification this is, to open it with. Only one that is genuine is assigned, or one whose signature needs a
// certificate that its merchant can fetch; opening it then decides.
func (r *Router) Route(header http.Header, body []byte) (*Client, error) {
	lines, err := checkedHeaderLines(header)
	if err != nil {
		return nil, err
	}
	headersData, headersLen := bytesOf(lines)
	bodyData, bodyLen := bytesOf(body)
	var index C.size_t
	var failure *C.payseal_error
	code := C.payseal_notification_route(&r.handles[0], C.size_t(len(r.handles)), headersData, headersLen, bodyData, bodyLen, &index, &failure)
	runtime.KeepAlive(r)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	return r.clients[index], nil
}

// OpenNotification reads the body of request, finds the client that it is for and opens it with that client, as [Client.OpenNotification] does.
func (r *Router) OpenNotification(ctx context.Context, request *http.Request, options ...NotificationOption) (*Client, *Event, error) {
	body, err := readNotification(request)
	if err != nil {
		return nil, nil, err
	}
	client, err := r.Route(request.Header, body)
	if err != nil {
		return nil, nil, err
	}
	event, err := client.OpenNotificationRaw(ctx, request.Header, body, options...)
	return client, event, err
}

// NotificationHandler serves the address for all merchants, as [Client.NotificationHandler] does for one; handle also gets the client that the event
// is for.
func (r *Router) NotificationHandler(handle func(ctx context.Context, client *Client, event *Event) error, options ...NotificationOption) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		client, event, err := r.OpenNotification(request.Context(), request, options...)
		if client == nil {
			client = r.clients[0] // a refusal is the same from every client of a provider
		}
		client.answer(w, err, func() error { return handle(request.Context(), client, event) })
	})
}
