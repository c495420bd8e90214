package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"encoding/json"
	"runtime"
)

// Returned is what the payer's browser brought back and the provider had signed. It passed through the payer's hands: it says which order the
// payer comes from, and nothing in it says that the order is paid.
type Returned struct {
	// Provider is "alipay".
	Provider string `json:"provider"`
	// Merchant is whom the client is for, the app id.
	Merchant string `json:"merchant"`
	// ConfirmWith names the operation that tells whether the order is paid, "alipay.trade.query".
	ConfirmWith string `json:"confirm_with"`
	// Fields are the signed ones, such as "out_trade_no".
	Fields map[string]string `json:"fields"`
}

// OpenReturn verifies the query with which the payer's browser came back to the return_url, r.URL.RawQuery. A notification is refused here,
// as a return is refused by [Client.OpenNotification].
func (c *Client) OpenReturn(rawQuery string) (*Returned, error) {
	data, length := textOf(rawQuery)
	var out C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_return_open(c.handle, data, length, &out, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	returned := new(Returned)
	if err := json.Unmarshal(take(&out), returned); err != nil {
		return nil, &Error{Code: ErrInternal, Outcome: OutcomeMalformed, Message: "the library's account of a return cannot be read", cause: err}
	}
	return returned, nil
}
