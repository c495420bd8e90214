// Package payments keeps orders, notifications and messages in one database, so that no payment is lost: not in a crash, not where two machines
// work at once, not where the provider tells the same twice or never.
//
// [Open] takes a database, SQLite, PostgreSQL or MySQL, and the clients of the merchants:
//
//	p, err := payments.Open(payments.Config{
//		Store:    "sqlite:/var/lib/shop/payments.db",
//		Accounts: []payments.Account{{Name: "wechat", Client: wechat}, {Name: "alipay", Client: alipay}},
//	})
//
// # Orders
//
// [Payments.Create] stores an order before its provider hears of it and returns what the payer needs: the text of a QR code, an address, or the
// parameters for the provider's JavaScript or app. The methods have the providers' names. The same number again is the same order, so that a
// call that failed in whatever way may be repeated. [Payments.Refund] does the same with refunds.
//
// # Notifications
//
// [Handler] serves the address that a provider notifies: what it brings is verified and stored, durably, before the provider is told that all is well. From
// then on it is an event in the inbox. A [Runner] hands each one to the service until the service has taken care of it, and in the transaction that
// acknowledges it the order changes its state. What a notification tells, a query or a bill may tell as well: it takes effect once.
//
// # Work
//
// A [Runner] also asks the provider about orders whose notification does not come, closes those whose time is over, follows refunds to their end, and
// hands messages to a [Publisher]. Any number of them, on any number of machines, share the work. Services that have a scheduler of their own call
// [Payments.Tick], [Payments.ClaimEvents], [Payments.Ack] and the rest instead.
//
// What does not fit, such as another amount, a second payment, or money after closing, is never dropped: it is an [Exception] with all evidence, for a person to
// [Payments.Resolve].
//
// # Errors
//
// They are those of package payseal. [payseal.KindStore] says that the database failed; [payseal.ErrOrderConflict], [payseal.ErrOrderUnknown],
// [payseal.ErrOrderState] and [payseal.ErrLeaseLost] say what does not fit the state of an order or of work.
package payments
