// Package publishtest is what the tests of all publishers share: real servers, a network that fails on demand, and messages.
package publishtest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Shared is the address of a server for every test that does it no harm. Without the variable, which make test sets, the test is skipped.
func Shared(t testing.TB, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		t.Skipf("%s is not set: run it below scripts/services.py", variable)
	}
	return address
}

// Server is one that the test alone uses, and may kill.
type Server struct {
	// Address is the same after a restart, and so are its data.
	Address string
	name    string
	orders  io.Writer
	answers *bufio.Reader
}

// Start runs scripts/services.py with the named server until the test is over. It is skipped where [Shared] is.
func Start(t testing.TB, name, variable string) *Server {
	t.Helper()
	Shared(t, variable)
	_, file, _, _ := runtime.Caller(0)
	program := filepath.Join(filepath.Dir(file), "..", "..", "..", "..", "scripts", "services.py")
	command := exec.Command("python3", program, name, "--obey")
	command.Stderr = os.Stderr
	orders, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = orders.Close() // at which it stops the server
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	})
	server := &Server{name: name, orders: orders, answers: bufio.NewReader(answers)}
	said := server.answer(t)
	address, found := strings.CutPrefix(said, "export "+variable+"=")
	if !found {
		t.Fatalf("services.py said %q", said)
	}
	server.Address = address
	return server
}

// Kill ends it with SIGKILL.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.order(t, "kill")
}

// Restart returns when it answers again.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.order(t, "restart")
}

func (s *Server) order(t testing.TB, order string) {
	t.Helper()
	if _, err := fmt.Fprintln(s.orders, order, s.name); err != nil {
		t.Fatal(err)
	}
	if said := s.answer(t); said != "done" {
		t.Fatalf("services.py said %q", said)
	}
}

func (s *Server) answer(t testing.TB) string {
	t.Helper()
	line, err := s.answers.ReadString('\n')
	if err != nil {
		t.Fatal("services.py: ", err)
	}
	return strings.TrimSpace(line)
}
