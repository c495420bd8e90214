// Package modeltest calls typed operations without a provider, for the tests of the models of all providers.
package modeltest

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/filled"
)

// Client is what typed operations need.
type Client interface {
	payseal.Executor
	payseal.Invoker
}

// Call is a typed operation with everything filled in.
type Call struct {
	Operation string
	Run       func(ctx context.Context, client Client) (any, error)
}

// Provider stands in for a client: it keeps what it is asked, and gives one answer.
type Provider struct {
	Answer    []byte
	Operation string
	Asked     payseal.Params
	// Kind is what was asked for in place of an answer.
	Kind string
}

// Execute gives the answer.
func (p *Provider) Execute(_ context.Context, operation string, params payseal.Params) (*payseal.Result, error) {
	p.Operation, p.Asked = operation, params
	return &payseal.Result{Body: p.Answer}, nil
}

// Invoke gives "made".
func (p *Provider) Invoke(kind string, params any) (json.RawMessage, error) {
	asked := params.(payseal.InvokeParams)
	p.Kind, p.Operation, p.Asked = kind, asked.Operation, payseal.Params{Query: asked.Query, Body: asked.Body}
	return json.Marshal(map[string]string{kind: "made"})
}

// Surplus is the value with a member that nobody knows in every object.
func Surplus(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if value[filled.Unknown] != nil {
			return value
		}
		more := map[string]any{"new_member": []string{"of", "the provider"}}
		for name, member := range value {
			more[name] = Surplus(member)
		}
		return more
	case []any:
		return []any{Surplus(value[0])}
	default:
		return value
	}
}

// Places are the names of all members, from place on: ".amount.total", ".goods[].id".
func Places(value any, place string) []string {
	switch value := value.(type) {
	case []any:
		return Places(value[0], place+"[]")
	case map[string]any:
		found := []string{place}
		if value[filled.Unknown] == nil {
			for name, member := range value {
				found = append(found, Places(member, place+"."+name)...)
			}
		}
		return found
	default:
		return []string{place}
	}
}

// Parsed is the value after its way through JSON.
func Parsed(value any) (any, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var parsed any
	return parsed, json.Unmarshal(encoded, &parsed)
}

// ReadsWhatIsAdded fails the test where the call's model does not read all that it knows from an answer that has more.
func ReadsWhatIsAdded(t *testing.T, call Call) {
	t.Helper()
	empty, err := call.Run(t.Context(), &Provider{Answer: []byte("{}")})
	if err != nil {
		t.Fatalf("%s: %v", call.Operation, err)
	}
	if empty == nil {
		return
	}
	if text, isText := empty.(string); isText {
		if text != "made" {
			t.Errorf("%s: %s", call.Operation, text)
		}
		return
	}
	whole := reflect.New(reflect.TypeOf(empty).Elem())
	filled.Fill(whole.Elem())
	answer, err := Parsed(whole.Interface())
	if err != nil {
		t.Fatal(err)
	}
	more, err := json.Marshal(Surplus(answer))
	if err != nil {
		t.Fatal(err)
	}
	got, err := call.Run(t.Context(), &Provider{Answer: more})
	if err != nil || !reflect.DeepEqual(got, whole.Interface()) {
		t.Errorf("%s: %v: %v", call.Operation, err, got)
	}
}
