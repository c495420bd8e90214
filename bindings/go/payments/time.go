package payments

import (
	"encoding/json"
	"time"
)

// Time is a moment, in JSON Unix milliseconds. The zero Time is none, null.
type Time struct{ time.Time }

// UnmarshalJSON reads Unix milliseconds or null.
func (t *Time) UnmarshalJSON(encoded []byte) error {
	var ms *int64
	if err := json.Unmarshal(encoded, &ms); err != nil {
		return err
	}
	*t = Time{}
	if ms != nil {
		t.Time = time.UnixMilli(*ms)
	}
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(unixMS(t.Time))
}

// unixMS is nil for the zero time.
func unixMS(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

// ms rounds up, so that what is not nothing does not become nothing.
func ms(d time.Duration) int64 {
	if d <= 0 {
		return int64(d / time.Millisecond)
	}
	return int64((d-1)/time.Millisecond) + 1
}

func allMS(durations []time.Duration) []int64 {
	var all []int64
	for _, duration := range durations {
		all = append(all, ms(duration))
	}
	return all
}
