// The server of the round trips: it answers every order with the same prepay id, signed as the platform would, and has a bill of 2 GB. The signature is made once
// a second, so that the server costs the measured clients as little as can be. Usage: server FOLDER; prints its address; ends with its stdin.
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	keyID = "PUB_KEY_ID_0119000072912024111300111600002187"
	nonce = "593BEC0C930BF1AFEB40B4A08C8FB242"
	body  = `{"prepay_id":"wx26112221580621e9b071c00d9e093b0000"}`
)

// seal is the signature of one second.
type seal struct {
	sync.Mutex
	key       *rsa.PrivateKey
	second    int64
	signature string
}

func (s *seal) now() (timestamp, signature string) {
	s.Lock()
	defer s.Unlock()
	if second := time.Now().Unix(); second != s.second {
		s.second, s.signature = second, s.over(second, body)
	}
	return fmt.Sprint(s.second), s.signature
}

func (s *seal) over(second int64, body string) string {
	digest := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n", second, nonce, body))
	signed, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	if err != nil {
		log.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signed)
}

func main() {
	log.SetFlags(0)
	text, err := os.ReadFile(filepath.Join(os.Args[1], "platform.pem"))
	if err != nil {
		log.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		log.Fatal(err)
	}
	seal := &seal{key: key.(*rsa.PrivateKey)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("http://%s\n", listener.Addr())
	bill := newBill(os.Args[1])
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/v3/billdownload/file":
			bill.serve(w, r)
		case "/v3/bill/tradebill":
			where, second := bill.answer(r.Host), time.Now().Unix()
			answer(w, where, fmt.Sprint(second), seal.over(second, where))
		default:
			timestamp, signature := seal.now()
			answer(w, body, timestamp, signature)
		}
	})))
}

func answer(w http.ResponseWriter, body, timestamp, signature string) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Wechatpay-Timestamp", timestamp)
	header.Set("Wechatpay-Nonce", nonce)
	header.Set("Wechatpay-Serial", keyID)
	header.Set("Wechatpay-Signature", signature)
	header.Set("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048")
	_, _ = io.WriteString(w, body)
}
