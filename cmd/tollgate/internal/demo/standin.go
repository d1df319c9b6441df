package demo

import (
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/envoy"
)

// standIn is a front for machines without Envoy (--no-envoy): it asks the gate
// the way Envoy does and does what it is told. It normalises no path, checks no
// mutation and balances nothing: it is for looking, not for use.
type standIn struct {
	gate   *envoy.Client
	proxy  *httputil.ReverseProxy
	public *httputil.ReverseProxy // to the gate itself
}

// newStandIn asks the gate and hands allowed requests to upstream.
func newStandIn(gate Gate, upstream string) (*standIn, func() error, error) {
	conn, err := grpc.NewClient(gate.Check, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, err
	}
	return &standIn{gate: envoy.NewClient(conn), proxy: proxyTo(upstream), public: proxyTo(gate.Public)}, conn.Close, nil
}

func proxyTo(address string) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: address})
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
}

// ServeHTTP asks about one request.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if slices.Contains(PublicPaths(), r.URL.Path) {
		s.public.ServeHTTP(w, r)
		return
	}
	verdict, err := s.gate.Check(r.Context(), describe(r))
	if err != nil {
		http.Error(w, "the gate gave no answer", http.StatusServiceUnavailable)
		return
	}
	if !verdict.Allowed {
		for _, header := range verdict.Headers {
			w.Header().Add(header.Name, header.Value)
		}
		w.WriteHeader(verdict.Status)
		_, _ = w.Write([]byte(verdict.Body)) //nolint:gosec // the gate's own text, with its own content type
		return
	}
	for _, header := range verdict.Headers {
		w.Header().Add(header.Name, header.Value)
	}
	s.proxy.ServeHTTP(w, edited(r, verdict))
}

// describe tells the gate what came.
func describe(r *http.Request) *envoy.HTTP {
	asked := &envoy.HTTP{Method: r.Method, Scheme: "http", Host: r.Host, Target: r.RequestURI, Raw: true, Source: r.RemoteAddr}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			asked.Headers = append(asked.Headers, envoy.Field{Name: strings.ToLower(name), Value: value})
		}
	}
	return asked
}

// edited is the request with the gate's edits.
func edited(r *http.Request, verdict *envoy.Verdict) *http.Request {
	out := r.Clone(r.Context())
	for _, name := range verdict.Remove {
		remove(out.Header, name)
	}
	for _, field := range verdict.Set {
		if field.Name == ":path" {
			if parsed, err := url.ParseRequestURI(field.Value); err == nil {
				out.URL.Path, out.URL.RawPath, out.URL.RawQuery = parsed.Path, parsed.RawPath, parsed.RawQuery
			}
			continue
		}
		remove(out.Header, field.Name)
		out.Header.Set(field.Name, field.Value)
	}
	return out
}

// remove takes every spelling of a name away, as Envoy does.
func remove(header http.Header, name string) {
	for key := range header {
		if strings.EqualFold(key, name) {
			delete(header, key)
		}
	}
}
