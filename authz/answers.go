package authz

import (
	"strconv"
	"strings"
	"time"
)

// Names of the headers that every answer, and every denial, carries.
const (
	headerDecision = "x-tollgate-decision"
	headerReason   = "x-tollgate-reason"
)

const jsonType = "application/json"

// answers builds what clients see (contract section 5). Everything that does
// not depend on the request is made once, at load.
type answers struct {
	full      bool // answers.reasons: full
	challenge string
	metadata  string // ", resource_metadata=…" or nothing
	standard  map[Reason]*page
	tyk       map[Reason]*page // by the exact reason; the code that is shown is added later
	rows      map[Reason]*Row
}

// page is the answer to one reason up to the decision id.
type page struct {
	reason  Reason // the code that is shown
	status  int
	headers []Header
	text    string
	body    string // JSON up to the decision id
}

func newAnswers(spec AnswersSpec) *answers {
	realm := spec.Realm
	if realm == "" {
		realm = "tollgate"
	}
	a := &answers{
		full: spec.FullReasons, challenge: "Bearer realm=" + quoted(realm),
		standard: map[Reason]*page{}, tyk: map[Reason]*page{}, rows: map[Reason]*Row{},
	}
	if spec.ResourceMetadata != "" {
		a.metadata = ", resource_metadata=" + quoted(spec.ResourceMetadata)
	}
	for _, row := range Rows() {
		a.rows[row.Reason] = &row
		a.standard[row.Reason] = a.standardPage(&row)
		a.tyk[row.Reason] = a.tykPage(&row)
	}
	return a
}

func (a *answers) standardPage(row *Row) *page {
	p := &page{reason: row.Reason, status: row.Status, text: row.Text}
	p.body = `{"error":` + quoted(row.Text) + `,"code":` + quoted(string(row.Reason)) + `,"decision":"`
	p.headers = a.pageHeaders(row, row.Status)
	return p
}

func (a *answers) tykPage(row *Row) *page {
	return &page{reason: row.Reason, status: row.TykCode, text: row.TykText, headers: a.pageHeaders(row, row.TykCode)}
}

func (a *answers) pageHeaders(row *Row, status int) []Header {
	if status != 401 {
		return nil
	}
	challenge := a.challenge
	if row.Reason != TokenMissing { // RFC 6750 section 3.1: no code when nothing was sent
		challenge += `, error="invalid_token", error_description=` + quoted(row.Text)
	}
	return []Header{{Name: "www-authenticate", Value: challenge + a.metadata}}
}

// shown is the code that the client sees for d.
func (a *answers) shown(d *denial) Reason {
	switch {
	case a.full:
		return d.reason
	case d.early && d.reason == IssuerRefused:
		return TokenInvalid // nobody learns which issuers are known
	case d.split && d.reason == TokenRevoked:
		return TokenUnknown // nor that a split token was good once
	}
	if row := a.rows[d.reason]; row != nil {
		return row.Public
	}
	return Internal
}

// deny fills the client's side of an answer.
func (a *answers) deny(out *Answer, d *denial, style style) {
	shown := a.shown(d)
	p := a.standard[shown]
	if style.tyk {
		p = a.tyk[d.reason]
	}
	if p == nil { // a reason without a row: our own fault
		p = a.standard[Internal]
	}
	out.Status, out.RetryAfter = p.status, d.retryAfter
	headers := make([]Header, 0, len(p.headers)+len(d.headers)+5)
	headers = append(headers, p.headers...)
	switch {
	case style.grpc:
		out.Body = p.text // the front makes grpc-message of it and picks the type
	case style.tyk:
		headers = a.denyTyk(out, d, headers, style)
	default:
		out.Body = p.body + out.ID + `"}`
		headers = append(headers, Header{Name: "content-type", Value: jsonType})
	}
	if d.reason == ScopeInsufficient {
		headers = append(headers, Header{Name: "www-authenticate", Value: a.scopeChallenge(d.scopes)})
	}
	if d.reason == RateLimited || d.reason == QuotaExceeded {
		headers = append(headers, Header{Name: "retry-after", Value: retrySeconds(d.retryAfter)})
		if style.grpcExact {
			out.GRPC = grpcResourceExhausted
		}
	}
	headers = append(headers, d.headers...)
	out.Headers = append(headers,
		Header{Name: headerDecision, Value: out.ID}, Header{Name: headerReason, Value: string(shown)})
}

// style is how a denial is written.
type style struct {
	tyk       bool
	xml       bool // Tyk answers XML to clients that sent XML
	grpc      bool // plain text: the client is a gRPC or gRPC-Web one
	grpcExact bool // the front turns the answer into trailers with grpc-status
}

// styleOf reads how the client wants to be answered. The media types are those
// that fronts treat as gRPC.
func styleOf(req Request, tyk bool) style {
	s := style{tyk: tyk}
	kind, _ := req.Header("content-type", 0)
	s.grpc = strings.HasPrefix(kind, "application/grpc")
	s.grpcExact = kind == "application/grpc" || strings.HasPrefix(kind, "application/grpc+")
	if tyk {
		media, _, _ := strings.Cut(kind, ";")
		s.xml = media == "application/xml" || media == "text/xml"
	}
	return s
}

// scopeChallenge is RFC 6750 section 3.1, insufficient_scope.
func (a *answers) scopeChallenge(scopes []string) string {
	out := a.challenge + `, error="insufficient_scope"`
	if len(scopes) > 0 {
		out += ", scope=" + quoted(strings.Join(scopes, " "))
	}
	return out + a.metadata
}

// retrySeconds is the value of Retry-After: whole seconds, at least one.
func retrySeconds(wait time.Duration) string {
	seconds := int64((wait + time.Second - 1) / time.Second)
	return strconv.FormatInt(max(seconds, 1), 10)
}

// quoted writes text as a quoted string that is right in JSON and in a header
// (RFC 9110 section 5.6.4). Only texts of ours and of the configuration come
// here; what does not fit either form is left out.
func quoted(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, c := range []byte(text) {
		switch {
		case c == '"' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c >= ' ' && c < 0x7f:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
	return out.String()
}
