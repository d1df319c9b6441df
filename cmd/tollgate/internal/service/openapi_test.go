package service

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// document is what the test reads of the OpenAPI document.
type document struct {
	Paths map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct {
			Name, In, Type string
			Required       bool
		} `json:"parameters"`
	} `json:"paths"`
}

var placeholder = regexp.MustCompile(`{[^{}]*}`)

// Every request that the document describes is known to the server, and the server
// answers it with something of its own: no missing path, no missing method, no
// failure.
func TestServerKnowsEveryDescribedRequest(t *testing.T) {
	s := running(t, keyedFolder(t, "memory:", ""), io.Discard)
	var doc document
	if err := json.Unmarshal(adminv1.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for path, methods := range doc.Paths {
		for method, operation := range methods {
			asked++
			method = strings.ToUpper(method)
			target := placeholder.ReplaceAllString(path, "some-id")
			for _, body := range []string{"", "{}", `{"key":{"id":"x"}}`, `[]`, `{"unknown_member":1}`} {
				if (method == http.MethodGet || method == http.MethodDelete) && body != "" {
					continue
				}
				status, text := s.describe(t, method, target, body)
				switch {
				case status == http.StatusMethodNotAllowed, status == http.StatusNotFound && strings.Contains(text, `"Not Found"`):
					t.Errorf("%s: the server does not know %s %s", operation.OperationID, method, path)
				case status >= 500:
					t.Errorf("%s: %s %s: %d %s", operation.OperationID, method, path, status, text)
				case status == http.StatusOK && body == `{"unknown_member":1}`:
					t.Errorf("%s takes unknown members", operation.OperationID)
				}
			}
		}
	}
	if asked < 20 {
		t.Errorf("only %d operations are described", asked)
	}
}

// describe makes one call and reads the beginning of its answer: a stream has no end.
func (s *Service) describe(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address(t, "admin")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+opsToken)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodGet && path == "/v1/decisions" {
		return s.watched(t, req)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// watched reads one decision of the stream.
func (s *Service) watched(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a stream begins with the first decision
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.decide(t, "GET", "/orders/7", "nonsense")
			case <-stop:
				return
			}
		}
	}()
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	begin := make([]byte, 16)
	if _, err := io.ReadFull(response.Body, begin); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(begin)
}
