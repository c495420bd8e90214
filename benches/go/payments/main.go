// Work from one PostgreSQL: payseal's inbox beside River. And a shop from order to paid. Usage: payments FOLDER HOST prints a JSON line for each measurement.
// PostgreSQL is that at PAYSEAL_TEST_POSTGRES; without it only the shop is measured.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

const (
	singly  = 8_000
	batched = 20_000
	workers = 32
	batch   = 100
)

func main() {
	log.SetFlags(log.Lshortfile)
	folder, host := os.Args[1], os.Args[2]
	if store := os.Getenv("PAYSEAL_TEST_POSTGRES"); store != "" {
		claimAck(folder, store)
	}
	endToEnd(folder, host)
}

func claimAck(folder, store string) {
	ctx := context.Background()
	pool := must(pgxpool.New(ctx, store))
	defer pool.Close()
	p := open(folder, store)
	defer p.Close()
	ours, peer := [3]float64{}, [2]float64{}
	for range 2 { // in turns; the better of each counts
		ours[0] = max(ours[0], handled(ctx, pool, p, singly))
		peer[0] = max(peer[0], rivered(ctx, pool, singly, workers))
		ours[1] = max(ours[1], claimed(ctx, pool, p, singly, 1))
		ours[2] = max(ours[2], claimed(ctx, pool, p, batched, batch))
		peer[1] = max(peer[1], rivered(ctx, pool, batched, batch))
	}
	report("claim_ack.single", "jobs/s", ours[0], peer[0])
	report("claim_ack.calls", "jobs/s", ours[1], peer[0])
	report("claim_ack.batch", "jobs/s", ours[2], peer[1])
}

// arrived fills the inbox.
func arrived(ctx context.Context, pool *pgxpool.Pool, events int) {
	must(pool.Exec(ctx, `TRUNCATE payseal_inbox`))
	must(pool.Exec(ctx, `INSERT INTO payseal_inbox (event_key, account, kind, order_no, source, headers, body, envelope, plaintext, received_ms, state, due_ms, attempts)
		SELECT sha256(n::text::bytea), 'wechat', 'COMPLAINT.CREATE', '', 'notification', repeat('x', 600), convert_to(repeat('x', 1200), 'UTF8'), '{}', convert_to('{}', 'UTF8'), 0, 0, 0, 0
		FROM generate_series(1, $1) n`, events))
	must(pool.Exec(ctx, `VACUUM ANALYZE payseal_inbox`))
}

// handled is how many events a second a runner hands to its workers, each by itself, and acknowledges. It is what River's client is.
func handled(ctx context.Context, pool *pgxpool.Pool, p *payments.Payments, events int) float64 {
	arrived(ctx, pool, events)
	ctx, stop := context.WithCancel(ctx)
	var left atomic.Int64
	left.Store(int64(events))
	runner := payments.Runner{Payments: p, Concurrency: workers, Handle: func(context.Context, *payments.Event) error {
		if left.Add(-1) == 0 {
			stop()
		}
		return nil
	}}
	start := time.Now()
	check(runner.Run(ctx)) // until all of them are acknowledged
	return float64(events) / time.Since(start).Seconds()
}

// claimed is how many events a second are claimed and acknowledged, most at once, by calls of the service's own.
func claimed(ctx context.Context, pool *pgxpool.Pool, p *payments.Payments, events, most int) float64 {
	arrived(ctx, pool, events)
	callers := workers
	if most > 1 {
		callers = 2
	}
	var left atomic.Int64
	left.Store(int64(events))
	start := time.Now()
	concurrently(callers, func() {
		for left.Load() > 0 {
			work := must(p.ClaimEvents(ctx, payments.Claim{Most: most}))
			switch len(work) {
			case 0:
			case 1:
				check(p.Ack(ctx, work[0]))
			default:
				must(payments.AckAll(ctx, p, work))
			}
			left.Add(-int64(len(work)))
		}
	})
	return float64(events) / time.Since(start).Seconds()
}

type nothing struct {
	Body string `json:"body"`
}

func (nothing) Kind() string { return "nothing" }

type worker struct {
	river.WorkerDefaults[nothing]
	left *atomic.Int64
	done chan struct{}
}

func (w *worker) Work(context.Context, *river.Job[nothing]) error {
	if w.left.Add(-1) == 0 {
		close(w.done)
	}
	return nil
}

// rivered is how many jobs of the same size River works off a second.
func rivered(ctx context.Context, pool *pgxpool.Pool, jobs, most int) float64 {
	driver := riverpgxv5.New(pool)
	must(must(rivermigrate.New(driver, nil)).Migrate(ctx, rivermigrate.DirectionUp, nil))
	must(pool.Exec(ctx, `TRUNCATE river_job`))
	left := &atomic.Int64{}
	left.Store(int64(jobs))
	done := make(chan struct{})
	registered := river.NewWorkers()
	river.AddWorker(registered, &worker{left: left, done: done})
	client := must(river.NewClient(driver, &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: most}},
		Workers: registered,
		// As often as it can be told to look; by default it does so ten times a second.
		FetchCooldown: time.Millisecond, FetchPollInterval: time.Millisecond,
	}))
	const chunk = 5_000
	for inserted := 0; inserted < jobs; inserted += chunk {
		params := make([]river.InsertManyParams, min(chunk, jobs-inserted))
		for i := range params {
			params[i] = river.InsertManyParams{Args: nothing{Body: text}}
		}
		must(client.InsertManyFast(ctx, params))
	}
	must(pool.Exec(ctx, `VACUUM ANALYZE river_job`))
	start := time.Now()
	check(client.Start(ctx))
	<-done
	check(client.Stop(ctx)) // until all of them are marked as done
	return float64(jobs) / time.Since(start).Seconds()
}

var text = func() string {
	body := make([]byte, 1800)
	for i := range body {
		body[i] = 'x'
	}
	return string(body)
}()

func open(folder, store string) *payments.Payments {
	client := must(payseal.NewClientFromJSON(must(os.ReadFile(folder + "/config.json"))))
	return must(payments.Open(payments.Config{Store: store, Accounts: []payments.Account{{Client: client}}, UnknownOrders: payments.UnknownOrdersIgnore}))
}

func concurrently(callers int, work func()) {
	var done sync.WaitGroup
	for range callers {
		done.Go(work)
	}
	done.Wait()
}

func report(name, unit string, ours, peer float64) {
	line := map[string]any{"name": name, "ours": math.Round(ours), "unit": unit, "peer": nil, "ratio": nil}
	if peer > 0 {
		line["peer"], line["ratio"] = math.Round(peer), math.Round(ours/peer*1000)/1000
	}
	fmt.Println(string(must(json.Marshal(line))))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		_ = log.Output(3, err.Error())
		os.Exit(1)
	}
}
