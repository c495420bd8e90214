package payseal

/*
#cgo CFLAGS: -I${SRCDIR}/../../include
#cgo linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux_amd64/libpayseal.a -lm -ldl -lpthread
#cgo linux,arm64 LDFLAGS: ${SRCDIR}/lib/linux_arm64/libpayseal.a -lm -ldl -lpthread
#cgo darwin,amd64 LDFLAGS: ${SRCDIR}/lib/darwin_amd64/libpayseal.a
#cgo darwin,arm64 LDFLAGS: ${SRCDIR}/lib/darwin_arm64/libpayseal.a

// These never call back into Go and keep no pointer, so arguments may stay on the goroutine's stack. Functions that may run a
// callback must not be listed: the callback could move the stack under them.
#cgo noescape payseal_buffer_free
#cgo nocallback payseal_buffer_free
#cgo noescape payseal_error_message
#cgo nocallback payseal_error_message
#cgo noescape payseal_error_details
#cgo nocallback payseal_error_details

#include "payseal.h"
*/
import "C"

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unsafe"
)

// abiVersion is the version of payseal.h that this package was written for.
const abiVersion = 1

// Version returns the version of the native library, for example "0.1.0".
func Version() string {
	return C.GoString(C.payseal_version())
}

// compatible reports whether the linked library speaks the header's language; a stale libpayseal.a is found here and not in a crash.
var compatible = sync.OnceValue(func() error {
	if linked := uint32(C.payseal_abi_version()); linked != abiVersion {
		return &Error{
			Code:    ErrInternal,
			Outcome: OutcomeNotSent,
			Message: fmt.Sprintf("the linked libpayseal.a has ABI version %d, this package needs %d: build the library of the same release", linked, abiVersion),
		}
	}
	return nil
})

// bytesOf lends b to C for the length of one call. The memory holds no Go pointers, as cgo demands.
func bytesOf(b []byte) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(unsafe.SliceData(b)), C.size_t(len(b))
}

// textOf lends s to C for the length of one call.
func textOf(s string) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(unsafe.StringData(s)), C.size_t(len(s))
}

// take copies what the library returned and frees it there. The result is never nil.
func take(buffer *C.payseal_buffer) []byte {
	out := make([]byte, int(buffer.len))
	copy(out, unsafe.Slice((*byte)(buffer.data), int(buffer.len)))
	C.payseal_buffer_free(buffer)
	return out
}

// takeError turns a code and its error object into an *Error and frees the object. PAYSEAL_OK gives nil.
func takeError(code C.int32_t, native *C.payseal_error) error {
	if code == C.PAYSEAL_OK {
		return nil
	}
	defer C.payseal_error_free(native)
	err := &Error{Code: Code(code), Outcome: Outcome(C.payseal_error_outcome(native))}
	var length C.size_t
	err.Message = view(C.payseal_error_message(native, &length), length)
	details := view(C.payseal_error_details(native, &length), length)
	err.Details.Raw = json.RawMessage(details)
	// Details are a help for people; one that cannot be read must not hide the error itself.
	_ = json.Unmarshal(err.Details.Raw, &err.Details)
	return err
}

// view copies text that an error object lends.
func view(data *C.uint8_t, length C.size_t) string {
	if data == nil {
		return ""
	}
	return strings.Clone(unsafe.String((*byte)(data), int(length)))
}
