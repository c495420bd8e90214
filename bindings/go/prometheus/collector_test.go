package payprom_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	payseal "github.com/payseal/payseal/bindings/go"
	payprom "github.com/payseal/payseal/bindings/go/prometheus"
)

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}

func newClient(t *testing.T) *payseal.Client {
	keys := make([]*rsa.PrivateKey, 2)
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	private, _ := x509.MarshalPKCS8PrivateKey(keys[0])
	public, _ := x509.MarshalPKIXPublicKey(&keys[1].PublicKey)
	client, err := payseal.NewClient(payseal.Config{
		Provider: payseal.WeChat, MchID: "1900000001", MerchantSerial: "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10", APIv3Key: "an-apiv3-key-that-has-32-bytes-.",
		PrivateKey:         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		PlatformPublicKeys: map[string]string{"PUB_KEY_ID_0119000000012025010100000000001001": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))},
		Retry:              &payseal.Retry{MaxAttempts: 1},
	}, payseal.WithHTTPClient(&http.Client{Transport: refusing{}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func call(t *testing.T, client *payseal.Client, orderNumber string) {
	_, err := client.Execute(t.Context(), "GET /v3/pay/transactions/out-trade-no/{out_trade_no}", payseal.Params{Path: map[string]string{"out_trade_no": orderNumber}})
	if !errors.Is(err, payseal.OutcomeUnknown) {
		t.Fatal(err)
	}
}

func TestCountersAndHistogramsAreGathered(t *testing.T) {
	client := newClient(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(payprom.NewCollector(client))
	call(t, client, "PROM0001")
	call(t, client, "PROM0002")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*dto.MetricFamily{}
	for _, family := range families {
		found[family.GetName()] = family
		if strings.Contains(family.String(), "PROM000") {
			t.Errorf("an order number is in %s", family)
		}
	}
	requests, durations := found["payseal_requests_total"], found["payseal_request_duration_seconds"]
	if requests == nil || durations == nil {
		t.Fatalf("%v", found)
	}
	if requests.GetType() != dto.MetricType_COUNTER || requests.GetMetric()[0].GetCounter().GetValue() != 2 || requests.GetHelp() == "" {
		t.Errorf("%v", requests)
	}
	if durations.GetType() != dto.MetricType_HISTOGRAM || durations.GetMetric()[0].GetHistogram().GetSampleCount() != 2 || len(durations.GetMetric()[0].GetHistogram().GetBucket()) < 5 {
		t.Errorf("%v", durations)
	}
}

func TestMerchantsOfOneRegistryAreKeptApartByALabel(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	for _, merchant := range []string{"a", "b"} {
		client := newClient(t)
		prometheus.WrapRegistererWith(prometheus.Labels{"merchant": merchant}, registry).MustRegister(payprom.NewCollector(client))
		call(t, client, "PROM0003")
	}
	if count, err := testutil.GatherAndCount(registry, "payseal_requests_total"); err != nil || count != 2 {
		t.Errorf("%d %v", count, err)
	}
}

func TestAClosedClientFailsTheScrape(t *testing.T) {
	client := newClient(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(payprom.NewCollector(client))
	client.Close()
	if _, err := registry.Gather(); err == nil || !strings.Contains(err.Error(), "INVALID_HANDLE") {
		t.Error(err)
	}
}
