// Package sqltest_test acknowledges events in transactions of a service's own, with the drivers that services use.
package sqltest_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

// database is one that payments and the service share. It is none of SQLite: a second SQLite library in one process must not open the file.
type database struct {
	store, driver, source string
	placeholders          payments.Placeholders
}

func databases(t *testing.T) map[string]func(t *testing.T) database {
	return map[string]func(t *testing.T) database{
		"postgres": func(t *testing.T) database {
			server, name := server(t, "PAYSEAL_TEST_POSTGRES")
			create(t, exec.Command("psql", "--no-psqlrc", "--quiet", "--command=CREATE DATABASE "+name, server.String()))
			server.Path = "/" + name
			return database{server.String(), "pgx", server.String(), payments.Dollar}
		},
		"mysql": func(t *testing.T) database {
			server, name := server(t, "PAYSEAL_TEST_MYSQL")
			password, _ := server.User.Password()
			command := exec.Command("mariadb", "--no-defaults", "--protocol=tcp", "--host="+server.Hostname(), "--port="+server.Port(),
				"--user="+server.User.Username(), "--execute=CREATE DATABASE "+name)
			command.Env = append(os.Environ(), "MYSQL_PWD="+password)
			create(t, command)
			server.Path = "/" + name
			source := fmt.Sprintf("%s:%s@tcp(%s)/%s", server.User.Username(), password, server.Host, name)
			return database{server.String(), "mysql", source, payments.Question}
		},
	}
}

func server(t *testing.T, variable string) (server *url.URL, name string) {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		t.Skipf("%s names no server; scripts/services.py starts one", variable)
	}
	server, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return server, "gosql_" + strings.ToLower(rand.Text())
}

func create(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}

func TestAnEventTakesEffectWithWhatTheServiceWritesOrNotAtAll(t *testing.T) {
	for name, open := range databases(t) {
		t.Run(name, func(t *testing.T) {
			database := open(t)
			merchant := newMerchant(t)
			config := payments.Config{Store: database.store, Outbox: true, Accounts: []payments.Account{{Name: "wechat", Client: merchant.client}}}
			p, err := payments.Open(config)
			must(t, err)
			defer p.Close()
			db, err := sql.Open(database.driver, database.source)
			must(t, err)
			defer db.Close()
			_, err = db.ExecContext(t.Context(), "CREATE TABLE shipments (order_no VARCHAR(64) PRIMARY KEY)")
			must(t, err)

			// The provider tells of an order that is not here: with the acknowledgement comes an exception, and a message.
			header, body := merchant.paid("SQL1")
			accepted, err := p.AcceptRaw(t.Context(), "wechat", header, body)
			must(t, errors.Join(err, accepted.Err))
			events, err := p.ClaimEvents(t.Context(), payments.Claim{})
			must(t, err)
			ship := func(event *payments.Event, end func(*sql.Tx) error) error {
				tx, err := db.BeginTx(t.Context(), nil)
				must(t, err)
				insert := "INSERT INTO shipments (order_no) VALUES ('" + event.OrderNo + "')"
				if _, err := tx.ExecContext(t.Context(), insert); err != nil {
					return errors.Join(err, tx.Rollback())
				}
				if err := p.AckIn(t.Context(), tx, event, database.placeholders); err != nil {
					return errors.Join(err, tx.Rollback())
				}
				return end(tx)
			}
			expect := func(when string, shipments, exceptions, waiting, told int64) {
				t.Helper()
				stats, err := p.Stats(t.Context())
				must(t, err)
				var shipped int64
				must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM shipments").Scan(&shipped))
				if shipped != shipments || stats.Exceptions != exceptions || stats.Inbox.Waiting != waiting || stats.Outbox.Waiting != told {
					t.Fatalf("%s: %d shipments, %+v", when, shipped, stats)
				}
			}
			must(t, ship(events[0], (*sql.Tx).Rollback))
			expect("after a rollback", 0, 0, 1, 0)
			must(t, ship(events[0], (*sql.Tx).Commit))
			expect("after a commit", 1, 1, 0, 1)

			late := *events[0]
			late.OrderNo = "SQL2"
			if err := ship(&late, (*sql.Tx).Commit); !errors.Is(err, payseal.ErrLeaseLost) {
				t.Errorf("acknowledged twice: %v", err)
			}
			expect("after a second acknowledgement", 1, 1, 0, 1)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	serial   = "PUB_KEY_ID_0114232134912410000000000000"
	apiv3Key = "an-apiv3-key-that-has-32-bytes-."
	mchid    = "1900000001"
)

// merchant has a client, and a provider that the standard library's crypto plays.
type merchant struct {
	client   *payseal.Client
	platform *rsa.PrivateKey
}

func newMerchant(t *testing.T) *merchant {
	t.Helper()
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	platform, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(own)
	must(t, err)
	public, err := x509.MarshalPKIXPublicKey(&platform.PublicKey)
	must(t, err)
	client, err := payseal.NewClient(payseal.Config{
		Provider: payseal.WeChat, MchID: mchid, MerchantSerial: "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10", APIv3Key: apiv3Key,
		PrivateKey:         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		PlatformPublicKeys: map[string]string{serial: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))},
	})
	must(t, err)
	t.Cleanup(func() { client.Close() })
	return &merchant{client, platform}
}

func (m *merchant) paid(orderNo string) (http.Header, []byte) {
	plaintext := fmt.Appendf(nil, `{"mchid":%q,"appid":"wx1","out_trade_no":%q,"transaction_id":"42000001","trade_type":"NATIVE","trade_state":"SUCCESS","success_time":"2025-06-08T10:34:56+08:00","amount":{"total":100,"currency":"CNY"}}`, mchid, orderNo)
	block, _ := aes.NewCipher([]byte(apiv3Key))
	gcm, _ := cipher.NewGCM(block)
	nonce := []byte("4ce96a5e6b1f")
	body, _ := json.Marshal(map[string]any{
		"id": "EV-" + orderNo, "create_time": "2025-06-08T10:34:56+08:00", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource",
		"resource": map[string]string{"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "nonce": string(nonce), "associated_data": "",
			"ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, nonce, plaintext, nil))},
	})
	now := fmt.Sprint(time.Now().Unix())
	digest := sha256.Sum256(bytes.Join([][]byte{[]byte(now), []byte("n"), body, nil}, []byte("\n")))
	signature, _ := rsa.SignPKCS1v15(nil, m.platform, crypto.SHA256, digest[:])
	return http.Header{
		"Wechatpay-Serial": {serial}, "Wechatpay-Timestamp": {now}, "Wechatpay-Nonce": {"n"},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(signature)},
	}, body
}
