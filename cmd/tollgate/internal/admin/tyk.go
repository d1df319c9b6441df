package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"google.golang.org/grpc/status"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tyk"
	"github.com/tollgate-authz/tollgate/store"
)

// The Tyk-shaped keys API, for scripts that were written for Tyk's gateway:
//
//	tyk.go          paths, permissions, answers
//	tyk_doc.go      a session document becomes a key
//	tyk_show.go     a key becomes a session document, and lists
//	tyk_find.go     which key an id means
//	tyk_session.go  the computed session of a token, and its end

// tykCall is one call.
type tykCall struct {
	*Server
	w        http.ResponseWriter
	r        *http.Request
	id       string // of the path
	registry *credential.Registry
}

// tykDone is the answer of a change.
type tykDone struct {
	Key      string   `json:"key"`
	Status   string   `json:"status"`
	Action   string   `json:"action"`
	KeyHash  string   `json:"key_hash,omitempty"` // the session id
	Warnings []string `json:"warnings,omitempty"`
}

// tykFault is an error with Tyk's words.
type tykFault struct {
	code int
	text string
}

func (f *tykFault) Error() string { return f.text }

// tyk serves the keys API.
func (s *Server) tyk() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(tykPrefix, func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, http.StatusNotFound, "Not found") })
	wrong := func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusMethodNotAllowed, "Method not supported")
	}
	for _, path := range []string{"/tyk/keys", "/tyk/keys/{$}", "/tyk/keys/{id}"} {
		mux.HandleFunc(path, wrong)
	}
	mux.HandleFunc("POST /tyk/keys/preview", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusNotFound, "Nothing is previewed here: POST /v1/explain shows what a request would get")
	})
	for pattern, does := range map[string]func(*tykCall) error{
		"POST /tyk/keys": (*tykCall).create, "POST /tyk/keys/{$}": (*tykCall).create, "POST /tyk/keys/create": (*tykCall).create,
		"POST /tyk/keys/{id}": (*tykCall).create, "PUT /tyk/keys/{id}": (*tykCall).update,
		"GET /tyk/keys/{id}": (*tykCall).get, "DELETE /tyk/keys/{id}": (*tykCall).remove,
		"GET /tyk/keys": (*tykCall).list, "GET /tyk/keys/{$}": (*tykCall).list,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			c := &tykCall{Server: s, w: w, r: r, id: r.PathValue("id")}
			c.serve(pattern, does) //nolint:contextcheck // it is that of the request
		})
	}
	return mux
}

// serve permits, does and audits one call.
func (c *tykCall) serve(pattern string, does func(*tykCall) error) {
	who, _ := c.r.Context().Value(callerKey{}).(Caller)
	begun := c.now()
	err := c.permitted(who)
	if err == nil {
		err = c.safely(does)
	}
	result := "ok"
	if err != nil {
		fault := tykFaultOf(err)
		result = strconv.Itoa(fault.code)
		c.fail(c.w, c.r, fault.code, fault.text)
	}
	c.audit(c.r.Context(), record{
		who: who.Name, role: who.Role, method: pattern, about: c.id, result: result, from: address(c.r), took: c.now().Sub(begun),
	})
}

// safely turns a panic of ours into an answer.
func (c *tykCall) safely(does func(*tykCall) error) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p) // half an answer is out
		default:
			c.log.ErrorContext(c.r.Context(), "panic in the admin API", "method", c.r.Method+" /tyk/keys")
			err = &tykFault{http.StatusInternalServerError, "internal error"}
		}
	}()
	return does(c)
}

func (c *tykCall) permitted(who Caller) error {
	need := Write
	if !changes(c.r.Method) {
		need = Read
	}
	if !who.Role.may(need) {
		return &tykFault{http.StatusForbidden, "role " + string(need) + " is needed"}
	}
	// Sessions of tokens can be shown and ended where no keys are kept.
	registry, err := c.Server.registry()
	if err != nil && (c.id == "" || c.r.Method != http.MethodGet && c.r.Method != http.MethodDelete) {
		return &tykFault{http.StatusNotImplemented, status.Convert(err).Message()}
	}
	c.registry = registry
	return nil
}

