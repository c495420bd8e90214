package payseal_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

func TestAFloodOfGoroutinesDoesNotKillTheProcess(t *testing.T) {
	program := filepath.Join(t.TempDir(), "flood")
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/flood").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var stdout, stderr bytes.Buffer
	flood := exec.CommandContext(t.Context(), program)
	flood.Stdout, flood.Stderr = &stdout, &stderr
	if err := flood.Run(); err != nil || stdout.String() != "20000 of 20000 calls answered\n" || stderr.Len() > 0 {
		t.Errorf("%v: %s%.2000s", err, stdout.String(), stderr.String())
	}

	out, err := exec.CommandContext(t.Context(), program, "-bound", "20000").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "thread exhaustion") {
		t.Errorf("without the bound the process should die of its threads, else this test shows nothing: %v\n%.2000s", err, out)
	}
}

func TestACallWaitsForItsTurnWithinItsContext(t *testing.T) {
	silent := newSilentServer(t)
	client := newClient(t, silent.config(), payseal.WithMaxBlockingCalls(1))
	first, giveUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := client.Execute(first, nativeOrder, orderParams())
		ended <- err
	}()
	<-silent.requested // the only place is taken

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := client.Execute(ctx, nativeOrder, orderParams())
	failure(t, err, payseal.ErrTimeout, payseal.OutcomeNotSent)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("errors.Is(err, context.DeadlineExceeded) does not hold")
	}

	// Notifications, and what needs no network, wait for nobody.
	header, body := thePlatform().notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	if _, err := client.OpenNotificationRaw(t.Context(), header, body); err != nil {
		t.Error(err)
	}
	if _, err := client.JSAPIPayment("", "wx1"); err != nil {
		t.Error(err)
	}
	giveUp()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
