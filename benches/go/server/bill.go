package main

import (
	"bufio"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// billLength is that of the bill when it is unpacked.
const billLength = 2 << 30

// bill is a trade bill, made with the first request for it and kept in the folder.
type bill struct {
	sync.Mutex
	file, hash string
}

func newBill(folder string) *bill {
	return &bill{file: filepath.Join(folder, "bill.csv.gz"), hash: filepath.Join(folder, "bill.sha1")}
}

// answer is what the provider says about it.
func (b *bill) answer(host string) string {
	b.Lock()
	defer b.Unlock()
	hash, err := os.ReadFile(b.hash)
	if err != nil {
		hash = b.make()
	}
	return fmt.Sprintf(`{"download_url":"http://%s/v3/billdownload/file?token=x","hash_type":"SHA1","hash_value":"%s"}`, host, hash)
}

func (b *bill) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, r, b.file)
}

func (b *bill) make() []byte {
	file, err := os.Create(b.file)
	if err != nil {
		log.Fatal(err)
	}
	packed, _ := gzip.NewWriterLevel(file, gzip.BestSpeed)
	digest := sha1.New()
	out := bufio.NewWriterSize(io.MultiWriter(packed, digest), 1<<20)
	seed := uint32(1)
	for length := 0; length < billLength; {
		seed = seed*1664525 + 1013904223
		n, err := fmt.Fprintf(out, "`2024-11-13 10:%02d:%02d,`wxd678efh567hg6787,`1900007291,`0,`,`42000012342024%010d,`order%08x,`oUpF8uMuAJO%08x,`JSAPI,`SUCCESS,`OTHERS,`CNY,`%d.%02d,`0.00000,`0.60%%\r\n",
			seed>>8%60, seed>>16%60, seed, seed*7, seed*13, seed>>20, seed%100)
		if err != nil {
			log.Fatal(err)
		}
		length += n
	}
	if out.Flush() != nil || packed.Close() != nil || file.Close() != nil {
		log.Fatal("the bill cannot be written")
	}
	hash := []byte(hex.EncodeToString(digest.Sum(nil)))
	if err := os.WriteFile(b.hash, hash, 0o600); err != nil {
		log.Fatal(err)
	}
	return hash
}
