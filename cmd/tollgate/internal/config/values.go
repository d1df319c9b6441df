package config

import (
	"context"
	"sync"
	"time"
)

// values resolves references. It outlives single loads, as tokens of Vault do.
type values struct {
	env func(string) (string, bool)
	now func() time.Time

	mu     sync.Mutex
	vault  *vault   // nil before its first use
	consul resolver // nil before its first use
}

// resolvers gives the resolver of each scheme.
func (v *values) resolvers(files *source) map[scheme]resolver {
	return map[scheme]resolver{
		schemeEnv:    fromEnv(v.env),
		schemeFile:   fromFile(files),
		schemeBase64: fromBase64,
		schemeVault:  v.fromVault,
		schemeConsul: v.fromConsul,
	}
}

func (v *values) fromVault(ctx context.Context, target string) ([]byte, error) {
	server, err := v.vaultServer()
	if err != nil {
		return nil, transient{err} // a file that a variable names may come
	}
	return server.resolve(ctx, target)
}

func (v *values) vaultServer() (*vault, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.vault != nil {
		return v.vault, nil
	}
	server, err := newVault(v.env, v.now)
	if err == nil {
		v.vault = server
	}
	return server, err
}

func (v *values) fromConsul(ctx context.Context, target string) ([]byte, error) {
	resolve, err := v.consulServer()
	if err != nil {
		return nil, transient{err}
	}
	return resolve(ctx, target)
}

func (v *values) consulServer() (resolver, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.consul != nil {
		return v.consul, nil
	}
	resolve, err := newConsul(v.env)
	if err == nil {
		v.consul = resolve
	}
	return resolve, err
}

// renew keeps the tokens of servers alive and says when to call again, zero for
// never.
func (v *values) renew(ctx context.Context) (next time.Time, err error) {
	v.mu.Lock()
	server := v.vault
	v.mu.Unlock()
	if server == nil {
		return time.Time{}, nil
	}
	return server.renew(ctx)
}
