package payseal_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// authority signs server certificates for one test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	key := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a root"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return authority{parse(t, sign(t, template, template, key.Public(), key)), key}
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) []byte {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func parse(t *testing.T, der []byte) *x509.Certificate {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func (a authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// server issues a certificate for 127.0.0.1, after change had its way with it.
func (a authority) server(t *testing.T, change func(*x509.Certificate), config *tls.Config, answer http.HandlerFunc) *httptest.Server {
	key := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{sign(t, template, a.certificate, key.Public(), a.key)}, PrivateKey: key}}
	server := httptest.NewUnstartedServer(answer)
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestOnlyATrustedServerIsTalkedTo(t *testing.T) {
	p, trusted := thePlatform(), newAuthority(t)
	untrusted := newAuthority(t)
	body := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`)
	as := func(*x509.Certificate) {}
	for name, test := range map[string]struct {
		issuer authority
		change func(*x509.Certificate)
		config *tls.Config
		good   bool
	}{
		"good":            {trusted, as, &tls.Config{}, true},
		"TLS 1.2":         {trusted, as, &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		"other authority": {untrusted, as, &tls.Config{}, false},
		"other address":   {trusted, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }, &tls.Config{}, false},
		"no address":      {trusted, func(c *x509.Certificate) { c.IPAddresses = nil }, &tls.Config{}, false},
		"expired":         {trusted, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, &tls.Config{}, false},
		"not yet valid":   {trusted, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, &tls.Config{}, false},
		"for clients":     {trusted, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, &tls.Config{}, false},
		"TLS 1.1":         {trusted, as, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		"TLS 1.0":         {trusted, as, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := test.issuer.server(t, test.change, test.config, func(w http.ResponseWriter, r *http.Request) {
				if !test.good {
					t.Error("a request arrived")
				}
				for name, values := range p.signed(time.Now(), body) {
					w.Header()[name] = values
				}
				_, _ = w.Write(body)
			})
			config := p.config()
			config.Hosts = []string{server.URL}
			config.RootCertificates = trusted.pem()
			_, err := newClient(t, config).Execute(t.Context(), nativeOrder, orderParams())
			if test.good {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			failure(t, err, payseal.ErrTLSFailed, payseal.OutcomeNotSent)
		})
	}
}

func TestTheWebsRootsDoNotTrustALocalAuthority(t *testing.T) {
	server := newAuthority(t).server(t, func(*x509.Certificate) {}, &tls.Config{}, func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") })
	config := thePlatform().config()
	config.Hosts = []string{server.URL}
	_, err := newClient(t, config).Execute(t.Context(), nativeOrder, orderParams())
	failure(t, err, payseal.ErrTLSFailed, payseal.OutcomeNotSent)
}

func TestHTTPSSpokenToAPlainServerSendsNothing(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	defer plain.Close()
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	config := thePlatform().config()
	config.Hosts = []string{strings.Replace(plain.URL, "http:", "https:", 1)}
	_, err := newClient(t, config).Execute(t.Context(), nativeOrder, orderParams())
	failure(t, err, payseal.ErrTLSFailed, payseal.OutcomeNotSent)
}
