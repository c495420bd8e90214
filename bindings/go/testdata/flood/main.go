// Command flood makes 20,000 calls at once in a process that dies above 1,024 threads. It prints how many calls got their answer.
//
// It is a program of its own because the race detector, under which the tests run, knows no more than 8,128 goroutines.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

const calls = 20_000

func main() {
	bound := flag.Int("bound", 0, "WithMaxBlockingCalls; 0 leaves the default")
	flag.Parse()
	debug.SetMaxThreads(1024)

	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-time.After(50 * time.Millisecond) // so that calls pile up
		w.WriteHeader(http.StatusNotFound)
	}))
	defer provider.Close()
	client, err := payseal.NewClient(config(provider.URL), options(*bound)...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var answered atomic.Int64
	var all sync.WaitGroup
	for i := range calls {
		all.Add(1)
		go func() {
			defer all.Done()
			_, err := client.Execute(ctx, "GET /v3/pay/transactions/out-trade-no/{out_trade_no}", payseal.Params{
				Path:  map[string]string{"out_trade_no": fmt.Sprintf("FLOOD%08d", i)},
				Query: map[string]string{"mchid": "1900000001"},
			})
			if errors.Is(err, payseal.ErrProviderRejected) {
				answered.Add(1)
			} else {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
	all.Wait()
	fmt.Printf("%d of %d calls answered\n", answered.Load(), calls)
}

func options(bound int) []payseal.Option {
	if bound == 0 {
		return nil
	}
	return []payseal.Option{payseal.WithMaxBlockingCalls(bound)}
}

func config(host string) payseal.Config {
	merchant, platform := key(), key()
	private, _ := x509.MarshalPKCS8PrivateKey(merchant)
	public, _ := x509.MarshalPKIXPublicKey(&platform.PublicKey)
	return payseal.Config{
		Provider: payseal.WeChat, MchID: "1900000001", MerchantSerial: "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10",
		PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		APIv3Key:   "an-apiv3-key-that-has-32-bytes-.",
		PlatformPublicKeys: map[string]string{
			"PUB_KEY_ID_0119000000012025010100000000001001": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		},
		Hosts: []string{host},
	}
}

func key() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}
