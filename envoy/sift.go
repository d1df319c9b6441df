package envoy

import (
	"errors"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tollgate-authz/tollgate/authz"
)

// pathName is the one pseudo-header that an edit may overwrite.
const pathName = ":path"

// Faults of an answer that must not reach a front. Each is a mistake of ours.
var (
	errName   = errors.New("an edit names a header that no answer may change")
	errTwice  = errors.New("two edits name one header")
	errTarget = errors.New("an edit overwrites the request target where it cannot")
	errCookie = errors.New("an edit replaces a credential header by what cannot stand in one")
	errBudget = errors.New("the edits add more than 8 KiB to the request")
)

// sifted is an answer as it may leave.
type sifted struct {
	answer *authz.Answer
	allow  bool
	edits  []authz.Edit // of an allow
	code   int32        // of google.rpc
	status int          // HTTP status of a denial
	grpc   int          // what a denial shows to a gRPC client, 0 for nothing
	body   string       // of a denial
}

// sift takes out of an answer what may not leave. Allows with edits that may not
// are errors: the caller answers with a denial.
func sift(answer *authz.Answer, r *request) (s sifted, dropped int, err error) {
	s = sifted{answer: answer}
	switch answer.Outcome {
	case authz.Allow, authz.Observed:
		s.allow = true // with code 0: OK
		s.edits, dropped, err = siftEdits(answer.Edits, r.line.Target)
		return s, dropped, err
	case authz.Deny:
	}
	s.status = siftStatus(answer.Status)
	s.code = rpcCode(s.status)
	s.body = siftBody(answer.Body, s.status)
	if r.wantsGRPC() {
		s.grpc = answer.GRPC
	}
	return s, 0, nil
}

// headers yields what is for the client. A grpc-status is added where there is
// one to show: Envoy shows it to a gRPC client in place of its own mapping, and
// would show it to every other client too.
func (s *sifted) headers(yield func(authz.Header) bool) {
	for _, h := range s.answer.Headers {
		if sendable(h) && !yield(h) {
			return
		}
	}
	if s.grpc > 0 {
		yield(authz.Header{Name: "grpc-status", Value: strconv.Itoa(s.grpc)})
	}
}

// siftEdits gives the edits of an answer in the order of their names, or why
// none of them may be sent. A value that cannot stand in a header becomes the
// removal of that header (contract section 5); what cannot be removed safely is
// an error, which makes the answer a denial. dropped counts such values.
func siftEdits(edits []authz.Edit, target string) (sifted []authz.Edit, dropped int, err error) {
	sifted = slices.Clone(edits)
	slices.SortStableFunc(sifted, func(a, b authz.Edit) int { return strings.Compare(a.Name, b.Name) })
	added := 0
	for i := range sifted {
		e := &sifted[i]
		if i > 0 && sifted[i-1].Name == e.Name {
			return nil, 0, errTwice
		}
		switch {
		case e.Name == pathName:
			if e.Remove || target == "" || !validTarget(e.Value) {
				return nil, 0, errTarget
			}
		case !isName(e.Name) || reservedName(e.Name):
			return nil, 0, errName
		case e.Remove:
		case !validName(e.Name):
			return nil, 0, errName
		case e.Name == "cookie" || e.Name == "authorization":
			if !validCarried(e.Value) {
				return nil, 0, errCookie
			}
		case !validValue(e.Value):
			*e = authz.Edit{Name: e.Name, Remove: true}
			dropped++
		default:
			added += len(e.Name) + len(e.Value)
		}
	}
	if added > maxInject {
		return nil, 0, errBudget
	}
	return sifted, dropped, nil
}

// sendable says whether a header may go to the client. Envoy computes the
// framing and the gRPC status itself; a grpc-status of ours comes from the
// answer's GRPC.
func sendable(h authz.Header) bool {
	return validName(h.Name) && !reservedName(h.Name) && !strings.HasPrefix(h.Name, "grpc-") && validValue(h.Value)
}

// siftStatus gives the status of a denial: an error status that Envoy's API
// knows, else 503. No denial may look like a success.
func siftStatus(status int) int {
	if status < http.StatusBadRequest || status > 599 || !knownStatus(status) {
		return http.StatusServiceUnavailable
	}
	return status
}

// siftBody gives the body of a denial. A body is never cut: one that is too
// long or no text is replaced by the name of the status.
func siftBody(body string, status int) string {
	if len(body) > maxBody || !utf8.ValidString(body) {
		return http.StatusText(status)
	}
	return body
}

// rpcCode is the google.rpc code that goes with the HTTP status of a denial. No
// client sees it; it stands in traces. It is never 0: 0 means allow.
func rpcCode(status int) int32 {
	switch status {
	case http.StatusBadRequest:
		return 3 // INVALID_ARGUMENT
	case http.StatusUnauthorized:
		return 16 // UNAUTHENTICATED
	case http.StatusNotFound:
		return 5 // NOT_FOUND
	case http.StatusTooManyRequests:
		return 8 // RESOURCE_EXHAUSTED
	case http.StatusServiceUnavailable:
		return 14 // UNAVAILABLE
	default:
		return 7 // PERMISSION_DENIED
	}
}

// facts yields the dynamic metadata in the order of the names: flat texts for
// later filters and access logs.
func facts(answer *authz.Answer) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		m := &answer.Metadata
		for _, f := range [...]struct{ name, value string }{
			{"api", m.API},
			{"config", m.Config},
			{"decision", answer.ID},
			{"degraded", m.Degraded},
			{"limit", m.Limit},
			{"outcome", answer.Outcome.String()},
			{"policies", m.Policies},
			{"reason", m.Reason},
			{"remaining", m.Remaining},
			{"session", m.Session},
			{"subject", m.Subject},
		} {
			if f.value != "" && !yield(f.name, clip(f.value)) {
				return
			}
		}
	}
}
