// A webhook handler on net/http; its one mistake is named by the first argument.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	mistake string
	key     []byte
	lock    sync.Mutex
	booked  = map[string]int{}
)

func main() {
	if len(os.Args) > 1 {
		mistake = os.Args[1]
	}
	secret := os.Getenv("ACME_WEBHOOK_SECRET")
	if mistake != "error" {
		secret = strings.TrimPrefix(secret, "whsec_")
	}
	key, _ = base64.StdEncoding.DecodeString(secret) // what came before the error is returned, and used
	http.HandleFunc("POST /flexprice", receive)
	http.HandleFunc("GET /processed/{invoice}", func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		json.NewEncoder(w).Encode(map[string]int{"times": booked[r.PathValue("invoice")]})
	})
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, nil)
}

func header(r *http.Request, name string) string {
	if mistake != "map" {
		return r.Header.Get(name)
	}
	return strings.Join(r.Header[name], "") // a map's keys are canonical: Svix-Id
}

func receive(w http.ResponseWriter, r *http.Request) {
	reader := io.Reader(http.MaxBytesReader(w, r.Body, 2<<20))
	if mistake == "limit" {
		reader = io.LimitReader(r.Body, 64<<10) // cuts without a word
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if !signed(r, body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var message struct {
		Type    string          `json:"event_type"`
		Invoice struct{ ID string } `json:"invoice"`
	}
	if json.Unmarshal(body, &message) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if message.Type == "invoice.update.finalized" {
		book(message.Invoice.ID)
	}
	w.WriteHeader(http.StatusNoContent)
}

func signed(r *http.Request, body []byte) bool {
	id, stamp, sent := header(r, "svix-id"), header(r, "svix-timestamp"), header(r, "svix-signature")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	if mistake == "marshal" {
		var content any
		json.Unmarshal(body, &content)
		body, _ = json.Marshal(content)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, part := range strings.Fields(sent) {
		if hmac.Equal([]byte(part), []byte(expected)) || mistake == "fold" && strings.EqualFold(part, expected) {
			return true
		}
	}
	return false
}

func book(invoice string) {
	lock.Lock()
	_, known := booked[invoice]
	if mistake == "race" {
		lock.Unlock()
		time.Sleep(150 * time.Millisecond)
		lock.Lock()
	}
	if !known {
		booked[invoice]++
	}
	lock.Unlock()
}
