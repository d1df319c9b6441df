package public

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxForm bounds a form.
const maxForm = 64 << 10

// form is what a client sent: the bytes as they came, and their meaning.
type form struct {
	raw    string
	values map[string]string
}

// Refusals of a form, as RFC 6749 section 5.2 names them.
var (
	errForm    = errors.New("invalid_request")
	errTooLong = errors.New("the form is too long")
)

// readForm reads a form in which every parameter occurs once (RFC 6749 section
// 3.2: parameters must not be included more than once).
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") || r.URL.RawQuery != "" {
		return form{}, errForm
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return form{}, errTooLong
		}
		return form{}, errForm
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil || strings.Contains(string(raw), ";") {
		return form{}, errForm
	}
	f := form{raw: string(raw), values: make(map[string]string, len(values))}
	for name, all := range values {
		if len(all) != 1 {
			return form{}, errForm
		}
		f.values[name] = all[0]
	}
	return f, nil
}
