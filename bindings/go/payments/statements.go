package payments

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	payseal "github.com/payseal/payseal/bindings/go"
)

// Placeholders is how a database driver marks the places of values.
type Placeholders string

const (
	// Question is "?": SQLite, MySQL.
	Question Placeholders = "?"
	// Dollar is "$1", "$2" …: PostgreSQL.
	Dollar Placeholders = "$1"
	// Percent is "%s".
	Percent Placeholders = "%s"
)

// Statement is SQL that belongs to the acknowledgement of an event: the service's own for [Payments.Ack], or the library's for a transaction of the
// service's own.
type Statement struct {
	SQL string `json:"sql"`
	// Values are int64, string or nil.
	Values []any `json:"values"`
	// Changes is how many rows it must change; nil where any number will do.
	Changes *int64 `json:"changes,omitempty"`
}

// Execer runs SQL: [*sql.Tx], or [*sql.Conn] inside of a transaction.
type Execer interface {
	// ExecContext is that of [*sql.Tx].
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// AckIn is [Payments.Ack] in a transaction of the service's own on the same database: the event takes effect when tx commits, together with what the
// service itself writes. On an error roll back; [payseal.ErrLeaseLost] says that somebody else has the event or got on with its order. A
// handler of a [Runner] returns [ErrAcked] after the commit. Of SQLite only from another process: a second SQLite library in this one must not open
// the file. There the service's own statements go into [Payments.Ack].
func (p *Payments) AckIn(ctx context.Context, tx Execer, event *Event, placeholders Placeholders) error {
	statements, err := p.AckStatements(ctx, event, placeholders)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		result, err := tx.ExecContext(ctx, statement.SQL, statement.Values...)
		if err != nil {
			return err
		}
		if statement.Changes == nil {
			continue
		}
		changed, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if changed != *statement.Changes {
			return &payseal.Error{
				Code: payseal.ErrLeaseLost, Outcome: payseal.OutcomeNotSent,
				Message: "the lease has run out, or somebody else got on with the order; roll back",
			}
		}
	}
	return nil
}

// AckStatements is what [Payments.AckIn] runs, for drivers that are none of database/sql. Run them in their order in one transaction; where one
// changes another number of rows than it must, roll back.
func (p *Payments) AckStatements(ctx context.Context, event *Event, placeholders Placeholders) ([]Statement, error) {
	found, err := do[struct {
		Statements []statementWire `json:"statements"`
	}](ctx, p, "ack_statements", struct {
		ID           int64        `json:"id"`
		Token        int64        `json:"token"`
		Placeholders Placeholders `json:"placeholders,omitempty"`
	}{event.ID, event.Token, placeholders})
	if err != nil {
		return nil, err
	}
	statements := make([]Statement, len(found.Statements))
	for i, wire := range found.Statements {
		statements[i] = Statement{SQL: wire.SQL, Changes: wire.Changes}
		for _, encoded := range wire.Values {
			value, err := sqlValue(encoded)
			if err != nil {
				return nil, unreadable("statements", err)
			}
			statements[i].Values = append(statements[i].Values, value)
		}
	}
	return statements, nil
}

type statementWire struct {
	SQL     string            `json:"sql"`
	Values  []json.RawMessage `json:"values"`
	Changes *int64            `json:"changes"`
}

func sqlValue(encoded json.RawMessage) (any, error) {
	switch {
	case bytes.Equal(encoded, []byte("null")):
		return nil, nil
	case bytes.HasPrefix(encoded, []byte(`"`)):
		var text string
		err := json.Unmarshal(encoded, &text)
		return text, err
	}
	var number int64
	if err := json.Unmarshal(encoded, &number); err != nil {
		return nil, fmt.Errorf("a value is no text, integer or null: %w", err)
	}
	return number, nil
}
