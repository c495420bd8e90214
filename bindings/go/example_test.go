package payseal_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
)

func Example() {
	config, err := os.ReadFile("config.json") // the sandbox writes one; docs/abi.md lists the keys
	if err != nil {
		log.Fatal(err)
	}
	client, err := payseal.NewClientFromJSON(config)
	if err != nil {
		log.Fatal(err) // names the mistake and the field
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	order, err := pay.Native(ctx, client, &pay.NativeRequest{
		Description: "A cup of tea",
		OutTradeNo:  "TEA20250608001",
		NotifyURL:   "http://127.0.0.1:8080/notify/wechat", // for the sandbox; WeChat Pay itself wants https
		Amount:      pay.OrderAmount{Total: 100},           // fen
	})
	switch {
	case err == nil:
		fmt.Println("show this as a QR code:", order.CodeURL)
	case errors.Is(err, payseal.OutcomeUnknown):
		log.Fatal("the order may exist; query it before doing anything else: ", err)
	default:
		log.Fatal("there is no order: ", err)
	}

	http.Handle("POST /notify/wechat", client.NotificationHandler(func(ctx context.Context, event *payseal.Event) error {
		var paid pay.Transaction
		if err := event.Decode(&paid); err != nil {
			return err // the provider will send it again
		}
		fmt.Println(paid.OutTradeNo, paid.TradeState, paid.Amount.Total) // compare with the order, mark it paid once
		return nil
	}))
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
}
