package payseal

/*
#include <stdlib.h>
#include "payseal.h"
*/
import "C"

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"runtime/cgo"
	"time"
	"unsafe"
)

// The functions below are called by the library, on the thread of a call of this package. A panic must not unwind through its frames,
// so each turns one into the failure its C signature has.

const (
	callbackFailed = -1
	notThere       = 1
)

func settingsOf(user unsafe.Pointer) *settings {
	return (*(*cgo.Handle)(user)).Value().(*settings)
}

//export payseal_go_log
func payseal_go_log(user unsafe.Pointer, level C.int32_t, record *C.uint8_t, length C.size_t) {
	defer func() { _ = recover() }() // a broken log handler must not break a payment
	logger := settingsOf(user).logger
	if level := slogLevel(int32(level)); logger.Enabled(context.Background(), level) {
		logRecord(logger, level, unsafe.Slice((*byte)(record), int(length)))
	}
}

//export payseal_go_now_ms
func payseal_go_now_ms(user unsafe.Pointer) (ms C.int64_t) {
	defer func() {
		if recover() != nil {
			ms = callbackFailed
		}
	}()
	return C.int64_t(settingsOf(user).clock().UnixMilli())
}

//export payseal_go_random
func payseal_go_random(user unsafe.Pointer, out *C.uint8_t, length C.size_t) (status C.int32_t) {
	defer func() {
		if recover() != nil {
			status = callbackFailed
		}
	}()
	// Through a buffer of our own: the reader might keep the slice it gets, and the library's memory is not ours to lend on.
	random := make([]byte, int(length))
	if _, err := io.ReadFull(settingsOf(user).random, random); err != nil {
		return callbackFailed
	}
	copy(unsafe.Slice((*byte)(out), len(random)), random)
	return 0
}

//export payseal_go_sign
func payseal_go_sign(user unsafe.Pointer, message *C.uint8_t, length C.size_t, signature *C.uint8_t, signatureLength *C.size_t) (status C.int32_t) {
	settings := settingsOf(user)
	defer func() {
		if recover() != nil {
			status = callbackFailed
		}
	}()
	// A copy: the signer might keep the slice it gets, and the library's memory is not ours to lend on.
	signed, err := settings.sign(bytes.Clone(unsafe.Slice((*byte)(message), int(length))))
	if err != nil || len(signed) > int(*signatureLength) {
		if settings.logger != nil {
			// The library can only say that the signer failed; why is known here alone.
			settings.logger.Error("payseal: the signer failed", slog.Any("error", err))
		}
		return callbackFailed
	}
	copy(unsafe.Slice((*byte)(signature), len(signed)), signed)
	*signatureLength = C.size_t(len(signed))
	return 0
}

//export payseal_go_cache_get
func payseal_go_cache_get(user unsafe.Pointer, key *C.uint8_t, keyLength C.size_t, value *C.uint8_t, valueLength *C.size_t) (status C.int32_t) {
	settings := settingsOf(user)
	defer func() {
		if recover() != nil {
			status = callbackFailed
		}
	}()
	found, err := settings.cache.Get(C.GoStringN((*C.char)(unsafe.Pointer(key)), C.int(keyLength)))
	if err != nil || len(found) > int(*valueLength) {
		settings.cacheFailed(err)
		return callbackFailed
	}
	if found == nil {
		return notThere
	}
	copy(unsafe.Slice((*byte)(value), len(found)), found)
	*valueLength = C.size_t(len(found))
	return 0
}

//export payseal_go_cache_put
func payseal_go_cache_put(user unsafe.Pointer, key *C.uint8_t, keyLength C.size_t, value *C.uint8_t, valueLength C.size_t, ttl C.int64_t) (status C.int32_t) {
	settings := settingsOf(user)
	defer func() {
		if recover() != nil {
			status = callbackFailed
		}
	}()
	name := C.GoStringN((*C.char)(unsafe.Pointer(key)), C.int(keyLength))
	kept := bytes.Clone(unsafe.Slice((*byte)(value), int(valueLength)))
	if err := settings.cache.Put(name, kept, time.Duration(ttl)*time.Second); err != nil {
		settings.cacheFailed(err)
		return callbackFailed
	}
	return 0
}

// cacheFailed tells why, which the library cannot: it only knows that.
func (s *settings) cacheFailed(err error) {
	if s.logger != nil {
		s.logger.Warn("payseal: the cache failed", slog.Any("error", err))
	}
}

//export payseal_go_drop
func payseal_go_drop(user unsafe.Pointer) {
	(*(*cgo.Handle)(user)).Delete()
	C.free(user)
}
