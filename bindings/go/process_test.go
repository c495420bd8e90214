package payseal_test

import (
	"os"
	"regexp"
	"runtime"
	"slices"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// state is what a library must leave alone in the process that it lives in.
type state struct {
	environment []string
	directory   string
	signals     string
	limits      string
	files       int
}

func processState(t *testing.T) state {
	t.Helper()
	read := func(name string) string {
		content, err := os.ReadFile("/proc/self/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	directory, _ := os.Getwd()
	signals := regexp.MustCompile(`(?m)^(SigIgn|SigCgt|Umask|NoNewPrivs|Seccomp):.*$`).FindAllString(read("status"), -1)
	if len(signals) < 4 {
		t.Fatalf("%v", signals)
	}
	return state{slices.Sorted(slices.Values(os.Environ())), directory, regexp.MustCompile(`\s+`).ReplaceAllString(joined(signals), " "), read("limits"), len(files)}
}

func joined(lines []string) (all string) {
	for _, line := range lines {
		all += line + "\n"
	}
	return all
}

func TestTheProcessIsLeftAsItWas(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	s := theSandbox(t) // not the library's doing, so before
	before := processState(t)
	client := s.Client(t, "config.json", nil)
	for range 3 {
		if _, err := client.Execute(t.Context(), nativeOrder, order(newOrderNumber(), someNotifyURL)); err != nil {
			t.Fatal(err)
		}
	}
	header, body := thePlatform().notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	if _, err := client.OpenNotificationRaw(t.Context(), header, body); err == nil {
		t.Fatal("another platform's notification was opened")
	}
	if _, err := payseal.Digest(payseal.SHA256, nil, nil); err != nil {
		t.Fatal(err)
	}
	client.Close()
	after := processState(t)
	if !slices.Equal(before.environment, after.environment) || before.directory != after.directory || before.signals != after.signals || before.limits != after.limits {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if after.files > before.files {
		t.Errorf("%d files were open before, %d are now", before.files, after.files)
	}
}
