package authz

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"sync"
	"testing"
	"time"
)

// observer keeps the last thing it was told.
type observer struct {
	mu    sync.Mutex
	last  DecisionInfo
	count int
}

func (o *observer) Decision(_ context.Context, info *DecisionInfo) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = *info
	o.count++
}

func (o *observer) Dependency(string, string, time.Duration) {}

func dump(v any) string { return fmt.Sprintf("%+v", v) }

// halves restores tokens of a map.
type halves map[string]string

func (h halves) Restore(_ context.Context, _, half string) (string, error) {
	if half == "down" {
		return "", context.DeadlineExceeded
	}
	if token, ok := h[half]; ok {
		return token, nil
	}
	return "", ErrNoToken
}

// limiter says what it was told to say.
type limiter struct {
	asked []Ask
	say   Taken
	err   error
}

func (l *limiter) Take(_ context.Context, ask *Ask) (Taken, error) {
	l.asked = append(l.asked, *ask)
	return l.say, l.err
}

// revocations are ended by token id; stale is how long the news is missing.
type revocations struct {
	ended map[string]bool
	stale time.Duration
}

func (r *revocations) Ended(subject *Revocable, _ time.Time) (bool, time.Duration) {
	return r.ended[subject.JWTID], r.stale
}

// credentials are found by org and id.
type credentials map[string]*Credential

func (c credentials) Find(_ context.Context, org, id string) (*Credential, error) {
	if id == "down" {
		return nil, context.DeadlineExceeded
	}
	if found, ok := c[org+"/"+id]; ok {
		return found, nil
	}
	return nil, ErrNoCredential
}

// walkOfDoc reads the names of the steps out of doc.go.
func walkOfDoc(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z]+) {2,}\S`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
	}
	return names
}
