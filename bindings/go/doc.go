// Package payseal takes money through WeChat Pay from a Go program.
//
// It is the Go face of the native payseal library: every signature, every check of a signature and every decryption happens in the
// library, which is linked statically. The package turns its functions into Go: a [context.Context] bounds and cancels a call, errors
// answer [errors.Is] and [errors.As], an [http.Request] goes straight into a notification.
//
// A [Client] belongs to one merchant, is immutable and may be used by any number of goroutines at once:
//
//	client, err := payseal.NewClient(payseal.Config{Provider: payseal.WeChat, MchID: "1900000001", …})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//
//	result, err := client.Execute(ctx, "POST /v3/pay/transactions/native", payseal.Params{Body: order})
//
// The packages below wechat hold typed models of the catalogued operations; any other operation of the provider can be called by the
// name it has in the provider's documentation.
//
// # Errors
//
// A failed call returns an [*Error]. Its [Outcome] says whether money may have moved, which decides what to do next; its [Code] says
// what went wrong. Both are errors themselves, so that errors.Is accepts them:
//
//	switch {
//	case errors.Is(err, payseal.OutcomeNotSent):  // nothing left this machine: repeat whenever you like
//	case errors.Is(err, payseal.OutcomeRejected): // the provider's verified answer is no
//	case errors.Is(err, payseal.OutcomeUnknown):  // query the order before you repeat anything
//	}
//
// Where a context ended the call, errors.Is(err, context.Canceled) or errors.Is(err, context.DeadlineExceeded) holds as well.
//
// # Blocking
//
// A call through the built-in transport holds an operating system thread until it returns, and the Go runtime ends a process that
// holds 10,000. At most [DefaultMaxBlockingCalls] calls therefore run at once in a process; others wait for their turn within their
// context. [WithMaxBlockingCalls] changes the bound. Programs with thousands of calls in flight use [WithHTTPClient]: then net/http
// does the waiting, and the native library only signs and verifies.
package payseal
