package public

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// endpoint is a token endpoint at work.
type endpoint struct {
	Endpoint
	client *http.Client
	admit  *admission
	tokens Tokens
	now    func() time.Time
	hops   int
}

func newEndpoint(e Endpoint, s *Spec, tokens Tokens) *endpoint {
	if e.Transport == nil {
		e.Transport = Transport()
	}
	return &endpoint{
		Endpoint: e, tokens: tokens, now: s.Now, hops: s.TrustedHops,
		client: &http.Client{
			Transport: e.Transport,
			// A redirect would send the client's secret somewhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		admit: newAdmission(e.Requests, e.Per, s.Now),
	}
}

// ServeHTTP is the walk of one token request.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	f, err := readForm(w, r)
	switch {
	case errors.Is(err, errTooLong):
		fail(w, http.StatusRequestEntityTooLarge, "invalid_request", "the form is too long")
		return
	case err != nil || len(r.Header.Values("Authorization")) > 1:
		fail(w, http.StatusBadRequest, "invalid_request", "an application/x-www-form-urlencoded form is needed, with every parameter once")
		return
	}
	id := clientOf(r, f)
	if wait, ok := e.admit.take(id, remote(r, e.hops)); !ok {
		slowDown(w, wait)
		return
	}
	if grant := f.values["grant_type"]; !slices.Contains(e.Grants, grant) {
		fail(w, http.StatusBadRequest, "unsupported_grant_type", "this grant is not offered here")
		return
	}
	answer, err := e.ask(r.Context(), r, f)
	if err != nil {
		fail(w, http.StatusBadGateway, "server_error", "the identity provider cannot be asked")
		return
	}
	if answer.status != http.StatusOK {
		refuse(w, &answer)
		return
	}
	e.hand(w, r, &answer)
}

// hand gives the client its half of a good answer.
func (e *endpoint) hand(w http.ResponseWriter, r *http.Request, answer *provided) {
	members, err := parseAnswer(answer.body)
	token := text(members, "access_token")
	if err != nil || token == "" {
		fail(w, http.StatusBadGateway, "server_error", "the identity provider's answer cannot be read")
		return
	}
	dots := strings.Count(token, ".")
	if dots != 2 {
		// An opaque token has no claims to hide. What has dots is a JWT of some
		// kind, a JWE say, and is not passed on whole.
		if dots > 0 || e.Opaque != Pass {
			fail(w, http.StatusBadGateway, "server_error", "the identity provider's access token cannot be split")
			return
		}
		write(w, http.StatusOK, e.rewrite(members, token, 0))
		return
	}
	half, until, err := e.tokens.Split(r.Context(), e.API, token)
	switch {
	case errors.Is(err, ErrRefused):
		fail(w, http.StatusBadGateway, "server_error", "the identity provider's access token is not one that is accepted here")
	case err != nil:
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, "temporarily_unavailable", "the token cannot be kept now")
	default:
		body := e.rewrite(members, half, until.Sub(e.now()))
		if tells(body, claimsOf(token)) {
			// Under another name, say, or within another member.
			fail(w, http.StatusBadGateway, "server_error", "the identity provider's answer has the access token in it twice")
			return
		}
		write(w, http.StatusOK, body)
	}
}

// refuse passes an error of the provider on. A body that is not JSON (a proxy's
// page) says nothing to an OAuth client, so its error is named instead, and so is
// one with a token in it.
func refuse(w http.ResponseWriter, answer *provided) {
	switch {
	case answer.status >= http.StatusInternalServerError || answer.status < http.StatusBadRequest:
		fail(w, http.StatusBadGateway, "server_error", "the identity provider answers with status "+strconv.Itoa(answer.status))
		return
	case answer.challenge != "" && !anyJWT(answer.challenge):
		w.Header().Set("WWW-Authenticate", answer.challenge)
	}
	if members, err := parseAnswer(answer.body); err == nil && text(members, "error") != "" && !has(members, "access_token") && !tells(answer.body, anyJWT) {
		write(w, answer.status, answer.body)
		return
	}
	code := "invalid_request"
	if answer.status == http.StatusUnauthorized {
		code = "invalid_client"
	}
	fail(w, answer.status, code, "the identity provider refuses")
}
