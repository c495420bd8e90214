package publishtest

import (
	"context"
	"net"
	"sync"
)

// Link dials. Held, it delivers what the client says and loses what the server answers, like a network that is about to break.
type Link struct {
	mutex sync.Mutex
	lost  chan struct{} // closed at the first answer that is lost; nil while the link is not held
}

// Dial connects through the link.
func (l *Link) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &linked{conn, l}, nil
}

// Hold makes it lose answers from now on. The channel is closed at the first one.
func (l *Link) Hold() (lost <-chan struct{}) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lost = make(chan struct{})
	return l.lost
}

// Release makes it deliver again. What was lost stays so.
func (l *Link) Release() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lost = nil
}

// loses reports whether an answer that has arrived is lost.
func (l *Link) loses() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.lost == nil {
		return false
	}
	select {
	case <-l.lost:
	default:
		close(l.lost)
	}
	return true
}

type linked struct {
	net.Conn
	link *Link
}

func (c *linked) Read(buffer []byte) (int, error) {
	for {
		n, err := c.Conn.Read(buffer)
		if err != nil || !c.link.loses() {
			return n, err
		}
	}
}
