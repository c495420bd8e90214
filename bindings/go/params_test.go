package payseal_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// executorFunc is a client that a test has made.
type executorFunc func(operation string, params payseal.Params) (*payseal.Result, error)

func (f executorFunc) Execute(_ context.Context, operation string, params payseal.Params) (*payseal.Result, error) {
	return f(operation, params)
}

func TestOptionsReachATypedCallAndDoNotReplaceItsOwn(t *testing.T) {
	var got payseal.Options
	client := executorFunc(func(_ string, params payseal.Params) (*payseal.Result, error) {
		got = params.Options
		return &payseal.Result{}, nil
	})
	all := payseal.Options{
		Timeout: time.Second, MaxAttempts: 2, IdempotencyKey: "key", TraceID: "trace", Accept: "text/plain", ContentType: "image/png",
		Filename: "tea.png", Unchecked: true, Expect: map[string]any{"amount.total": 100},
	}
	own := payseal.Options{
		Timeout: time.Minute, MaxAttempts: 1, IdempotencyKey: "own", TraceID: "own", Accept: "own", ContentType: "own",
		Filename: "own", Unchecked: true, Expect: map[string]any{},
	}
	for name, test := range map[string]struct{ given, want payseal.Options }{"none": {want: all}, "its own": {given: own, want: own}} {
		t.Run(name, func(t *testing.T) {
			if _, err := payseal.With(client, all).Execute(t.Context(), nativeOrder, payseal.Params{Options: test.given}); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}
