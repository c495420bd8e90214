// Package alipay_test holds the typed operations of all families against the catalogue.
package alipay_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/alipay/bill"
	"github.com/payseal/payseal/bindings/go/alipay/fund"
	"github.com/payseal/payseal/bindings/go/alipay/merchant"
	"github.com/payseal/payseal/bindings/go/alipay/trade"
	"github.com/payseal/payseal/bindings/go/alipay/user"
	"github.com/payseal/payseal/bindings/go/internal/modeltest"
)

type field struct {
	Name    string  `json:"name"`
	Untyped bool    `json:"untyped"`
	Ref     string  `json:"ref"`
	Items   *field  `json:"items"`
	Fields  []field `json:"fields"`
}

type operation struct {
	Name  string   `json:"name"`
	Query []field  `json:"query"`
	Body  string   `json:"body"`
	File  string   `json:"file"`
	Makes []string `json:"makes"`
}

type family struct {
	Operations []operation `json:"operations"`
	Schemas    []field     `json:"schemas"`
}

func (f family) schema(name string) field {
	at := slices.IndexFunc(f.Schemas, func(schema field) bool { return schema.Name == name })
	return f.Schemas[at]
}

// places are the names of all members that the catalogue has.
func (f family) places(value field, place string) []string {
	if value.Items != nil {
		return f.places(*value.Items, place+"[]")
	}
	if value.Ref != "" {
		value = f.schema(value.Ref)
	}
	found := []string{place}
	for _, member := range value.Fields {
		found = append(found, f.places(member, place+"."+member.Name)...)
	}
	return found
}

// described are the operations by name, each with its family.
func described(t *testing.T) (common []field, operations map[string]operation, families map[string]family) {
	t.Helper()
	text, err := os.ReadFile("../../../catalogue/alipay.json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue struct {
		Common   []field  `json:"common"`
		Families []family `json:"families"`
	}
	if err := json.Unmarshal(text, &catalogue); err != nil {
		t.Fatal(err)
	}
	operations, families = map[string]operation{}, map[string]family{}
	for _, family := range catalogue.Families {
		for _, operation := range family.Operations {
			operations[operation.Name], families[operation.Name] = operation, family
		}
	}
	return catalogue.Common, operations, families
}

func TestEveryOperationIsAskedWithTheProvidersNames(t *testing.T) {
	common, operations, families := described(t)
	made := map[string][]string{}
	for _, call := range calls {
		provider := &modeltest.Provider{Answer: []byte("{}")}
		if _, err := call.Run(t.Context(), provider); err != nil {
			t.Fatalf("%s: %v", call.Operation, err)
		}
		operation, known := operations[call.Operation]
		if !known || provider.Operation != call.Operation {
			t.Errorf("%s was asked for as %s", call.Operation, provider.Operation)
			continue
		}
		made[call.Operation] = append(made[call.Operation], provider.Kind)
		var wanted []string
		for _, parameter := range slices.Concat(operation.Query, common) {
			if !parameter.Untyped {
				wanted = append(wanted, parameter.Name)
			}
		}
		for name := range provider.Asked.Query {
			if !slices.Contains(wanted, name) {
				t.Errorf("%s: %s is no parameter", call.Operation, name)
			}
		}
		if len(provider.Asked.Query) != len(slices.Compact(slices.Sorted(slices.Values(wanted)))) {
			t.Errorf("%s: %v, not %v", call.Operation, provider.Asked.Query, wanted)
		}
		if (operation.File != "") != (string(provider.Asked.Payload) == "file") {
			t.Errorf("%s uploads %q", call.Operation, provider.Asked.Payload)
		}
		if operation.Body == "" {
			if provider.Asked.Body != nil {
				t.Errorf("%s has a body", call.Operation)
			}
			continue
		}
		body, err := modeltest.Parsed(provider.Asked.Body)
		if err != nil {
			t.Fatalf("%s: %v", call.Operation, err)
		}
		family := families[call.Operation]
		ours, theirs := modeltest.Places(body, ""), family.places(family.schema(operation.Body), "")
		slices.Sort(ours)
		slices.Sort(theirs)
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s:\n%v\n%v", call.Operation, ours, theirs)
		}
	}
	for name, operation := range operations {
		kinds := operation.Makes
		if kinds == nil {
			kinds = []string{""}
		}
		if !slices.Equal(made[name], kinds) {
			t.Errorf("%s is made into %q, not %q", name, made[name], kinds)
		}
	}
}

