package payseal

/*
#include <stdlib.h>
#include "payseal.h"

// Defined by the //export comments in exports.go.
extern void    payseal_go_log(void *user, int32_t level, uint8_t *record, size_t record_len);
extern int64_t payseal_go_now_ms(void *user);
extern int32_t payseal_go_random(void *user, uint8_t *out, size_t len);
extern int32_t payseal_go_sign(void *user, uint8_t *message, size_t message_len, uint8_t *signature, size_t *signature_len);
extern void    payseal_go_drop(void *user);
extern int32_t payseal_go_cache_get(void *user, uint8_t *key, size_t key_len, uint8_t *value, size_t *value_len);
extern int32_t payseal_go_cache_put(void *user, uint8_t *key, size_t key_len, uint8_t *value, size_t value_len, int64_t ttl_s);
*/
import "C"

import "runtime/cgo"

// callbacks makes the table for payseal_client_new, or nil where no option needs one. The library gets the address of a C cell that
// holds a handle to the settings: C never sees a Go pointer, and the collector never sees a handle disguised as one.
func (s *settings) callbacks() *C.payseal_callbacks {
	if s.logger == nil && s.clock == nil && s.random == nil && s.sign == nil && s.cache == nil {
		return nil
	}
	user := C.malloc(C.sizeof_uintptr_t)
	*(*cgo.Handle)(user) = cgo.NewHandle(s)
	table := &C.payseal_callbacks{size: C.sizeof_payseal_callbacks, user: user, drop: (*[0]byte)(C.payseal_go_drop)}
	if s.logger != nil {
		table.log = (*[0]byte)(C.payseal_go_log)
	}
	if s.clock != nil {
		table.now_ms = (*[0]byte)(C.payseal_go_now_ms)
	}
	if s.random != nil {
		table.random = (*[0]byte)(C.payseal_go_random)
	}
	if s.sign != nil {
		table.sign = (*[0]byte)(C.payseal_go_sign)
	}
	if s.cache != nil {
		table.cache_get = (*[0]byte)(C.payseal_go_cache_get)
		table.cache_put = (*[0]byte)(C.payseal_go_cache_put)
	}
	return table
}
