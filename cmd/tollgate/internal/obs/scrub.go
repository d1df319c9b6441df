package obs

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// redacted stands where something was taken out.
const redacted = "[redacted]"

// patterns find, in free text, what must not be logged (contract promise 5).
// The log is the last step before a disk: errors of other packages hold none of
// these, and this is the net under them.
var patterns = []struct {
	find *regexp.Regexp
	put  string
}{
	// Compact tokens: base64url of `{"` or of `{` and white space, a dot, more.
	{regexp.MustCompile(`\b(?:eyJ|eyA|ewo|ew0|ewk)[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_.=-]*`), redacted},
	// Header lines and what a printed header map makes of them.
	{regexp.MustCompile(`(?i)\b((?:set-)?cookie|(?:x-tyk-|proxy-)?authorization)(["']?\s*(?::|=|=>)\s*)[^\r\n]+`), "$1$2" + redacted},
	{regexp.MustCompile(`\b((?i:bearer)|Basic|Digest)(\s+)[A-Za-z0-9._~+/=-]{12,}`), "$1$2" + redacted},
	// name=value and "name":"value" of things that are secret by their name; not
	// "secret: reason", the way in which errors name a place.
	{regexp.MustCompile(`(?i)\b([a-z_-]*(?:secret|password|passwd|token|api[_-]?key))(\s*=\s*["']?|["']\s*:\s*["'])[^\s"'&,;}]+`), "$1$2" + redacted},
	// Query strings, and the user part of URLs.
	{regexp.MustCompile(`\?[^\s"'<>]+`), "?" + redacted},
	{regexp.MustCompile(`://[^\s/@"']+@`), "://" + redacted + "@"},
	// The private half of a PEM file.
	{regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`), redacted},
}

// secretNames are attribute names whose value is never logged.
var secretNames = map[string]bool{
	"authorization": true, "cookie": true, "set-cookie": true, "token": true, "secret": true,
	"password": true, "query": true, "credential": true, "access_token": true,
	"refresh_token": true, "id_token": true, "client_secret": true, "x-tyk-authorization": true,
}

// Scrub takes tokens, credentials, cookies and query strings out of text that is
// about to be shown.
func Scrub(text string) string {
	for _, p := range patterns {
		text = p.find.ReplaceAllString(text, p.put)
	}
	return text
}

// scrubbed is the slog handler in front of the one that writes.
type scrubbed struct {
	next  slog.Handler
	plain bool
}

// Enabled implements slog.Handler.
func (s scrubbed) Enabled(ctx context.Context, level slog.Level) bool {
	return s.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (s scrubbed) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, s.text(record.Message), record.PC)
	record.Attrs(func(attr slog.Attr) bool {
		clean.AddAttrs(s.attr(attr))
		return true
	})
	return s.next.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (s scrubbed) WithAttrs(attrs []slog.Attr) slog.Handler {
	return scrubbed{next: s.next.WithAttrs(s.attrs(attrs)), plain: s.plain}
}

// WithGroup implements slog.Handler.
func (s scrubbed) WithGroup(name string) slog.Handler {
	return scrubbed{next: s.next.WithGroup(name), plain: s.plain}
}

func (s scrubbed) attrs(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		clean[i] = s.attr(attr)
	}
	return clean
}

func (s scrubbed) attr(attr slog.Attr) slog.Attr {
	value := attr.Value.Resolve()
	if !s.plain && secretNames[strings.ToLower(attr.Key)] {
		return slog.String(attr.Key, redacted)
	}
	switch value.Kind() {
	case slog.KindString:
		return slog.String(attr.Key, s.text(value.String()))
	case slog.KindGroup:
		return slog.Attr{Key: attr.Key, Value: slog.GroupValue(s.attrs(value.Group())...)}
	case slog.KindAny:
		return slog.Attr{Key: attr.Key, Value: s.any(value.Any())}
	default:
		return slog.Attr{Key: attr.Key, Value: value}
	}
}

// any flattens what is neither text nor number: an encoder that walks a value by
// reflection would show fields that nobody chose to log.
func (s scrubbed) any(value any) slog.Value {
	switch value := value.(type) {
	case nil:
		return slog.StringValue("")
	case time.Time:
		return slog.TimeValue(value)
	case authz.Secret:
		if s.plain {
			return slog.StringValue(string(value))
		}
		return slog.StringValue(redacted)
	case []byte:
		if s.plain {
			return slog.StringValue(string(value))
		}
		return slog.StringValue(strconv.Itoa(len(value)) + " bytes")
	case error:
		return slog.StringValue(s.text(value.Error()))
	default:
		return slog.StringValue(s.text(fmt.Sprint(value)))
	}
}

func (s scrubbed) text(text string) string {
	if s.plain {
		return text
	}
	return Scrub(text)
}
