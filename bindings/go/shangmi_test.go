package payseal_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/sandboxtest"
)

// startSM2Sandbox runs a sandbox of its own, whose merchant speaks 国密.
func startSM2Sandbox(t *testing.T) *sandbox {
	t.Helper()
	started, stop, err := sandboxtest.Start(t.TempDir(), "--scheme", "sm2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return started
}

func TestAKeyOf国密MayBeKeptElsewhere(t *testing.T) {
	s := startSM2Sandbox(t)
	encoded, err := os.ReadFile(filepath.Join(s.Dir, "apiclient_key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	failing := errors.New("the module is locked")
	for name, sign := range map[string]func([]byte) ([]byte, error){
		"signs": func(message []byte) ([]byte, error) { return payseal.Sign(payseal.SM2SM3, encoded, message) },
		"fails": func([]byte) ([]byte, error) { return nil, failing },
	} {
		t.Run(name, func(t *testing.T) {
			client := s.Client(t, "config.json", func(config map[string]any) { delete(config, "private_key") }, payseal.WithMessageSigner(sign))
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
			client := s.Client(t, file, func(config map[string]any) {
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
			s.Control(t, "POST", "/sandbox/orders/"+number+"/pay", map[string]any{})
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
