package payseal_test

import (
	"bufio"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// startSM2Sandbox runs a sandbox of its own, whose merchant speaks 国密.
func startSM2Sandbox(t *testing.T) *sandbox {
	t.Helper()
	program := os.Getenv("PAYSEAL_SANDBOX")
	if program == "" {
		program = filepath.Join("..", "..", "target", "release", "payseal-sandbox")
	}
	dir := t.TempDir()
	command := exec.Command(program, "--dir", dir, "--speed", "200", "--scheme", "sm2", "--exit-with-stdin")
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("run make build, or set PAYSEAL_SANDBOX: %v", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSpace(line), "sandbox: ")
	if err != nil || !found {
		t.Fatalf("the sandbox said %q: %v", line, err)
	}
	return &sandbox{dir: dir, address: address}
}

func TestAKeyOf国密MayBeKeptElsewhere(t *testing.T) {
	s := startSM2Sandbox(t)
	encoded, err := os.ReadFile(filepath.Join(s.dir, "apiclient_key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	failing := errors.New("the module is locked")
	for name, sign := range map[string]func([]byte) ([]byte, error){
		"signs": func(message []byte) ([]byte, error) { return payseal.Sign(payseal.SM2SM3, encoded, message) },
		"fails": func([]byte) ([]byte, error) { return nil, failing },
	} {
		t.Run(name, func(t *testing.T) {
			client := s.client(t, "config.json", func(config map[string]any) { delete(config, "private_key") }, payseal.WithMessageSigner(sign))
			_, err := client.Execute(t.Context(), nativeOrder, order(newOrderNumber(), someNotifyURL))
			if name == "signs" && err != nil {
				t.Error(err)
			}
			if name == "fails" && !errors.Is(err, payseal.ErrSignerFailed) {
				t.Error(err)
			}
		})
	}
	if _, err := payseal.NewClient(payseal.Config{}, payseal.WithMessageSigner(nil)); !errors.Is(err, payseal.ErrInvalidArgument) {
		t.Error(err)
	}
}

func TestAMerchantOf国密NeedsOnlyAnotherConfiguration(t *testing.T) {
	s := startSM2Sandbox(t)
	for _, file := range []string{"config.json", "config-certificate.json"} {
		t.Run(file, func(t *testing.T) {
			client := s.client(t, file, func(config map[string]any) {
				if config["scheme"] != payseal.SchemeSM2 {
					t.Fatalf("the scheme is %v", config["scheme"])
				}
			})
			events := make(chan *payseal.Event, 1)
			shop := httptest.NewServer(client.NotificationHandler(func(_ context.Context, event *payseal.Event) error {
				events <- event
				return nil
			}))
			defer shop.Close()
			number := newOrderNumber()
			if _, err := client.Execute(t.Context(), nativeOrder, order(number, shop.URL)); err != nil {
				t.Fatal(err)
			}
			s.control(t, "POST", "/sandbox/orders/"+number+"/pay", map[string]any{})
			select {
			case event := <-events:
				var paid struct {
					OutTradeNo string `json:"out_trade_no"`
				}
				if err := event.Decode(&paid); err != nil || paid.OutTradeNo != number {
					t.Errorf("%s %v", event.Plaintext, err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("no notification arrived")
			}
		})
	}
}
