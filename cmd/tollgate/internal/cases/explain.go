package cases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/admin"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// Explained is the surface of the admin API: POST /v1/explain, over HTTP on
// loopback. It looks at limits and charges nothing, so where cases of a file
// repeat their requests the engine is asked to decide after it.
func Explained(parts Parts) Surface { return explained{parts} }

type explained struct{ parts Parts }

// Name names the surface.
func (explained) Name() string { return "explain" }

// Open serves the admin API over the configuration.
func (e explained) Open(ctx context.Context, path string) (Session, error) {
	s, err := e.open(ctx, path)
	if err != nil {
		return nil, err // no session, not even an empty one
	}
	return s, nil
}

func (e explained) open(ctx context.Context, path string) (*explaining, error) {
	engine, err := e.parts.engine(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &explaining{running: engine, secret: credential.Random()}
	auth, err := admin.NewAuth([]admin.Token{{Name: "cases", Secret: []byte(s.secret), Role: admin.Read}}, nil)
	if err == nil {
		s.api, err = admin.New(admin.Parts{Engine: engine.Engine, Replica: "cases", Now: time.Now}, auth) //nolint:contextcheck // it lives until Close
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.url = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: s.api, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return s, nil
}

// explaining is a served admin API.
type explaining struct {
	*running
	api         *admin.Server
	server      *http.Server
	client      http.Client
	url, secret string
}

// Ask explains, and decides where that has to be charged.
func (e *explaining) Ask(ctx context.Context, q *Question) (*Answer, error) {
	wanted, ok := toExplain(q)
	if !ok {
		return nil, errUnasked
	}
	e.set(q.Now)
	said, err := e.call(ctx, wanted)
	if err != nil {
		return nil, err
	}
	return e.told(ctx, q, said)
}

// told is what the API said in the words of expect, once the engine has charged
// what it would not.
func (e *explaining) told(ctx context.Context, q *Question, said *adminv1.ExplainResponse) (*Answer, error) {
	if q.Charged {
		decided := e.Decide(ctx, asked{q.HTTP})
		if decided.Outcome.String() != said.GetOutcome() || string(decided.Reason) != said.GetReason() {
			return nil, otherwise(said.GetOutcome(), said.GetReason(), &decided)
		}
	}
	answer := &Answer{
		Decision: said.GetOutcome(), Reason: said.GetReason(), Status: int(said.GetStatus()), Body: said.GetBody(),
		Metadata: said.GetMetadata(), Whole: true, Explained: true,
		Peeked: q.Charged && said.GetOutcome() != "deny", Hidden: map[string]bool{},
	}
	for _, h := range said.GetSet() {
		answer.Edits = append(answer.Edits, authz.Edit{Name: h.GetName(), Value: h.GetValue()})
		answer.Hidden[h.GetName()] = withheld(h)
	}
	for _, name := range said.GetRemoved() {
		answer.Edits = append(answer.Edits, authz.Edit{Name: name, Remove: true})
	}
	for _, h := range said.GetHeaders() {
		answer.Headers = append(answer.Headers, authz.Header{Name: h.GetName(), Value: h.GetValue()})
	}
	for _, s := range said.GetSteps() {
		step := authz.Step{Name: s.GetStep(), OK: s.GetOk(), Reason: authz.Reason(s.GetReason())}
		for _, f := range s.GetFacts() {
			step.Facts = append(step.Facts, authz.Fact{Name: f.GetName(), Value: f.GetValue()})
		}
		answer.Steps = append(answer.Steps, step)
	}
	return answer, nil
}

// withheld says which values the admin API does not tell: those that may hold a
// credential.
func withheld(h *adminv1.HeaderLine) bool {
	return h.GetName() == ":path" || h.GetValue() == "[redacted]"
}

// toExplain is the question as the API takes it. JSON has no bytes that are not
// UTF-8, and its URL always has a path.
func toExplain(q *Question) (*adminv1.ExplainRequest, bool) {
	http := q.HTTP
	asked := &adminv1.ExplainRequest{
		Method: http.Method, Url: http.Scheme + "://" + http.Host + http.Target, ContextExtensions: http.Extensions,
		At: timestamppb.New(q.Now), SourceAddress: http.Source, Principal: http.Principal,
	}
	sayable := strings.HasPrefix(http.Target, "/") && utf8.ValidString(asked.GetUrl()) && utf8.ValidString(http.Method)
	for _, field := range http.Headers {
		sayable = sayable && utf8.ValidString(field.Value) && field.Name != "host"
		asked.Headers = append(asked.Headers, &adminv1.HeaderLine{Name: field.Name, Value: field.Value})
	}
	return asked, sayable
}

// call asks the API.
func (e *explaining) call(ctx context.Context, asked *adminv1.ExplainRequest) (*adminv1.ExplainResponse, error) {
	body, err := protojson.Marshal(asked)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/v1/explain", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+e.secret)
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxFile))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the admin API answers %s", response.Status)
	}
	said := &adminv1.ExplainResponse{}
	return said, protojson.Unmarshal(text, said)
}

// Close ends the admin API.
func (e *explaining) Close() error {
	var err error
	if e.server != nil {
		err = e.server.Close()
	}
	e.client.CloseIdleConnections()
	if e.api != nil {
		e.api.Close()
	}
	return errors.Join(err, e.running.Close())
}
