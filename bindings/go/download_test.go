package payseal_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/wechat/files"
)

// aBill is some rows of a bill, packed by Go's own libraries.
func aBill(rows int) (plain, packed []byte) {
	var text, gz bytes.Buffer
	text.WriteString("\ufeff交易时间,微信订单号,应结订单金额\r\n")
	for n := range rows {
		fmt.Fprintf(&text, "`2025-06-08 09:00:00,`420000%010d,`%d.%02d\r\n", n, n/100, n%100)
	}
	writer := gzip.NewWriter(&gz)
	writer.Write(text.Bytes())
	writer.Close()
	return text.Bytes(), gz.Bytes()
}

func hashOf(plain []byte) string {
	hash := sha1.Sum(plain)
	return hex.EncodeToString(hash[:])
}

// billServer answers an application with what answer says, and hands out file.
func billServer(t *testing.T, answer func(origin string) any, file func(http.ResponseWriter, *http.Request)) string {
	p := thePlatform()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "WECHATPAY2-") {
			t.Errorf("%s is not signed", r.URL)
		}
		if r.URL.Path == "/v3/billdownload/file" {
			file(w, r)
			return
		}
		body, _ := json.Marshal(answer("http://" + r.Host))
		for name, values := range p.signed(time.Now(), body) {
			w.Header()[name] = values
		}
		w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func named(hash string) func(string) any {
	return func(origin string) any {
		return map[string]string{"download_url": origin + "/v3/billdownload/file?token=t", "hash_type": "SHA1", "hash_value": hash}
	}
}

func writes(data []byte) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(data) }
}

// withBoth runs a test over the built-in transport and over Go's own HTTP client.
func withBoth(t *testing.T, origin string, test func(*testing.T, *payseal.Client)) {
	config := thePlatform().config()
	config.Hosts = []string{origin}
	t.Run("built-in", func(t *testing.T) { test(t, newClient(t, config)) })
	t.Run("own client", func(t *testing.T) { test(t, newClient(t, config, payseal.WithHTTPClient(&http.Client{}))) })
}

func TestABillIsReadToItsVerifiedEnd(t *testing.T) {
	plain, packed := aBill(20_000)
	withBoth(t, billServer(t, named(hashOf(plain)), writes(packed)), func(t *testing.T, client *payseal.Client) {
		download, err := client.Download(t.Context(), files.TradeBill("2025-06-08", "ALL"))
		if err != nil {
			t.Fatal(err)
		}
		defer download.Close()
		read, err := io.ReadAll(download)
		if err != nil || !bytes.Equal(read, plain) {
			t.Fatalf("%v, %d of %d bytes", err, len(read), len(plain))
		}
		info, err := download.Info()
		if err != nil || !info.Complete || !info.Verified || info.Bytes != int64(len(plain)) || info.ReceivedBytes != int64(len(packed)) {
			t.Errorf("%v %+v", err, info)
		}
		if n, err := download.Read(make([]byte, 9)); n != 0 || err != io.EOF {
			t.Error("the end stays the end", n, err)
		}
	})
}

func TestABillIsSavedWholeOrNotAtAll(t *testing.T) {
	plain, packed := aBill(100)
	_, other := aBill(101)
	path := filepath.Join(t.TempDir(), "bill.csv")
	if err := os.WriteFile(path, []byte("yesterday's"), 0o600); err != nil {
		t.Fatal(err)
	}
	save := func(client *payseal.Client) (payseal.DownloadInfo, error) {
		download, err := client.Download(t.Context(), files.FundFlowBill("2025-06-08", "BASIC"))
		if err != nil {
			t.Fatal(err)
		}
		defer download.Close()
		return download.SaveTo(path)
	}
	withBoth(t, billServer(t, named(hashOf(plain)), writes(other)), func(t *testing.T, client *payseal.Client) {
		_, err := save(client)
		failure(t, err, payseal.ErrHashMismatch, payseal.OutcomeUnauthentic)
		if saved, _ := os.ReadFile(path); string(saved) != "yesterday's" {
			t.Errorf("%q", saved)
		}
	})
	withBoth(t, billServer(t, named(hashOf(plain)), writes(packed)), func(t *testing.T, client *payseal.Client) {
		if info, err := save(client); err != nil || !info.Verified {
			t.Fatal(info, err)
		}
		if saved, _ := os.ReadFile(path); !bytes.Equal(saved, plain) {
			t.Errorf("%q", saved)
		}
	})
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("%v stays", entries)
	}
}

