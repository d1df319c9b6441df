package keyset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// answer is what a server said to one GET.
type answer struct {
	body     string // "" when it has not changed
	same     bool   // 304
	etag     string
	lifetime time.Duration // max-age of Cache-Control
	bounded  bool          // there was a max-age
}

// statusError is an answer other than 200, or 304 to a conditional request.
type statusError struct {
	status     int
	retryAfter time.Duration
}

func (e *statusError) Error() string { return "answered with status " + strconv.Itoa(e.status) }

// get fetches address. The etag, if any, makes the request conditional.
func get(ctx context.Context, client *http.Client, address, etag string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, errors.New("is no URL")
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	request.Header.Set("User-Agent", "tollgate")
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, withoutURL(err)
	}
	defer response.Body.Close()
	a := answer{etag: response.Header.Get("ETag")}
	a.lifetime, a.bounded = maxAge(response.Header)
	switch {
	case response.StatusCode == http.StatusNotModified && etag != "":
		a.same, a.etag = true, etag
		return a, nil
	case response.StatusCode != http.StatusOK:
		return answer{}, &statusError{status: response.StatusCode, retryAfter: retryAfter(response.Header)}
	case response.ContentLength > maxDocument:
		return answer{}, errLarge
	}
	// The limit counts what comes out of the decompression.
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return answer{}, withoutURL(err)
	}
	if len(body) > maxDocument {
		return answer{}, errLarge
	}
	a.body = string(body)
	return a, nil
}

// withoutURL drops the request's URL, whose query may hold a secret, from an
// error of net/http and names a time-out as such.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no whole answer within %v", fetchTimeout)
	}
	return err
}

// maxAge reads Cache-Control's max-age (RFC 9111 section 5.2.2.1). no-store and
// no-cache speak of stored answers, not of how often keys change: they say
// nothing here.
func maxAge(h http.Header) (time.Duration, bool) {
	for part := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(name, "max-age") {
			return seconds(strings.Trim(value, `"`))
		}
	}
	return 0, false
}

// retryAfter reads Retry-After in seconds (RFC 9110 section 10.2.3); the form
// with a date depends on the server's clock and counts as none.
func retryAfter(h http.Header) time.Duration {
	wait, _ := seconds(h.Get("Retry-After"))
	return wait
}

func seconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}
