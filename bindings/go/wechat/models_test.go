// Package wechat_test holds the typed operations of all families against the table of facts.
package wechat_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/modeltest"
	"github.com/payseal/payseal/bindings/go/wechat/favor"
	"github.com/payseal/payseal/bindings/go/wechat/fundapp"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
)

const catalogue = "../../../catalogue/"

type schema struct {
	Type       string            `json:"type"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
}

type row struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Query   map[string]schema `json:"query_params"`
	Request *schema           `json:"request"`
}

func (s schema) places(place string) []string {
	if s.Items != nil {
		return s.Items.places(place + "[]")
	}
	found := []string{place}
	for name, member := range s.Properties {
		found = append(found, member.places(place+"."+name)...)
	}
	return found
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(catalogue + file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// otherwise says of which operations the facts are not the whole truth: a person has described or corrected them, and the tests of the
// catalogue hold that against the facts.
func otherwise(t *testing.T) func(operation string) bool {
	t.Helper()
	var written struct {
		Families []struct {
			Operations []struct {
				Name string `json:"name"`
			} `json:"operations"`
		} `json:"families"`
	}
	read(t, "wechat-v3.json", &written)
	var overlay struct {
		Corrections []struct {
			Operation string         `json:"operation"`
			Set       map[string]any `json:"set"`
			Add       any            `json:"add"`
			Remove    bool           `json:"remove"`
			Rename    string         `json:"rename"`
		} `json:"corrections"`
	}
	read(t, "overlay/wechat-v3-corrections.json", &overlay)
	var patterns []string
	for _, family := range written.Families {
		for _, operation := range family.Operations {
			patterns = append(patterns, regexp.QuoteMeta(operation.Name))
		}
	}
	for _, correction := range overlay.Corrections {
		if correction.Add == nil && !correction.Remove && correction.Rename == "" && correction.Set["type"] == nil && correction.Set["items"] == nil {
			continue // its fields are those of the facts
		}
		patterns = append(patterns, strings.ReplaceAll(regexp.QuoteMeta(correction.Operation), `\*`, ".*"))
	}
	return regexp.MustCompile("^(" + strings.Join(patterns, "|") + ")$").MatchString
}

func TestEveryOperationIsAskedWithTheProvidersNames(t *testing.T) {
	var table struct {
		Operations []row `json:"operations"`
	}
	read(t, "facts/wechat-v3.json", &table)
	rows := map[string]row{}
	for _, row := range table.Operations {
		rows[row.Method+" "+row.Path] = row
	}
	differs := otherwise(t)
	compared := 0
	for _, call := range calls {
		provider := &modeltest.Provider{Answer: []byte("{}")}
		if _, err := call.Run(t.Context(), provider); err != nil {
			t.Fatalf("%s: %v", call.Operation, err)
		}
		row, known := rows[call.Operation]
		if !known || provider.Operation != call.Operation {
			t.Errorf("%s was asked for as %s", call.Operation, provider.Operation)
			continue
		}
		for name := range provider.Asked.Path {
			if !strings.Contains(row.Path, "{"+name+"}") {
				t.Errorf("%s: %s is no part of the path", call.Operation, name)
			}
		}
		if len(provider.Asked.Path) != strings.Count(row.Path, "{") {
			t.Errorf("%s: %v", call.Operation, provider.Asked.Path)
		}
		if provider.Asked.Options.Filename != "" && string(provider.Asked.Payload) != "file" {
			t.Errorf("%s uploads %q", call.Operation, provider.Asked.Payload)
		}
		if differs(call.Operation) {
			continue
		}
		for name := range provider.Asked.Query {
			if _, known := row.Query[name]; !known {
				t.Errorf("%s: %s is no query parameter", call.Operation, name)
			}
		}
		if provider.Asked.Body != nil && row.Request != nil && provider.Asked.Body != struct{}{} {
			body, err := modeltest.Parsed(provider.Asked.Body)
			if err != nil {
				t.Fatalf("%s: %v", call.Operation, err)
			}
			ours, theirs := modeltest.Places(body, ""), row.Request.places("")
			slices.Sort(ours)
			slices.Sort(theirs)
			if !slices.Equal(ours, theirs) {
				t.Errorf("%s:\n%v\n%v", call.Operation, ours, theirs)
			}
			compared++
		}
	}
	if len(calls) < 379 || compared < 150 {
		t.Errorf("%d calls, %d bodies compared", len(calls), compared)
	}
}

func TestEveryAnswerIsReadWhateverTheProviderHasAdded(t *testing.T) {
	for _, call := range calls {
		modeltest.ReadsWhatIsAdded(t, call)
	}
}

func TestAValueThatTheProviderHasAddedIsKept(t *testing.T) {
	transaction, transfer, stock := pay.Transaction{}, fundapp.Transfer{}, favor.Stock{}
	for text, into := range map[string]any{`{"trade_state":"NEW"}`: &transaction, `{"state":"NEW"}`: &transfer, `{"status":"NEW"}`: &stock} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if transaction.TradeState != "NEW" || transfer.State != "NEW" || stock.Status != "NEW" {
		t.Errorf("%s %s %s", transaction.TradeState, transfer.State, stock.Status)
	}
}

func TestAnEventIsDecodedIntoTheModelOfItsFamily(t *testing.T) {
	event := payseal.Event{Plaintext: json.RawMessage(
		`{"out_bill_no":"B1","transfer_bill_no":"1","state":"SUCCESS","mch_id":"1900000001","transfer_amount":400000,"openid":"o","added":1}`)}
	var bill fundapp.TransferNotification
	if err := event.Decode(&bill); err != nil || bill.TransferAmount != 400000 || bill.State != "SUCCESS" {
		t.Errorf("%+v %v", bill, err)
	}
}
