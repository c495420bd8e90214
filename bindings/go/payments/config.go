package payments

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// Config says where payments are kept and whose they are. Fields left zero take the library's defaults. Durations are counted in whole
// milliseconds. Printing or logging a Config shows no secret.
type Config struct {
	// Store is the URL of the database, a secret: "sqlite:PATH", "postgres://user:password@host:port/database" or
	// "mysql://user:password@host:port/database". Required.
	Store string
	// Accounts are the merchants. At least one.
	Accounts []Account
	// NotifyURLs are the notify_url of the orders and refunds of an account, by its name, unless they have one of their own.
	NotifyURLs map[string]string
	// Expires is how long an order may be paid.
	Expires time.Duration
	// QuerySchedule are the pauses between queries of an order that waits for money, the last repeated.
	QuerySchedule []time.Duration
	// RefundSchedule is the same of refunds.
	RefundSchedule []time.Duration
	// Work governs claims.
	Work Work
	// Outbox is whether what takes effect is put into the outbox, for a [Publisher] that tells other services. It is off by default.
	Outbox bool
	// UnknownOrders says what money for an order that is not here is.
	UnknownOrders UnknownOrders
	// Keep is how long what is done is kept.
	Keep Keep
}

// Account is a merchant.
type Account struct {
	// Name is what its orders are stored under. Give all accounts one or none: then they are named as their providers are.
	Name string
	// Client speaks for it. The payments keep what they need of it: it may be closed before them.
	Client *payseal.Client
}

// Work governs claims.
type Work struct {
	// Lease is how long what was claimed belongs to whoever claimed it.
	Lease time.Duration
	// MaxAttempts is after how many attempts work is dead.
	MaxAttempts int
	// Base is the most that the first pause between attempts takes. Pauses are random, and their most doubles.
	Base time.Duration
	// Cap is the most that any pause takes.
	Cap time.Duration
}

// UnknownOrders says what money for an order that is not here is.
type UnknownOrders string

const (
	// UnknownOrdersException is the default.
	UnknownOrdersException UnknownOrders = "exception"
	// UnknownOrdersIgnore is for services that keep orders elsewhere too.
	UnknownOrdersIgnore UnknownOrders = "ignore"
)

// Keep is how long what is done is kept.
type Keep struct {
	// Inbox is that of events; two days at least, for providers repeat themselves that long.
	Inbox time.Duration
	// Outbox is that of messages.
	Outbox time.Duration
}

// Format writes the accounts' names and no secret, whatever the verb.
func (c Config) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, c.redacted()) }

// LogValue keeps the database's password out of log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

func (c Config) redacted() string { return fmt.Sprintf("payments.Config{Accounts:%q}", c.names()) }

// names are those of the accounts; nil where none has one.
func (c Config) names() []string {
	var names []string
	named := false
	for _, account := range c.Accounts {
		names = append(names, account.Name)
		named = named || account.Name != ""
	}
	if !named {
		return nil
	}
	return names
}

// configWire is the JSON of docs/abi.md.
type configWire struct {
	Store          string            `json:"store,omitempty"`
	Accounts       []string          `json:"accounts,omitempty"`
	NotifyURLs     map[string]string `json:"notify_urls,omitempty"`
	ExpiresMS      int64             `json:"expires_ms,omitempty"`
	QuerySchedule  []int64           `json:"query_schedule_ms,omitempty"`
	RefundSchedule []int64           `json:"refund_schedule_ms,omitempty"`
	Work           workWire          `json:"work"`
	Outbox         bool              `json:"outbox,omitempty"`
	UnknownOrders  UnknownOrders     `json:"unknown_orders,omitempty"`
	Keep           keepWire          `json:"keep"`
}

type workWire struct {
	LeaseMS     int64 `json:"lease_ms,omitempty"`
	MaxAttempts int   `json:"max_attempts,omitempty"`
	BaseMS      int64 `json:"base_ms,omitempty"`
	CapMS       int64 `json:"cap_ms,omitempty"`
}

type keepWire struct {
	InboxMS  int64 `json:"inbox_ms,omitempty"`
	OutboxMS int64 `json:"outbox_ms,omitempty"`
}

func (c Config) wire() configWire {
	return configWire{
		Store: c.Store, Accounts: c.names(), NotifyURLs: c.NotifyURLs, ExpiresMS: ms(c.Expires),
		QuerySchedule: allMS(c.QuerySchedule), RefundSchedule: allMS(c.RefundSchedule),
		Work:   workWire{ms(c.Work.Lease), c.Work.MaxAttempts, ms(c.Work.Base), ms(c.Work.Cap)},
		Outbox: c.Outbox, UnknownOrders: c.UnknownOrders,
		Keep: keepWire{ms(c.Keep.Inbox), ms(c.Keep.Outbox)},
	}
}
