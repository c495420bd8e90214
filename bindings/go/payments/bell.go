package payments

import "sync"

// bell wakes everybody who waits for it. Its zero value is ready.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

// wait returns what is closed when the bell rings next. Taken before looking for work, it misses none that comes while one looks.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}
