package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// Tour sends every step through a front and says what came of it.
type Tour struct {
	Base   string // URL of the front, without a slash at its end
	Mint   Mint
	Client Client // who asks for tokens at Base
	Admin  Admin  // where keys of holders are made
	Out    io.Writer
	// Exact gives the exact reason of a decision; nil where only the client's
	// side can be seen.
	Exact func(decision string) (authz.Reason, bool)

	http *http.Client
}

// ErrUnexpected says that an answer was not the expected one.
var ErrUnexpected = errors.New("an answer was not the expected one")

// Run takes every step, whatever the ones before it gave.
func (t *Tour) Run(ctx context.Context, steps []Step) error {
	t.http = &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	failed := 0
	for i := range steps {
		step := &steps[i]
		got, err := t.takeAll(ctx, step)
		if err != nil {
			return fmt.Errorf("step %q: %w", step.Name, err)
		}
		wrong := t.compare(step, got)
		if len(wrong) > 0 {
			failed++
		}
		t.tell(i+1, step, got, wrong)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d steps: %w", failed, len(steps), ErrUnexpected)
	}
	fmt.Fprintf(t.Out, "\n%d of %d answers were as expected\n", len(steps), len(steps))
	return nil
}

// answer is what the client got.
type answer struct {
	sent     string // the token that was sent
	status   int
	header   http.Header
	decision string
	reason   authz.Reason
	exact    authz.Reason
	text     string
	echo     *Echo // what the upstream received, nil when it was not reached
}

// takeAll sends a step as often as it says and gives the last answer, or the first
// one before it that was not allowed.
func (t *Tour) takeAll(ctx context.Context, step *Step) (*answer, error) {
	for range step.Before {
		if got, err := t.ask(ctx, step); err != nil || got.status != http.StatusOK {
			return got, err
		}
	}
	return t.ask(ctx, step)
}

// patience is how often a step is sent while the front answers in the gate's
// place: on a busy machine its half second can be over before anybody has run.
const patience = 5

// ask takes a step until the gate itself has decided.
func (t *Tour) ask(ctx context.Context, step *Step) (got *answer, err error) {
	for range patience {
		got, err = t.take(ctx, step)
		if err != nil || got.status != http.StatusServiceUnavailable || got.decision != "" {
			break
		}
	}
	return got, err
}

func (t *Tour) take(ctx context.Context, step *Step) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, step.Method, t.Base+step.Path, http.NoBody)
	if err != nil {
		return nil, err
	}
	for name, value := range step.Header {
		request.Header.Set(name, value)
	}
	sent := ""
	if step.Token != nil {
		if sent, err = step.Token(ctx, t); err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+sent)
	}
	response, err := t.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	got := &answer{
		sent: sent, status: response.StatusCode, header: response.Header,
		decision: response.Header.Get("x-tollgate-decision"),
		reason:   authz.Reason(response.Header.Get("x-tollgate-reason")),
	}
	got.exact = got.reason
	if t.Exact != nil {
		if exact, ok := t.Exact(got.decision); ok {
			got.exact = exact
		}
	}
	return got, got.read(body)
}

// read takes the body apart: an echo of the upstream or a denial.
func (a *answer) read(body []byte) error {
	if a.status == http.StatusOK {
		a.echo = new(Echo)
		if err := json.Unmarshal(body, a.echo); err != nil {
			return fmt.Errorf("body of the upstream: %w", err)
		}
		return nil
	}
	var denial struct {
		Error, Code, Decision string
	}
	a.text = strings.TrimSpace(string(body))
	if json.Unmarshal(body, &denial) == nil {
		a.text = denial.Error
	}
	return nil
}

// compare lists what differs from the expected answer.
func (t *Tour) compare(step *Step, got *answer) []string {
	var wrong []string
	differ := func(what, want, got string) {
		if want != got {
			wrong = append(wrong, fmt.Sprintf("%s is %q, expected %q", what, got, want))
		}
	}
	differ("status", fmt.Sprint(step.Status), fmt.Sprint(got.status))
	differ("reason", string(step.Reason), string(got.reason))
	if t.Exact != nil && step.Exact != "" {
		differ("exact reason", string(step.Exact), string(got.exact))
	}
	for _, name := range step.Told {
		if got.header.Get(name) == "" {
			wrong = append(wrong, "no "+name)
		}
	}
	if got.decision == "" {
		wrong = append(wrong, "no x-tollgate-decision")
	}
	if got.echo == nil {
		return wrong
	}
	differ("path at the upstream", step.Path, got.echo.Target)
	if step.Joined && !got.joined() {
		wrong = append(wrong, "the upstream did not get the whole token that the client's half belongs to")
	}
	for _, name := range sortedNames(step.Received) {
		differ(name+" at the upstream", step.Received[name],
			got.echo.header(name))
	}
	return wrong
}

// joined says whether the client sent what says nothing, and the upstream got the
// token that ends with it.
func (a *answer) joined() bool {
	whole := a.echo.bearer()
	return len(a.sent) >= 43 && !strings.Contains(a.sent, ".") && strings.Count(whole, ".") == 2 && strings.HasSuffix(whole, "."+a.sent)
}

func (t *Tour) tell(number int, step *Step, got *answer, wrong []string) {
	mark := "ok"
	if len(wrong) > 0 {
		mark = "NOT AS EXPECTED"
	}
	outcome := "reached the upstream"
	switch {
	case got.reason != "" && got.exact != got.reason:
		outcome = fmt.Sprintf("%s (exactly: %s): %s", got.reason, got.exact, got.text)
	case got.reason != "":
		outcome = fmt.Sprintf("%s: %s", got.reason, got.text)
	case got.status != http.StatusOK:
		outcome = got.text
	}
	fmt.Fprintf(t.Out, "%2d  %-17s %-6s %-18s -> %d %s   [%s]\n", number, step.Name, step.Method, step.Path, got.status, outcome, mark)
	for _, name := range step.Told {
		fmt.Fprintf(t.Out, "      client got %s: %s\n", name, got.header.Get(name))
	}
	for _, name := range sortedNames(step.Received) {
		if value := step.Received[name]; value != "" && got.echo != nil {
			fmt.Fprintf(t.Out, "      upstream got %s: %s\n", name, got.echo.header(name))
		}
	}
	if step.Joined && got.echo != nil {
		fmt.Fprintf(t.Out, "      client has %d characters, upstream got a JWT of %d for %s\n", len(got.sent), len(got.echo.bearer()), got.echo.header("x-tollgate-subject"))
	}
	if step.Note != "" {
		fmt.Fprintf(t.Out, "      %s\n", step.Note)
	}
	for _, line := range wrong {
		fmt.Fprintf(t.Out, "      ! %s\n", line)
	}
}

func sortedNames(m map[string]string) []string {
	return slices.Sorted(maps.Keys(m))
}
