// Package sandboxtest runs the simulated providers, a program of its own, for tests.
package sandboxtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
)

// Sandbox is one that runs.
type Sandbox struct {
	// Dir has its configurations for clients.
	Dir string
	// Address is that of its providers and its control API.
	Address string
}

// Start runs one, with its files in dir. It stops when this process ends, since it watches its standard input.
func Start(dir string, options ...string) (started *Sandbox, stop func(), err error) {
	command := exec.Command(program(), append([]string{"--dir", dir, "--speed", "200", "--exit-with-stdin"}, options...)...)
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := command.Start(); err != nil {
		return nil, nil, fmt.Errorf("run make build, or set PAYSEAL_SANDBOX: %w", err)
	}
	// The closure also holds standard input open, which a collector would close and so stop the sandbox.
	stop = func() {
		_ = stdin.Close()
		_ = command.Wait()
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSpace(line), "sandbox: ")
	if err != nil || !found {
		stop()
		return nil, nil, fmt.Errorf("the sandbox said %q: %w", line, err)
	}
	return &Sandbox{Dir: dir, Address: address}, stop, nil
}

func program() string {
	if program := os.Getenv("PAYSEAL_SANDBOX"); program != "" {
		return program
	}
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "..", "target", "release", "payseal-sandbox")
}

// Client reads one of the sandbox's configurations.
func (s *Sandbox) Client(t testing.TB, file string, change func(config map[string]any), options ...payseal.Option) *payseal.Client {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join(s.Dir, file))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(encoded, &config); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(config)
	}
	if encoded, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	client, err := payseal.NewClientFromJSON(encoded, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// Control calls the sandbox's control API.
func (s *Sandbox) Control(t testing.TB, method, path string, body any) []byte {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.Address+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, answer, err)
	}
	return answer
}

// Fault makes the next exchange about an order go wrong.
func (s *Sandbox) Fault(t testing.TB, kind, orderNumber string, more map[string]any) {
	t.Helper()
	wish := map[string]any{"fault": kind, "out_trade_no": orderNumber}
	for key, value := range more {
		wish[key] = value
	}
	s.Control(t, "POST", "/sandbox/faults", wish)
}
