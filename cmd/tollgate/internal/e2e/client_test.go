package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience is how long one answer may take on a busy machine.
const patience = 30 * time.Second

// reply is an HTTP answer as the client got it.
type reply struct {
	status int
	header http.Header
	body   string
}

// reason is the code that the client was told.
func (r *reply) reason() string { return r.header.Get("x-tollgate-reason") }

// denial is the JSON body of a denial.
type denial struct {
	Error, Code, Decision string
}

func (r *reply) denial(t *testing.T) denial {
	t.Helper()
	var d denial
	decoder := json.NewDecoder(strings.NewReader(r.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("body %q: %v", r.body, err)
	}
	return d
}

// send writes a request byte for byte: the request line (without a version) and
// header lines. It closes the connection after the answer.
func send(t *testing.T, address, line string, headers ...string) *reply {
	t.Helper()
	got, err := exchange(address, line, headers...)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return got
}

// exchange is send for goroutines that may not end the test.
func exchange(address, line string, headers ...string) (*reply, error) {
	conn, err := (&net.Dialer{Timeout: patience}).Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	var text strings.Builder
	text.WriteString(line + " HTTP/1.1\r\n")
	named := false
	for _, header := range headers {
		named = named || strings.HasPrefix(strings.ToLower(header), "host:")
		text.WriteString(header + "\r\n")
	}
	if !named {
		text.WriteString("host: api.example.com\r\n")
	}
	text.WriteString("connection: close\r\n\r\n")
	if _, err := io.WriteString(conn, text.String()); err != nil {
		return nil, err
	}
	method, _, _ := strings.Cut(line, " ")
	return readReply(bufio.NewReader(conn), method)
}

func readReply(reader *bufio.Reader, method string) (*reply, error) {
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return &reply{status: response.StatusCode, header: response.Header, body: string(body)}, nil
}
