package public

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds an answer of the provider.
const maxAnswer = 1 << 20

// passed are the headers that go to the provider: who the client is and what it
// proves, and nothing else.
func passed() []string { return []string{"Authorization", "Content-Type", "Dpop"} }

// Transport is how providers are asked: what they compress is refused, since it
// could not be looked into.
func Transport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableCompression: true, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: MaxHeaderBytes,
	}
}

// provided is an answer of the provider.
type provided struct {
	status    int
	challenge string // WWW-Authenticate of a 401, RFC 6749 section 5.2
	body      []byte
}

// errProvider says that the provider could not be asked or answered something
// that cannot be read.
var errProvider = errors.New("the provider cannot be asked")

// ask sends the client's form on as it came. The answer is read whole before
// anything is sent to the client.
func (e *endpoint) ask(ctx context.Context, r *http.Request, f form) (provided, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Upstream, strings.NewReader(f.raw))
	if err != nil {
		return provided{}, errProvider
	}
	for _, name := range passed() {
		if value := r.Header.Get(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	req.Header.Set("Accept", "application/json")
	answer, err := e.client.Do(req)
	if err != nil {
		return provided{}, errProvider // the error quotes the URL, and no more is known
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if coding := answer.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return provided{}, errProvider // what cannot be read could hold a whole token
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return provided{}, errProvider
	}
	return provided{status: answer.StatusCode, challenge: answer.Header.Get("WWW-Authenticate"), body: body}, nil
}
