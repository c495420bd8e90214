package payseal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// states answers each question with the next state, signed.
func states(states ...string) roundTrip {
	at := 0
	return func(r *http.Request) (*http.Response, error) {
		if at == len(states) {
			return nil, errors.New("asked again after the end")
		}
		body := fmt.Appendf(nil, `{"out_trade_no":"ORDER0001","mchid":"%s","trade_state":"%s"}`, mchid, states[at])
		at++
		return answers(200, thePlatform().signed(time.Now(), body), body)(r)
	}
}

func waitFor(schedule ...time.Duration) payseal.FlowParams {
	return payseal.FlowParams{Path: map[string]string{"out_trade_no": "ORDER0001"}, Options: payseal.FlowOptions{Schedule: schedule}}
}

type transaction struct {
	TradeState string `json:"trade_state"`
}

func TestAPaymentIsWaitedForUntilItsStateIsFinal(t *testing.T) {
	client := thePlatform().client(t, over(states("NOTPAY", "USERPAYING", "SUCCESS")))
	state, final, err := payseal.Await[transaction](context.Background(), client, payseal.AwaitPayment, waitFor(time.Millisecond, time.Millisecond, time.Millisecond))
	if err != nil || !final || state.TradeState != "SUCCESS" {
		t.Fatal(state, final, err)
	}
}

func TestWhenTheLooksAreUsedUpTheLastStateIsNotFinal(t *testing.T) {
	client := thePlatform().client(t, over(states("NOTPAY", "NOTPAY")))
	result, final, err := client.Run(context.Background(), payseal.AwaitPayment, waitFor(time.Millisecond, time.Millisecond))
	if err != nil || final || result.Info.Polls != 2 {
		t.Fatal(result, final, err)
	}
}

func TestAContextThatEndsCancelsTheWaiting(t *testing.T) {
	for _, options := range [][]payseal.Option{{over(states())}, nil} {
		client := thePlatform().client(t, options...)
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(50*time.Millisecond, cancel)
		_, _, err := client.Run(ctx, payseal.AwaitPayment, waitFor(time.Hour))
		failure(t, err, payseal.ErrCancelled, payseal.OutcomeNotSent)
	}
}

func TestAFlowThatDoesNotExistIsRefused(t *testing.T) {
	_, _, err := thePlatform().client(t).Run(context.Background(), "await_nothing", payseal.FlowParams{})
	failure(t, err, payseal.ErrUnknownOperation, payseal.OutcomeNotSent)
}

func TestAQRCodeIsAPictureOfTheTextItIsMadeFrom(t *testing.T) {
	image, err := payseal.QR("weixin://wxpay/bizpayurl?pr=p4lpSuKzz", payseal.QROptions{Scale: 2, Margin: new(int)})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(image))
	if err != nil || picture.Bounds().Dx()%2 != 0 {
		t.Fatal(picture, err)
	}
	svg, err := payseal.QR("weixin://wxpay/bizpayurl?pr=p4lpSuKzz", payseal.QROptions{Format: payseal.QRSVG, Dark: "#1aad19"})
	if err != nil || !strings.Contains(string(svg), "#1aad19") {
		t.Fatal(string(svg), err)
	}
	_, err = payseal.QR("", payseal.QROptions{})
	failure(t, err, payseal.ErrParamsInvalid, payseal.OutcomeNotSent)
}
