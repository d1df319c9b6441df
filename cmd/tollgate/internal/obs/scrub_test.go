package obs

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
)

// The marks of the canary test. None of them may be seen where people look.
const (
	markToken  = "canaryToken4711"
	markSecret = "canarySecret4711"
	markCookie = "canaryCookie4711"
	markQuery  = "canaryQuery4711"
)

// canaryToken is a token whose signature is the mark; whoever prints a part of it
// prints the rest, too.
func canaryToken() string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"HS256"}`) + "." + part(`{"sub":"ada"}`) + "." + markToken
}

// slips are the mistakes of other packages that the log has to survive: what an
// unlucky error, panic or attribute would carry.
func slips(log *slog.Logger) map[string]func(level slog.Level) {
	header := http.Header{"Authorization": {"Bearer " + canaryToken()}, "Cookie": {"sid=" + markCookie}, "X": {"y"}}
	url := "https://u:" + markSecret + "@host/path?q=" + markQuery
	attr := func(attr slog.Attr) func(slog.Level) {
		return func(level slog.Level) { log.LogAttrs(context.Background(), level, "slip", attr) }
	}
	return map[string]func(level slog.Level){
		"message":          func(level slog.Level) { log.Log(context.Background(), level, "cannot verify "+canaryToken()) }, //nolint:sloglint // the slip
		"error":            attr(slog.Any("error", fmt.Errorf("bad token %s: %w", canaryToken(), errors.New("x")))),
		"text":             attr(slog.String("detail", "Authorization: Bearer opaque-"+markToken)),
		"bearer":           attr(slog.String("detail", "found bearer opaque-"+markToken+", sorry")),
		"query":            attr(slog.String("path", "/orders?a=b&c="+markQuery)),
		"url":              attr(slog.String("url", url)),
		"header map":       attr(slog.Any("header", header)),
		"cookie line":      attr(slog.String("detail", "Cookie: a=b; sid="+markCookie)),
		"cookie attribute": attr(slog.String("Cookie", "sid="+markCookie)),
		"secret":           attr(slog.Any("key", authz.Secret(markSecret))),
		"secret attribute": attr(slog.String("secret", markSecret)),
		"bytes":            attr(slog.Any("body", []byte(markSecret))),
		"form":             attr(slog.String("body", "grant_type=x&client_secret="+markSecret+"&refresh_token="+markToken)),
		"json":             attr(slog.String("body", `{"access_token":"`+markToken+`","n":1}`)),
		"pem":              attr(slog.String("detail", "-----BEGIN PRIVATE KEY-----\n"+markSecret+"\n-----END PRIVATE KEY-----")),
		"group":            attr(slog.Group("request", slog.String("query", markQuery), slog.String("raw", canaryToken()))),
		"with": func(level slog.Level) {
			log.With("token", markToken).WithGroup("g").Log(context.Background(), level, "slip")
		},
		"log valuer":        attr(slog.Any("v", valuer{})),
		"struct":            attr(slog.Any("v", struct{ Header http.Header }{header})),
		"stringer of panic": attr(slog.Any("panic", any(fmt.Sprintf("index out of range in %q", canaryToken())))),
	}
}

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.StringValue("Cookie=" + markCookie) }

func TestCanaryNeverReachesTheLog(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			found := canaries(t, format, level, false)
			if len(found) != 0 {
				t.Errorf("%s at %s shows marks in %v", format, level, found)
			}
			// The test can find what it looks for: without the net every slip is seen.
			all := slices.Sorted(maps.Keys(slips(slog.New(slog.DiscardHandler))))
			if found = canaries(t, format, level, true); !slices.Equal(found, all) {
				t.Errorf("%s at %s without redaction shows only %v", format, level, found)
			}
		}
	}
}

// canaries names the slips after which the log holds a mark.
func canaries(t *testing.T, format string, level slog.Level, plain bool) []string {
	t.Helper()
	var out bytes.Buffer
	levels := new(slog.LevelVar)
	levels.Set(slog.LevelDebug)
	log, err := NewLogger(LogOptions{Level: levels, Format: format, Out: &out, plain: plain})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for name, slip := range slips(log) {
		out.Reset()
		slip(level)
		if out.Len() == 0 {
			t.Errorf("%s wrote nothing", name)
		}
		if strings.Contains(out.String(), "4711") || strings.Contains(out.String(), base64.StdEncoding.EncodeToString([]byte(markSecret))) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func TestScrubLeavesOrdinaryTextAlone(t *testing.T) {
	for _, text := range []string{
		"jwks https://issuer.example/keys: 503 Service Unavailable",
		"tollgate.yaml:12:5: apis[0].keys[1].secret: env://ORDERS_HMAC is not set",
		"policy basic retail-customers is not known: did you mean silver?",
		"token has expired",
		"api.example.com.internal.production: no such host",
		"eyeglasses.example is not a token",
		"the bearer of bad news",
	} {
		if got := Scrub(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("Cookie: sid=1; b=2")
	f.Add("?a?b=c")
	f.Add(canaryToken() + " " + canaryToken())
	f.Fuzz(func(t *testing.T, around string) {
		// A token with anything around it that does not continue it is taken out.
		got := Scrub(around + " " + canaryToken() + " " + around)
		if strings.Contains(got, markToken) && !strings.Contains(around, markToken) {
			t.Errorf("the token is left in %q", got)
		}
	})
}