func tykFaultOf(err error) *tykFault {
	if fault, ok := errors.AsType[*tykFault](err); ok {
		return fault
	}
	text := err.Error()
	switch {
	case errors.Is(err, tyk.ErrSession):
		return &tykFault{http.StatusBadRequest, "Request malformed" + text[len(tyk.ErrSession.Error()):]}
	case errors.Is(err, credential.ErrExists):
		return &tykFault{http.StatusConflict, "Failed to create key - a key with this id exists: PUT changes it"}
	case errors.Is(err, credential.ErrInvalid):
		return &tykFault{http.StatusBadRequest, "Failed to create key - " + text}
	case errors.Is(err, credential.ErrChanged):
		return &tykFault{http.StatusConflict, text}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return &tykFault{http.StatusServiceUnavailable, text}
	}
	return &tykFault{http.StatusInternalServerError, text}
}

// body reads the document.
func (c *tykCall) body() ([]byte, error) {
	doc, err := io.ReadAll(c.r.Body)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &tykFault{http.StatusRequestEntityTooLarge, "Request malformed: more than " + strconv.Itoa(maxBody) + " bytes"}
	}
	if err != nil {
		return nil, &tykFault{http.StatusBadRequest, "Request malformed"}
	}
	return doc, nil
}

func (c *tykCall) answer(v any) {
	c.w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(c.w).Encode(v) //nolint:errcheck,errchkjson // the client has gone
}

func (c *tykCall) done(stored credential.Stored, action string, warnings []string) {
	c.answer(tykDone{Key: stored.ID, Status: "ok", Action: action, KeyHash: stored.Session(), Warnings: warnings})
}

// create makes a key, with the id of the path or a new one.
func (c *tykCall) create() error {
	d, err := c.read()
	if err != nil {
		return err
	}
	if c.id == "" {
		c.id = credential.Random()
	}
	switch d.Secret {
	case "":
		return &tykFault{http.StatusBadRequest, "Failed to create key - jwt_data.secret is missing: give the secret or the public key of its holder"}
	case tykMask:
		return &tykFault{http.StatusBadRequest, "Failed to create key - jwt_data.secret is the mask of an answer: give the secret itself"}
	}
	made, err := c.key(d)
	if err != nil {
		return err
	}
	made.ID, made.Secrets = c.id, []credential.Secret{tykSecret(d.Secret)}
	if d.Expires > 0 {
		made.Expires = unix(d.Expires)
	}
	stored, err := c.registry.Create(c.r.Context(), *made)
	if err != nil {
		return err
	}
	c.done(stored, "added", append(append(d.Warnings, stored.Warnings()...), c.reset(&stored)...))
	return nil
}

// update replaces a key; without a secret, or with its mask, the secret stays.
func (c *tykCall) update() error {
	d, err := c.read()
	if err != nil {
		return err
	}
	_, session, err := c.find()
	if errors.Is(err, credential.ErrUnknown) {
		return &tykFault{http.StatusNotFound, "Key is not found"}
	}
	if err != nil {
		return err
	}
	fresh, err := c.key(d)
	if err != nil {
		return err
	}
	now, late := c.now(), false
	stored, err := c.registry.Update(c.r.Context(), session, "", func(k *credential.Credential) error {
		old := *k
		*k = *fresh
		k.Secrets = old.Secrets
		if d.Secret != "" && d.Secret != tykMask {
			k.Secrets = []credential.Secret{tykSecret(d.Secret)}
		}
		switch {
		case d.Expires <= 0:
		case unix(d.Expires).After(now):
			k.Expires = unix(d.Expires)
		default: // as in Tyk; what has ended stays so
			k.Expires, late = old.Expires, true
		}
		return nil
	})
	if errors.Is(err, credential.ErrUnknown) {
		return &tykFault{http.StatusNotFound, "Key is not found"}
	}
	if err != nil {
		return err
	}
	warnings := append(d.Warnings, stored.Warnings()...)
	warnings = append(warnings, c.reset(&stored)...)
	if late {
		warnings = append(warnings, "expires: it has passed, so the stored one stays")
	}
	c.done(stored, "modified", warnings)
	return nil
}

// remove deletes a key. What is the id of a session, and no key's, ends that session.
func (c *tykCall) remove() error {
	stored, session, err := c.find()
	if err == nil {
		err = c.registry.Delete(c.r.Context(), session, "")
	}
	if errors.Is(err, credential.ErrUnknown) {
		return c.end()
	}
	if err != nil {
		return err
	}
	c.done(stored, "deleted", c.reset(&stored))
	return nil
}
