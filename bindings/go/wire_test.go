package payseal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// rawServer reads one request per connection and lets answer do what it likes with the socket.
func rawServer(t *testing.T, answer func(connection net.Conn)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				request, err := http.ReadRequest(bufio.NewReader(connection))
				if err != nil {
					return
				}
				if _, err := request.Body.Read(make([]byte, 1<<16)); err != nil && request.ContentLength > 1<<16 {
					return
				}
				answer(connection)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

func say(text string) func(net.Conn) {
	return func(connection net.Conn) { _, _ = connection.Write([]byte(text)) }
}

func TestABrokenAnswerIsANamedErrorWithinTheDeadline(t *testing.T) {
	lost := []payseal.Code{payseal.ErrConnectionLost, payseal.ErrResponseInvalid}
	slow := []payseal.Code{payseal.ErrTimeout}
	for name, test := range map[string]struct {
		answer func(net.Conn)
		codes  []payseal.Code
	}{
		"nothing":            {say(""), lost},
		"half a status line": {say("HTTP/1.1 2"), lost},
		"not HTTP":           {say("SSH-2.0-OpenSSH_9.2\r\n\r\n"), lost},
		"truncated length":   {say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), lost},
		"truncated chunk":    {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"), lost},
		"bad chunk":          {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\r\n0\r\n\r\n"), lost},
		"two lengths":        {say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"), lost},
		"without length":     {say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}"), []payseal.Code{payseal.ErrSignatureMissing}},
		"huge header":        {say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 4<<20) + "\r\n\r\n"), append(lost, payseal.ErrResponseTooLarge)},
		"endless body":       {endless, []payseal.Code{payseal.ErrResponseTooLarge}},
		"reset": {func(connection net.Conn) {
			_ = connection.(*net.TCPConn).SetLinger(0)
		}, lost},
		"silence": {func(connection net.Conn) { _, _ = connection.Read(make([]byte, 1)) }, slow},
		"one byte at a time": {func(connection net.Conn) {
			for {
				if _, err := connection.Write([]byte("H")); err != nil {
					return
				}
				<-time.After(20 * time.Millisecond)
			}
		}, append(slow, lost...)},
	} {
		t.Run(name, func(t *testing.T) {
			for transport, options := range transports() {
				config := thePlatform().config()
				config.Hosts = []string{rawServer(t, test.answer)}
				config.MaxResponseBytes = 1 << 20
				client := newClient(t, config, options...)
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				if !slices.Contains(test.codes, payseal.ErrTimeout) {
					ctx = t.Context()
				}
				result, err := client.Execute(ctx, nativeOrder, orderParams())
				cancel()
				var failed *payseal.Error
				if result != nil || !errors.As(err, &failed) || !slices.Contains(test.codes, failed.Code) || failed.Outcome != payseal.OutcomeUnknown {
					t.Errorf("%s: %v", transport, err)
				}
			}
		})
	}
}

func endless(connection net.Conn) {
	if _, err := connection.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")); err != nil {
		return
	}
	for chunk := make([]byte, 1<<16); ; {
		if _, err := connection.Write(chunk); err != nil {
			return
		}
	}
}

func TestAPortWhereNobodyListensIsNotSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	for name, options := range transports() {
		t.Run(name, func(t *testing.T) {
			config := thePlatform().config()
			config.Hosts = []string{"http://" + listener.Addr().String()}
			_, err := newClient(t, config, options...).Execute(t.Context(), nativeOrder, orderParams())
			failure(t, err, payseal.ErrConnectFailed, payseal.OutcomeNotSent)
		})
	}
}

// A timed-out request's answer must never be read as the next one's: both are genuine and signed, but about different orders.
func TestALateAnswerIsNeverTakenForTheNextOne(t *testing.T) {
	p := thePlatform()
	for name, options := range transports() {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/LATE0001") {
					<-release
				}
				body := fmt.Appendf(nil, `{"out_trade_no":%q}`, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
				for name, values := range p.signed(time.Now(), body) {
					w.Header()[name] = values
				}
				_, _ = w.Write(body)
			}))
			defer server.Close()
			config := p.config()
			config.Hosts = []string{server.URL}
			client := newClient(t, config, options...)
			ask := func(ctx context.Context, number string) (string, error) {
				result, err := client.Execute(ctx, queryOrder, query(number))
				if err != nil {
					return "", err
				}
				var answer struct {
					OutTradeNo string `json:"out_trade_no"`
				}
				return answer.OutTradeNo, errors.Join(result.Decode(&answer), func() error {
					if answer.OutTradeNo != number {
						return fmt.Errorf("the answer about %s was given for %s", answer.OutTradeNo, number)
					}
					return nil
				}())
			}
			if _, err := ask(t.Context(), "WARM0001"); err != nil { // so that a connection is kept
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := ask(ctx, "LATE0001")
			failure(t, err, payseal.ErrTimeout, payseal.OutcomeUnknown)
			close(release)
			for i := range 20 {
				if _, err := ask(t.Context(), fmt.Sprintf("NEXT%04d", i)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestAnIdleConnectionThatTheServerClosedIsReplaced(t *testing.T) {
	p := thePlatform()
	var connections atomic.Int32
	body := []byte(`{}`)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range p.signed(time.Now(), body) {
			w.Header()[name] = values
		}
		_, _ = w.Write(body)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	config := p.config()
	config.Hosts = []string{server.URL}
	client := newClient(t, config)
	for range 3 {
		for range 2 {
			if _, err := client.Execute(t.Context(), queryOrder, query("IDLE0001")); err != nil {
				t.Fatal(err)
			}
		}
		server.CloseClientConnections()
	}
	if connections.Load() != 3 {
		t.Errorf("%d connections, want one after each closing", connections.Load())
	}
}
