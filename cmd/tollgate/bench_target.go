package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/load"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// bench is what one run of bench has started.
type bench struct {
	flags    *benchFlags
	dir      string
	now      func() time.Time
	children []*demo.Process
	engine   *authz.Engine
}

func (b *bench) close() {
	for _, child := range b.children {
		child.Stop(10 * time.Second)
	}
	if b.engine != nil {
		b.engine.Close()
	}
}

// own is the service that is measured, with what it is asked.
func (b *bench) own(ctx context.Context) (load.Target, *load.Mix, error) {
	if b.flags.address != "" {
		transport, err := b.flags.transport.credentials()
		if err != nil {
			return load.Target{}, nil, err
		}
		mix, err := b.flags.mix.given(b.now())
		target := load.Wire(load.Server{Name: "tollgate", Address: b.flags.address, PID: b.flags.pid, Transport: transport})
		return target, mix, err
	}
	alg := b.flags.mix.alg
	if alg == "" {
		alg = "RS256"
	}
	key, err := tokens.Generate(alg, "bench")
	if err != nil {
		return load.Target{}, nil, &exit{code: exitUsage, cause: err}
	}
	path, err := b.configure(key)
	if err != nil {
		return load.Target{}, nil, err
	}
	mix, err := b.flags.mix.made(key, b.now())
	if err != nil {
		return load.Target{}, nil, err
	}
	if b.flags.inProcess {
		target, err := b.direct(ctx, path)
		return target, mix, err
	}
	target, err := b.start(ctx, "tollgate", "serve", "--config", path)
	return target, mix, err
}

// benchConfiguration has one API and a policy with some entries, as people write
// them.
const benchConfiguration = `version: 1
listen: {check: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
log: {level: error}
apis:
  - id: bench
    match: [{host: "*", path: /bench}]
    keys: [KEY]
    claims: {audiences: [bench]}
    policies: {default: [bench]}
policies:
  - id: bench
    access:
      bench:
        allow:
          - {methods: [GET, HEAD], path: /bench/items}
          - {methods: [GET], path: "/bench/items/{id}"}
          - {methods: [POST], path: /bench/orders}
          - {methods: [GET], path: "/bench/orders/**"}
`

// configure writes a configuration that takes tokens of key.
func (b *bench) configure(key *tokens.Key) (string, error) {
	name, entry := "bench.jwks.json", `{jwk: "file://bench.jwks.json", issuer: "https://bench.invalid/"}`
	data, err := tokens.JWKS(key)
	if err != nil {
		return "", err
	}
	if secret := key.Secret(); secret != nil {
		name, entry = "bench.secret", `{secret: "file://bench.secret", kid: bench, issuer: "https://bench.invalid/"}`
		data = secret
	}
	if err := os.WriteFile(filepath.Join(b.dir, name), data, 0o600); err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, "tollgate.yaml")
	return path, os.WriteFile(path, []byte(strings.Replace(benchConfiguration, "KEY", entry, 1)), 0o600)
}

// start starts this program as another process and waits until it serves.
func (b *bench) start(ctx context.Context, name string, args ...string) (load.Target, error) {
	self, err := os.Executable()
	if err != nil {
		return load.Target{}, err
	}
	child, err := demo.Start(demo.Command{Path: self, Args: args, Dir: b.dir})
	if err != nil {
		return load.Target{}, err
	}
	b.children = append(b.children, child)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := child.AwaitLine(ctx, "ready"); err != nil {
		return load.Target{}, err
	}
	line, err := child.AwaitLine(ctx, "listening check ")
	if err != nil {
		return load.Target{}, err
	}
	address := strings.TrimPrefix(line, "listening check ")
	return load.Wire(load.Server{Name: name, Address: address, PID: child.PID(), Lax: name == "empty"}), nil
}

// direct is the engine in this process.
func (b *bench) direct(ctx context.Context, path string) (load.Target, error) {
	b.engine = authz.New(authz.Options{Replica: "bench", CacheBytes: 64 << 20})
	loaded, problems := config.Load(ctx, path, b.engine.Check)
	if config.Broken(problems) {
		return load.Target{}, fmt.Errorf("the configuration of the run: %s", problems[0])
	}
	snapshot, _ := b.engine.Compile(ctx, loaded.Spec)
	if snapshot == nil {
		return load.Target{}, errors.New("the engine refuses the configuration of the run")
	}
	b.engine.Swap(snapshot)
	return load.Direct("engine", b.engine), nil
}