func TestAWrongFileNeverComesToAGoodEnd(t *testing.T) {
	plain, packed := aBill(1000)
	for name, test := range map[string]struct {
		file func(http.ResponseWriter, *http.Request)
		code payseal.Code
	}{
		"another file": {writes(func() []byte { _, other := aBill(999); return other }()), payseal.ErrHashMismatch},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(packed)))
			w.Write(packed[:len(packed)-20])
		}, payseal.ErrConnectionLost},
		"not gzip": {writes([]byte("<html>")), payseal.ErrBodyInvalid},
		"more":     {writes(append(bytes.Clone(packed), "more"...)), payseal.ErrBodyInvalid},
		"empty":    {writes(nil), payseal.ErrBodyInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			withBoth(t, billServer(t, named(hashOf(plain)), test.file), func(t *testing.T, client *payseal.Client) {
				download, err := client.Download(t.Context(), files.TradeBill("2025-06-08", "ALL"))
				if err != nil {
					t.Fatal(err)
				}
				defer download.Close()
				_, err = io.Copy(io.Discard, download)
				failed, is := err.(*payseal.Error)
				if !is || failed.Code != test.code {
					t.Errorf("%v", err)
				}
				if _, again := download.Read(make([]byte, 9)); again == nil || again == io.EOF {
					t.Error("it stays an error", again)
				}
			})
		})
	}
}

func TestAnEncryptedBillInPartsIsOneFile(t *testing.T) {
	p := thePlatform()
	plain, sealed := map[string][]byte{}, map[string][]byte{}
	part := func(number int, token string) func(origin string) map[string]any {
		text, packed := aBill(number * 50)
		key, nonce := make([]byte, 32), "nonce-of-sixteen"
		rand.Read(key)
		block, _ := aes.NewCipher(key)
		gcm, err := cipher.NewGCMWithNonceSize(block, len(nonce))
		if err != nil {
			t.Fatal(err)
		}
		plain[token], sealed[token] = text, gcm.Seal(nil, []byte(nonce), packed, nil)
		wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &p.merchant.PublicKey, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		return func(origin string) map[string]any {
			return map[string]any{
				"bill_sequence": number, "download_url": origin + "/v3/billdownload/file?token=" + token, "hash_type": "SHA1",
				"hash_value": hashOf(text), "encrypt_key": base64.StdEncoding.EncodeToString(wrapped), "nonce": nonce,
			}
		}
	}
	one, two := part(1, "one"), part(2, "two")
	answer := func(origin string) any {
		return map[string]any{"download_bill_count": 2, "download_bill_list": []any{two(origin), one(origin)}}
	}
	origin := billServer(t, answer, func(w http.ResponseWriter, r *http.Request) { w.Write(sealed[r.URL.Query().Get("token")]) })
	withBoth(t, origin, func(t *testing.T, client *payseal.Client) {
		download, err := client.Download(t.Context(), files.SubMerchantFundFlowBill("1900000109", "2025-06-08", "BASIC"))
		if err != nil {
			t.Fatal(err)
		}
		defer download.Close()
		read, err := io.ReadAll(download)
		if err != nil || !bytes.Equal(read, append(bytes.Clone(plain["one"]), plain["two"]...)) {
			t.Errorf("%v, %d bytes", err, len(read))
		}
	})
}

