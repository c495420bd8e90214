package main

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

type state string

const (
	paying state = "paying"
	paid   state = "paid"
)

// order is a value: what the store hands out never changes under its reader.
type order struct {
	ID            string
	Method        string
	AmountFen     int64
	CodeURL       string
	State         state
	TransactionID string
	PaidAt        string
}

// orders keeps the orders in memory. A real shop keeps them in a database, and writes the order before it asks for money.
type orders struct {
	mu   sync.Mutex
	byID map[string]order
}

func newOrders() *orders {
	return &orders{byID: map[string]order{}}
}

// create stores a new order under a number of its own.
func (o *orders) create(method string, amountFen int64) order {
	// Text() has 130 random bits; out_trade_no allows 32 characters.
	created := order{ID: time.Now().Format("060102") + rand.Text(), Method: method, AmountFen: amountFen, State: paying}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.byID[created.ID] = created
	return created
}

func (o *orders) get(id string) (order, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, exists := o.byID[id]
	return found, exists
}

// setCodeURL remembers what the order's QR code says.
func (o *orders) setCodeURL(id, codeURL string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if found, exists := o.byID[id]; exists {
		found.CodeURL = codeURL
		o.byID[id] = found
	}
}

// markPaid is called for every word of a payment, repetitions included; only the first changes the order. first says which it was.
func (o *orders) markPaid(id, transactionID, paidAt string, amountFen int64) (first bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, exists := o.byID[id]
	switch {
	case !exists:
		return false, fmt.Errorf("order %s is not ours", id)
	case found.AmountFen != amountFen:
		return false, fmt.Errorf("order %s costs %d fen, %d were paid", id, found.AmountFen, amountFen)
	case found.State == paid:
		return false, nil
	}
	found.State, found.TransactionID, found.PaidAt = paid, transactionID, paidAt
	o.byID[id] = found
	return true, nil
}
