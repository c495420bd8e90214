package payseal_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

const otherKey = "Another3KeyOf32BytesAltogether00"

// merchants are two at one address: another's APIv3 key opens nothing that is for the first.
func merchants(t *testing.T) (other, first *payseal.Client, router *payseal.Router) {
	t.Helper()
	config := thePlatform().config()
	config.APIv3Key = otherKey
	other, first = newClient(t, config), thePlatform().client(t)
	router, err := payseal.NewRouter(other, first)
	if err != nil {
		t.Fatal(err)
	}
	return other, first, router
}

func TestANotificationGoesToTheMerchantWhoseItIs(t *testing.T) {
	_, first, router := merchants(t)
	header, body := thePlatform().notification(time.Now(), "TRANSACTION.SUCCESS", []byte(`{"trade_state":"SUCCESS"}`))
	request := httptest.NewRequest(http.MethodPost, "/notify", bytes.NewReader(body))
	request.Header = header
	client, event, err := router.OpenNotification(context.Background(), request)
	if err != nil || client != first || event.EventType != "TRANSACTION.SUCCESS" {
		t.Fatal(client == first, event, err)
	}
}

func TestARouterAnswersForEveryMerchant(t *testing.T) {
	_, first, router := merchants(t)
	header, body := thePlatform().notification(time.Now(), "TRANSACTION.SUCCESS", []byte(`{}`))
	forged := header.Clone()
	forged.Set("Wechatpay-Nonce", "another")
	for _, try := range []struct {
		header http.Header
		fails  error
		status int
		called bool
	}{
		{header, nil, http.StatusOK, true},
		{header, errors.New("no"), http.StatusInternalServerError, true},
		{forged, nil, http.StatusUnauthorized, false},
	} {
		called := false
		handler := router.NotificationHandler(func(_ context.Context, client *payseal.Client, _ *payseal.Event) error {
			called = client == first
			return try.fails
		})
		request := httptest.NewRequest(http.MethodPost, "/notify", bytes.NewReader(body))
		request.Header = try.header
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != try.status || called != try.called {
			t.Errorf("%d, called %t; want %d, %t", recorder.Code, called, try.status, try.called)
		}
	}
}

func TestARouterNeedsClientsThatAreOpen(t *testing.T) {
	_, err := payseal.NewRouter()
	failure(t, err, payseal.ErrInvalidArgument, payseal.OutcomeNotSent)
	other, _, router := merchants(t)
	other.Close()
	header, body := thePlatform().notification(time.Now(), "TRANSACTION.SUCCESS", []byte(`{}`))
	_, err = router.Route(header, body)
	failure(t, err, payseal.ErrInvalidHandle, payseal.OutcomeNotSent)
}

func TestARefusedNotificationIsExplained(t *testing.T) {
	client := thePlatform().client(t)
	header, body := thePlatform().notification(time.Now(), "TRANSACTION.SUCCESS", []byte(`{}`))
	explanation, err := client.ExplainNotification(header, body)
	if err != nil || !explanation.Accepted {
		t.Fatal(explanation, err)
	}
	explanation, err = client.ExplainNotification(header, append(body, '\n'))
	if err != nil || explanation.Accepted || explanation.Code != payseal.ErrSignatureInvalid || explanation.Cause != "body_reencoded" || explanation.Hint == "" {
		t.Fatal(explanation, err)
	}
	header.Set("X-Broken", "a\nb")
	_, err = client.ExplainNotification(header, body)
	failure(t, err, payseal.ErrHeaderInvalid, payseal.OutcomeUnauthentic)
}

func TestTheDoctorTellsEveryMistake(t *testing.T) {
	config := []byte(`{"provider":"wechat","mchid":"1900000001","merchant_serial":"PUB_KEY_ID_0","apiv3_key":"short"}`)
	report, err := payseal.Doctor(context.Background(), config, payseal.DoctorOptions{})
	if err != nil || report.Healthy {
		t.Fatal(report, err)
	}
	problems := map[string]bool{}
	for _, finding := range report.Findings {
		if finding.Status == "problem" {
			problems[finding.Check] = true
		}
	}
	if !problems["merchant_serial"] || !problems["apiv3_key"] {
		t.Fatal(report)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = payseal.Doctor(ended, config, payseal.DoctorOptions{Online: true})
	failure(t, err, payseal.ErrCancelled, payseal.OutcomeNotSent)
}
