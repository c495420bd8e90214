package payseal

/*
#include "payseal.h"

#cgo noescape payseal_operations
#cgo nocallback payseal_operations
*/
import "C"

import "encoding/json"

// Operation is a catalogued operation of a provider.
type Operation struct {
	// Name is what [Client.Execute] takes.
	Name string `json:"name"`
	// Title says what it does.
	Title string `json:"title"`
	// Repeat says whether and how it may be repeated without doing it twice.
	Repeat string `json:"repeat"`
}

// Operations lists the catalogued operations of a provider, [WeChat]. Others can be called by their name all the same.
func Operations(provider string) ([]Operation, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	providerData, providerLen := textOf(provider)
	var encoded C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_operations(providerData, providerLen, &encoded, &failure)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	var operations []Operation
	if err := json.Unmarshal(take(&encoded), &operations); err != nil {
		return nil, &Error{Code: ErrInternal, Outcome: OutcomeNotSent, Message: "the library's operations cannot be read", cause: err}
	}
	return operations, nil
}
