package payseal_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
)

// families are the packages below wechat, each with something it is used for, all the way to the sandbox and back.
var families = []struct {
	name string
	use  func(t *testing.T, m *merchant)
}{
	{"bill", useBill},
	{"busifavor", useBusifavor},
	{"certificates", useCertificates},
	{"combine", useCombine},
	{"ecommerce", useEcommerce},
	{"favor", useFavor},
	{"files", useFiles},
	{"fundapp", useFundapp},
	{"merchantfund", useMerchantfund},
	{"merchantmedia", useMerchantmedia},
	{"merchantservice", useMerchantservice},
	{"papay", usePapay},
	{"parking", useParking},
	{"partnerpay", usePartnerpay},
	{"partnerships", usePartnerships},
	{"pay", usePay},
	{"paygift", usePaygift},
	{"payscore", usePayscore},
	{"profitsharing", useProfitsharing},
	{"refund", useRefund},
	{"security", useSecurity},
	{"transfer", useTransfer},
}

const (
	someOpenID      = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
	someSubMerchant = "1600000001"
)

func TestEveryFamilyIsTypedAllTheWayThereAndBack(t *testing.T) {
	for scheme, start := range map[string]func(*testing.T) *sandbox{
		"RSA": func(t *testing.T) *sandbox { return theSandbox(t) },
		"国密":  startSM2Sandbox,
	} {
		t.Run(scheme, func(t *testing.T) {
			m := newMerchant(t, start(t))
			for _, family := range families {
				t.Run(family.name, func(t *testing.T) {
					before := m.exchanges(t, "")
					family.use(t, m)
					m.spoke(t, family.name, before)
				})
			}
		})
	}
}

func TestNoFamilyIsLeftOut(t *testing.T) {
	entries, err := os.ReadDir("wechat")
	if err != nil {
		t.Fatal(err)
	}
	var packages, used []string
	for _, entry := range entries {
		if entry.IsDir() {
			packages = append(packages, entry.Name())
		}
	}
	for _, family := range families {
		used = append(used, family.name)
	}
	if slices.Sort(used); !slices.Equal(packages, used) {
		t.Errorf("there are %v\nused are %v", packages, used)
	}
}

// merchant is a client of the sandbox, which shows what it was sent.
type merchant struct {
	*payseal.Client
	sandbox   *sandbox
	id, appID string
}

func newMerchant(t *testing.T, s *sandbox) *merchant {
	t.Helper()
	m := &merchant{sandbox: s}
	m.Client = s.Client(t, "config.json", func(config map[string]any) {
		m.id, m.appID = config["mchid"].(string), config["appid"].(string)
	})
	return m
}

// exchange is a request as the sandbox received it, and the answer as it was sent.
type exchange struct {
	ID        int64
	Operation string
	URL       string
	Body      string
	Outcome   string
	Answer    struct{ Body string }
}

// exchanges are those of an operation, or all, newest first.
func (m *merchant) exchanges(t *testing.T, operation string) (found []exchange) {
	t.Helper()
	answer := m.sandbox.Control(t, "GET", "/sandbox/exchanges?operation="+url.QueryEscape(operation), nil)
	if err := json.Unmarshal(answer, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// spoke fails unless the sandbox has since accepted an operation of the family's package.
func (m *merchant) spoke(t *testing.T, family string, before []exchange) {
	t.Helper()
	var last int64
	if len(before) > 0 {
		last = before[0].ID
	}
	files, err := filepath.Glob(filepath.Join("wechat", family, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	for _, seen := range m.exchanges(t, "") {
		if seen.ID > last && seen.Outcome == "accepted" && strings.Contains(source.String(), strconv.Quote(seen.Operation)) {
			return
		}
	}
	t.Errorf("no operation of %s was accepted", family)
}

// requestSealed fails unless the newest request of the operation has ciphertext in these places, "receivers.0.name".
func (m *merchant) requestSealed(t *testing.T, operation string, plaintext map[string]string) {
	t.Helper()
	sealed(t, m.newest(t, operation).Body, plaintext)
}

// answerSealed is the same of the answer.
func (m *merchant) answerSealed(t *testing.T, operation string, plaintext map[string]string) {
	t.Helper()
	sealed(t, m.newest(t, operation).Answer.Body, plaintext)
}

func (m *merchant) newest(t *testing.T, operation string) exchange {
	t.Helper()
	for _, seen := range m.exchanges(t, operation) {
		if seen.Operation == operation {
			return seen
		}
	}
	t.Fatalf("the sandbox has seen no %s", operation)
	return exchange{}
}

func sealed(t *testing.T, body string, plaintext map[string]string) {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(body), &root); err != nil {
		t.Fatal(err)
	}
	for place, plain := range plaintext {
		value := root
		for step := range strings.SplitSeq(place, ".") {
			if list, ok := value.([]any); ok {
				index, err := strconv.Atoi(step)
				if err != nil || index >= len(list) {
					t.Fatalf("%s is not in %s", place, body)
				}
				value = list[index]
				continue
			}
			object, _ := value.(map[string]any)
			value = object[step]
		}
		text, _ := value.(string)
		// Neither RSA of 2048 bits nor SM2 makes less than 97 bytes of anything.
		if decoded, err := base64.StdEncoding.DecodeString(text); err != nil || len(decoded) < 97 {
			t.Errorf("%s is %q, which is no ciphertext", place, text)
		}
		if strings.Contains(body, plain) {
			t.Errorf("the plaintext of %s is in %s", place, body)
		}
	}
}

// must is the answer of a call that has to succeed.
func must[T any](answer T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

func pointer[T any](value T) *T { return &value }
