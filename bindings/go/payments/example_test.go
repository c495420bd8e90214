package payments_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

func Example() {
	config, err := os.ReadFile("config.json") // the sandbox writes one; docs/abi.md lists the keys
	if err != nil {
		log.Fatal(err)
	}
	client, err := payseal.NewClientFromJSON(config)
	if err != nil {
		log.Fatal(err)
	}
	p, err := payments.Open(payments.Config{
		Store:      "sqlite:payments.db", // or postgres://…, mysql://…
		Accounts:   []payments.Account{{Name: "wechat", Client: client}},
		NotifyURLs: map[string]string{"wechat": "http://127.0.0.1:8080/notify/wechat"}, // for the sandbox; WeChat Pay itself wants https
	})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	payment, err := p.Create(ctx, &payments.PayRequest{
		OrderNo: "TEA20250608001",
		Method:  payments.MethodNative,
		Amount:  100, // fen
		Subject: "A cup of tea",
	})
	switch {
	case err == nil:
		fmt.Println("show this as a QR code:", payment.Client.CodeURL)
	case errors.Is(err, payseal.ErrOrderConflict):
		log.Fatal("this number is another order's: ", err)
	case errors.Is(err, payseal.OutcomeRejected):
		log.Fatal("the provider does not take this order: ", err)
	default:
		log.Println("call it again with the same number, it goes on where it broke off: ", err)
	}

	http.Handle("POST /notify/wechat", payments.Handler(p, "wechat"))
	go func() { log.Println(http.ListenAndServe("127.0.0.1:8080", nil)) }()

	runner := &payments.Runner{
		Payments: p,
		Handle: func(ctx context.Context, event *payments.Event) error {
			if event.Kind == payments.PaymentPaidEvent { // another amount, a second payment and the like are payments.ExceptionRaisedEvent
				fmt.Println("ship the tea of", event.OrderNo) // an error brings the event again
			}
			return nil
		},
		Logger: slog.Default(),
	}
	if err := runner.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