func TestEveryAnswerIsReadWhateverTheProviderHasAdded(t *testing.T) {
	for _, call := range calls {
		modeltest.ReadsWhatIsAdded(t, call)
	}
}

func TestWhatIsNotGivenIsNotAsked(t *testing.T) {
	provider := &modeltest.Provider{Answer: []byte(`{"qr_code":"https://qr.alipay.com/bax"}`)}
	ordered, err := trade.Precreate(t.Context(), provider, &trade.PrecreateRequest{OutTradeNo: "T1", TotalAmount: "0.01", Subject: "茶"}, nil)
	if err != nil || ordered.QRCode != "https://qr.alipay.com/bax" {
		t.Fatalf("%+v %v", ordered, err)
	}
	body, err := json.Marshal(provider.Asked.Body)
	if err != nil || string(body) != `{"out_trade_no":"T1","total_amount":"0.01","subject":"茶"}` || len(provider.Asked.Query) != 0 {
		t.Errorf("%s %v %v", body, provider.Asked.Query, err)
	}
	options := &trade.PrecreateOptions{NotifyURL: "https://shop.example/notify", AppAuthToken: "t"}
	if _, err := trade.Precreate(t.Context(), provider, &trade.PrecreateRequest{}, options); err != nil {
		t.Fatal(err)
	}
	if provider.Asked.Query["notify_url"] != "https://shop.example/notify" || provider.Asked.Query["app_auth_token"] != "t" {
		t.Errorf("%v", provider.Asked.Query)
	}
}

func TestANotificationIsDecodedIntoTheModelOfItsFamily(t *testing.T) {
	event := payseal.Event{Plaintext: json.RawMessage(
		`{"notify_type":"trade_status_sync","trade_status":"TRADE_SUCCESS","out_trade_no":"T1","total_amount":"88.88","seller_id":"2088","added":"1"}`)}
	var paid trade.TradeNotification
	if err := event.Decode(&paid); err != nil || paid.TradeStatus != trade.TradeStatusTradeSuccess || paid.TotalAmount != "88.88" {
		t.Errorf("%+v %v", paid, err)
	}
	event.Plaintext = json.RawMessage(`{"auth_no":"A1","amount":"100.00","status":"SUCCESS"}`)
	var frozen fund.FreezeNotification
	if err := event.Decode(&frozen); err != nil || frozen.AuthNo != "A1" || frozen.Amount != "100.00" {
		t.Errorf("%+v %v", frozen, err)
	}
	event.Plaintext = json.RawMessage(`{"agreement_no":"2019","status":"NORMAL","login_token":"secret"}`)
	var signed user.SignNotification
	if err := event.Decode(&signed); err != nil || signed.AgreementNo != "2019" {
		t.Errorf("%+v %v", signed, err)
	}
}

func TestNobodyElsesBusinessIsNotPrinted(t *testing.T) {
	for _, printed := range []string{
		(&user.OAuthTokenResponse{AccessToken: "SECRET"}).String(),
		trade.PayRequest{AuthCode: "SECRET"}.String(),
		fund.Participant{CertNo: "SECRET"}.GoString(),
		user.InfoShareResponse{UserName: "SECRET"}.String(),
		merchant.UserInfo{Mobile: "SECRET"}.String(),
	} {
		if strings.Contains(printed, "SECRET") {
			t.Error(printed)
		}
	}
	if bills := (bill.DownloadURLRequest{BillType: "trade"}); bills.BillType != "trade" {
		t.Error(bills)
	}
}
