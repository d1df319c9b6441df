package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// Options is what a demo is made of.
type Options struct {
	Envoy string // path of the binary; "" is the stand-in of --no-envoy
	Once  bool   // end after the tour
	Out   io.Writer
	// Gate starts the gate on a configuration file and tells observer of every
	// decision.
	Gate func(ctx context.Context, file string, observer authz.Observer) (Gate, error)
	// Bootstrap is the configuration of an edge Envoy before upstream that asks
	// the gate, and hands PublicPaths to it; its listener is called "edge".
	Bootstrap func(gate Gate, upstream string) (string, error)
}

// Gate is a running gate.
type Gate struct {
	Check, Public, Admin string // addresses of its listeners
	End                  func() error
}

// PublicPaths are what the gate of the demo answers itself, without a check.
func PublicPaths() []string { return []string{"/token", "/revoke"} }

// show is a running demo.
type show struct {
	options Options
	dir     string
	issuer  *Issuer
	recent  *Recent
	gate    Gate
	admin   Admin
	front   string // host:port for clients
	broken  <-chan struct{}
	ends    []func() error // in the order of starting
}

// Run shows the gate until ctx ends, or with Once until the tour does. An answer
// that was not the expected one is ErrUnexpected.
func Run(ctx context.Context, o Options) (err error) {
	s := &show{options: o, recent: &Recent{}}
	defer func() { err = errors.Join(err, s.end()) }()
	if err := s.start(ctx); err != nil {
		return err
	}
	tour := &Tour{
		Base: "http://" + s.front, Mint: s.issuer.Mint, Client: Client{ID: "alice", Secret: "any"}, Admin: s.admin,
		Out: o.Out, Exact: s.recent.Exact,
	}
	toured := tour.Run(ctx, Steps())
	if o.Once || toured != nil && !errors.Is(toured, ErrUnexpected) {
		return toured
	}
	s.invite()
	select {
	case <-ctx.Done():
	case <-s.broken:
		return errors.Join(toured, errors.New("envoy has ended"))
	}
	return toured
}

// start puts the parts up, each on a free port of loopback.
func (s *show) start(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "tollgate-demo-")
	if err != nil {
		return err
	}
	s.dir = dir
	s.ends = append(s.ends, func() error { return os.RemoveAll(dir) })

	upstream, err := s.serve(ctx, Upstream())
	if err != nil {
		return err
	}
	if err := s.startIssuer(ctx); err != nil {
		return err
	}
	if err := s.startGate(ctx); err != nil {
		return err
	}
	if s.options.Envoy == "" {
		err = s.standIn(ctx, upstream)
	} else {
		err = s.startFront(ctx, upstream)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.options.Out, "issuer    %s\nupstream  http://%s\ngate      %s (ext_authz over gRPC)\nadmin     %s\nfront     http://%s (%s)\n\n",
		s.issuer.Name(), upstream, s.gate.Check, s.admin.URL, s.front, s.frontName())
	return nil
}

func (s *show) frontName() string {
	if s.options.Envoy == "" {
		return "a stand-in, no Envoy"
	}
	return s.options.Envoy
}

// serve puts a site up and gives its address.
func (s *show) serve(ctx context.Context, handler http.Handler) (string, error) {
	listener, err := Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return s.site(listener, handler), nil
}

func (s *show) site(listener net.Listener, handler http.Handler) string {
	site := Serve(listener, handler)
	s.ends = append(s.ends, site.Close)
	return site.Address
}

func (s *show) startIssuer(ctx context.Context) error {
	listener, err := Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	issuer, err := NewIssuer("http://" + listener.Addr().String())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s.issuer = issuer
	s.site(listener, issuer)
	return nil
}

func (s *show) startGate(ctx context.Context) error {
	file := filepath.Join(s.dir, "tollgate.yaml")
	if err := os.WriteFile(file, []byte(configuration(s.issuer, filepath.Join(s.dir, "state"))), 0o600); err != nil {
		return err
	}
	s.admin.Secret = rand.Text() + rand.Text()
	if err := os.WriteFile(s.adminToken(), []byte(s.admin.Secret), 0o600); err != nil {
		return err
	}
	gate, err := s.options.Gate(ctx, file, s.recent)
	if err != nil {
		return err
	}
	s.gate, s.admin.URL = gate, "http://"+gate.Admin
	s.ends = append(s.ends, gate.End)
	return nil
}

// adminToken is the file that the configuration reads the admin secret from.
func (s *show) adminToken() string { return filepath.Join(s.dir, "admin.token") }

func (s *show) startFront(ctx context.Context, upstream string) error {
	bootstrap, err := s.options.Bootstrap(s.gate, upstream)
	if err != nil {
		return err
	}
	front, err := StartFront(ctx, s.options.Envoy, s.dir, bootstrap)
	if err != nil {
		return err
	}
	s.ends = append(s.ends, func() error { front.Stop(5 * time.Second); return nil })
	s.front, s.broken = front.Listeners["edge"], front.Ended()
	if s.front == "" {
		return errors.New("envoy has no listener called edge")
	}
	return nil
}

func (s *show) standIn(ctx context.Context, upstream string) error {
	front, end, err := newStandIn(s.gate, upstream)
	if err != nil {
		return err
	}
	s.ends = append(s.ends, end)
	s.front, err = s.serve(ctx, front)
	return err
}

// end takes the parts down, the front first.
func (s *show) end() error {
	var err error
	for _, end := range slices.Backward(s.ends) {
		err = errors.Join(err, end())
	}
	return err
}

// invite shows what to type next. Every line names the answer to expect.
func (s *show) invite() {
	fmt.Fprint(s.options.Out, strings.NewReplacer(
		"FRONT", "http://"+s.front, "TOKENS", s.issuer.TokenURL(), "MANAGER", s.admin.URL, "PASSFILE", s.adminToken(),
	).Replace(`
It stays up until you press Ctrl-C. To try things yourself, paste into another shell:

token() { curl -s -d grant_type=client_credentials "$@" TOKENS | sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }
half() { curl -s -d grant_type=client_credentials "$@" FRONT/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }

curl -i FRONT/orders/7 -H "authorization: Bearer $(token -d client_id=alice)"   # 200
curl -i FRONT/orders/7   # 401 token_missing
curl -i FRONT/orders/7 -H "authorization: Bearer $(token -d client_id=alice -d expires_in=-60)"   # 401 token_expired
curl -i FRONT/orders/7 -H "authorization: Bearer $(token -d client_id=alice -d audience=billing)"   # 401 audience_refused
curl -i -X POST FRONT/orders -H "authorization: Bearer $(token -d client_id=alice)"   # 403 scope_insufficient
curl -i -X POST FRONT/orders -H "authorization: Bearer $(token -d client_id=alice -d scope=orders:write)"   # 200
curl -is -o /dev/null FRONT/orders/7 -o /dev/null FRONT/orders/7 FRONT/orders/7 -H "authorization: Bearer $(token -d client_id=carol -d policy=slow)"   # 429 rate_limited
curl -i FRONT/orders/7 -H "authorization: Bearer $(half -d client_id=alice)"   # 200
H=$(half -d client_id=alice); curl -s FRONT/revoke -d "token=$H"; curl -i FRONT/orders/7 -H "authorization: Bearer $H"   # 401 token_unknown
curl -i -X DELETE FRONT/orders/7 -H "authorization: Bearer $(token -d client_id=alice)"   # 403 access_refused

export TOLLGATE_SERVER=MANAGER TOLLGATE_ADMIN_SECRET=$(cat PASSFILE)   # then: tollgate keys list, tollgate tokens show …
`))
}