func TestTheEndOfTheContextEndsADownloadInTheMiddle(t *testing.T) {
	plain, packed := aBill(20_000)
	origin := billServer(t, named(hashOf(plain)), func(w http.ResponseWriter, r *http.Request) {
		w.Write(packed[:len(packed)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	withBoth(t, origin, func(t *testing.T, client *payseal.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		download, err := client.Download(ctx, files.TradeBill("2025-06-08", "ALL"))
		if err != nil {
			t.Fatal(err)
		}
		defer download.Close()
		first := make([]byte, 10)
		if _, err := io.ReadFull(download, first); err != nil {
			t.Fatal(err)
		}
		cancel()
		_, err = io.Copy(io.Discard, download)
		failed, is := err.(*payseal.Error)
		if !is || failed.Code != payseal.ErrCancelled {
			t.Errorf("%v", err)
		}
	})
}

func TestAFileIsNotFetchedFromElsewhere(t *testing.T) {
	client := thePlatform().client(t)
	_, err := client.Download(t.Context(), payseal.DownloadParams{File: &payseal.FileAddress{
		DownloadURL: "https://evil.example/file", HashType: "SHA1", HashValue: hashOf(nil),
	}})
	if failed := failure(t, err, payseal.ErrResponseMismatch, payseal.OutcomeNotSent); failed.Details.Field != "download_url" {
		t.Errorf("%+v", failed.Details)
	}
	_, err = client.Download(t.Context(), payseal.DownloadParams{})
	failure(t, err, payseal.ErrParamsInvalid, payseal.OutcomeNotSent)
	client.Close()
	_, err = client.Download(t.Context(), files.TradeBill("2025-06-08", "ALL"))
	failure(t, err, payseal.ErrInvalidHandle, payseal.OutcomeNotSent)
}

func TestAClosedDownloadIsRefused(t *testing.T) {
	download, err := thePlatform().client(t).Download(t.Context(), files.ProfitSharingBill("2025-06-08"))
	if err != nil {
		t.Fatal(err)
	}
	download.Close()
	download.Close()
	_, err = download.Read(make([]byte, 9))
	failure(t, err, payseal.ErrInvalidHandle, payseal.OutcomeNotSent)
}

func TestAnUploadSignsTheNameAndHashOfTheFile(t *testing.T) {
	p, image := thePlatform(), []byte("\x89PNG an image")
	answer := []byte(`{"media_id":"media-1"}`)
	client := p.client(t, over(func(r *http.Request) (*http.Response, error) {
		meta, file := r.FormValue("meta"), ""
		if part, header, err := r.FormFile("file"); err == nil {
			content, _ := io.ReadAll(part)
			file = header.Filename + " " + string(content)
		}
		hash := sha256.Sum256(image)
		var said map[string]string
		if err := json.Unmarshal([]byte(meta), &said); err != nil || said["filename"] != "shop.png" || said["sha256"] != hex.EncodeToString(hash[:]) {
			t.Errorf("%v %s", err, meta)
		}
		if file != "shop.png "+string(image) {
			t.Errorf("%q", file)
		}
		parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
		message := fmt.Sprintf("POST\n/v3/merchant/media/upload\n%s\n%s\n%s\n", parts[4], parts[2], meta)
		digest := sha256.Sum256([]byte(message))
		signature, _ := base64.StdEncoding.DecodeString(parts[3])
		if err := rsa.VerifyPKCS1v15(&p.merchant.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
			t.Error("what is signed is not meta")
		}
		return answers(200, p.signed(time.Now(), answer), answer)(r)
	}))
	id, err := files.UploadImage(t.Context(), client, "shop.png", bytes.NewReader(image))
	if err != nil || id != "media-1" {
		t.Error(id, err)
	}
	_, err = client.Upload(t.Context(), "POST /v3/merchant/media/upload", "shop.png", bytes.NewReader(make([]byte, 65<<20)))
	failure(t, err, payseal.ErrInvalidArgument, payseal.OutcomeNotSent)
}

func TestTheSandboxHasABillOfWhatWasPaid(t *testing.T) {
	s := theSandbox(t)
	today := time.Now().In(time.FixedZone("Beijing", 8*3600)).Format(time.DateOnly)
	for name, options := range map[string][]payseal.Option{"built-in": nil, "own client": {payseal.WithHTTPClient(&http.Client{})}} {
		t.Run(name, func(t *testing.T) {
			client := s.Client(t, "config.json", nil, options...)
			number := fmt.Sprintf("go%d", time.Now().UnixNano())
			_, err := client.Execute(t.Context(), nativeOrder, payseal.Params{Body: map[string]any{
				"description": "茶", "out_trade_no": number, "notify_url": "http://127.0.0.1:9/n", "amount": map[string]any{"total": 1234},
			}})
			if err != nil {
				t.Fatal(err)
			}
			s.Control(t, "POST", "/sandbox/orders/"+number+"/pay", nil)
			bill, err := client.Download(t.Context(), files.TradeBill(today, "ALL"))
			if err != nil {
				t.Fatal(err)
			}
			defer bill.Close()
			text, err := io.ReadAll(bill)
			if err != nil || !strings.Contains(string(text), "`"+number+",") || !strings.Contains(string(text), "`12.34,") {
				t.Errorf("%v %s", err, text)
			}
			flow, err := client.Download(t.Context(), files.FundFlowBill(today, "BASIC"))
			if err != nil {
				t.Fatal(err)
			}
			defer flow.Close()
			if info, err := flow.SaveTo(filepath.Join(t.TempDir(), "flow.csv")); err != nil || !info.Verified {
				t.Error(info, err)
			}
		})
	}
}
