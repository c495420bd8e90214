// Package wechat_test holds the typed operations of all families against the table of facts.
package wechat_test

import (
	"context"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/filled"
	"github.com/payseal/payseal/bindings/go/wechat/favor"
	"github.com/payseal/payseal/bindings/go/wechat/fundapp"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
)

const catalogue = "../../../catalogue/"

// call is a typed operation with everything filled in.
type call struct {
	operation string
	run       func(ctx context.Context, client payseal.Executor) (any, error)
}

// provider stands in for a client: it keeps what it is asked, and gives one answer.
type provider struct {
	answer    []byte
	operation string
	asked     payseal.Params
}

func (p *provider) Execute(_ context.Context, operation string, params payseal.Params) (*payseal.Result, error) {
	p.operation, p.asked = operation, params
	return &payseal.Result{Body: p.answer}, nil
}

// surplus is the value with a member that nobody knows in every object.
func surplus(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if value["key"] != nil {
			return value
		}
		more := map[string]any{"new_member": []string{"of", "the provider"}}
		for name, member := range value {
			more[name] = surplus(member)
		}
		return more
	case []any:
		return []any{surplus(value[0])}
	default:
		return value
	}
}

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

func places(value any, place string) []string {
	switch value := value.(type) {
	case []any:
		return places(value[0], place+"[]")
	case map[string]any:
		found := []string{place}
		if value["key"] == nil {
			for name, member := range value {
				found = append(found, places(member, place+"."+name)...)
			}
		}
		return found
	default:
		return []string{place}
	}
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
		provider := &provider{answer: []byte("{}")}
		if _, err := call.run(t.Context(), provider); err != nil {
			t.Fatalf("%s: %v", call.operation, err)
		}
		row, known := rows[call.operation]
		if !known || provider.operation != call.operation {
			t.Errorf("%s was asked for as %s", call.operation, provider.operation)
			continue
		}
		for name := range provider.asked.Path {
			if !strings.Contains(row.Path, "{"+name+"}") {
				t.Errorf("%s: %s is no part of the path", call.operation, name)
			}
		}
		if len(provider.asked.Path) != strings.Count(row.Path, "{") {
			t.Errorf("%s: %v", call.operation, provider.asked.Path)
		}
		if provider.asked.Options.Filename != "" && string(provider.asked.Payload) != "file" {
			t.Errorf("%s uploads %q", call.operation, provider.asked.Payload)
		}
		if differs(call.operation) {
			continue
		}
		for name := range provider.asked.Query {
			if _, known := row.Query[name]; !known {
				t.Errorf("%s: %s is no query parameter", call.operation, name)
			}
		}
		if provider.asked.Body != nil && row.Request != nil && provider.asked.Body != struct{}{} {
			encoded, err := json.Marshal(provider.asked.Body)
			var body any
			if err == nil {
				err = json.Unmarshal(encoded, &body)
			}
			ours, theirs := places(body, ""), row.Request.places("")
			slices.Sort(ours)
			slices.Sort(theirs)
			if err != nil || !slices.Equal(ours, theirs) {
				t.Errorf("%s: %v\n%v\n%v", call.operation, err, ours, theirs)
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
		empty, err := call.run(t.Context(), &provider{answer: []byte("{}")})
		if err != nil {
			t.Fatalf("%s: %v", call.operation, err)
		}
		if empty == nil {
			continue
		}
		whole := reflect.New(reflect.TypeOf(empty).Elem())
		filled.Fill(whole.Elem())
		encoded, err := json.Marshal(whole.Interface())
		if err != nil {
			t.Fatal(err)
		}
		var answer any
		if err := json.Unmarshal(encoded, &answer); err != nil {
			t.Fatal(err)
		}
		more, err := json.Marshal(surplus(answer))
		if err != nil {
			t.Fatal(err)
		}
		got, err := call.run(t.Context(), &provider{answer: more})
		if err != nil || !reflect.DeepEqual(got, whole.Interface()) {
			t.Errorf("%s: %v: %v", call.operation, err, got)
		}
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
