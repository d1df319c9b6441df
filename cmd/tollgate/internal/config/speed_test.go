package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
)

// large writes a file of many policies and APIs.
func large(tb testing.TB, policies, apis int) string {
	tb.Helper()
	var b bytes.Buffer
	b.WriteString("version: 1\napis:\n")
	for i := range apis {
		fmt.Fprintf(&b, `  - id: api-%d
    name: Number %d
    match: [{host: api-%d.example.com, path: /v1}]
    keys: [{secret: env://HMAC, issuer: any}]
    claims: {audiences: [api-%d]}
    policies: {claims: [pol], default: [policy-%d], scopes: {map: {admin: policy-0}}}
`, i, i, i, i, i%policies)
	}
	b.WriteString("policies:\n")
	for i := range policies {
		fmt.Fprintf(&b, `  - id: policy-%d
    access:
      api-%d:
        allow:
          - {methods: [GET, HEAD], path: /v1/orders/**}
          - {methods: [POST], path: "/v1/orders/{id}/items"}
      api-%d: {allow: all}
    meta: {plan: plan-%d}
    tags: [retail, eu]
`, i, i%apis, (i+1)%apis, i%10)
	}
	path := filepath.Join(tb.TempDir(), "tollgate.yaml")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// BenchmarkLoad reads 10,000 policies and 1,000 APIs, and then also compiles
// them. settled-MB is what stays in memory.
func BenchmarkLoad(b *testing.B) {
	path := large(b, 10_000, 1_000)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			l := &Loader{Path: path, Env: variables}
			if _, problems := l.Load(b.Context()); Broken(problems) {
				b.Fatal(lines(problems))
			}
		}
	})
	b.Run("compile", func(b *testing.B) {
		before := heap()
		var engine *authz.Engine
		var c *Config
		for b.Loop() {
			engine = authz.New(authz.Options{})
			l := &Loader{Path: path, Env: variables}
			var snapshot *authz.Snapshot
			var problems []Problem
			c, problems = l.load(b.Context(), func(c *Config, _ bool) (found []authz.Problem) {
				snapshot, found = engine.Compile(b.Context(), c.Spec)
				return found
			})
			if Broken(problems) {
				b.Fatal(lines(problems))
			}
			engine.Swap(snapshot)
		}
		b.ReportMetric(float64(heap()-before)/(1<<20), "settled-MB")
		runtime.KeepAlive(engine)
		runtime.KeepAlive(c)
	})
}
