package config

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// vault reads vault://PATH#FIELD from a server with Vault's HTTP API. It is
// made once and keeps its token alive between loads.
type vault struct {
	server  *server
	approle *approle // nil: the token was given
	now     func() time.Time

	mu    sync.Mutex
	token vaultToken
}

// approle is what a token is got for, where none was given.
type approle struct{ role, secret string }

// vaultToken is a token with what is known about its end.
type vaultToken struct {
	text      string
	renewable bool
	renew     time.Time // when to renew; zero: never
}

// vaultAnswer is the part of Vault's answers that is read.
type vaultAnswer struct {
	Data json.RawMessage `json:"data"`
	Auth struct {
		Token     string `json:"client_token"`
		Seconds   int    `json:"lease_duration"`
		Renewable bool   `json:"renewable"`
	} `json:"auth"`
}

// newVault reads the usual variables: VAULT_ADDR, VAULT_TOKEN, or VAULT_ROLE_ID
// with VAULT_SECRET_ID, VAULT_NAMESPACE, VAULT_CACERT, VAULT_CLIENT_CERT,
// VAULT_CLIENT_KEY, VAULT_TLS_SERVER_NAME.
func newVault(env func(string) (string, bool), now func() time.Time) (*vault, error) {
	address := get(env, "VAULT_ADDR")
	if address == "" {
		return nil, errors.New("needs VAULT_ADDR")
	}
	s, err := newServer(address, tlsFiles{
		ca: get(env, "VAULT_CACERT"), cert: get(env, "VAULT_CLIENT_CERT"), key: get(env, "VAULT_CLIENT_KEY"),
		name: get(env, "VAULT_TLS_SERVER_NAME"), unverified: truthy(get(env, "VAULT_SKIP_VERIFY")),
	})
	if err != nil {
		return nil, fmt.Errorf("cannot use VAULT_ADDR: %w", err)
	}
	if namespace := get(env, "VAULT_NAMESPACE"); namespace != "" {
		s.header.Set("X-Vault-Namespace", namespace)
	}
	s.header.Set("X-Vault-Request", "true")
	v := &vault{server: s, now: now, token: vaultToken{text: get(env, "VAULT_TOKEN")}}
	if v.token.text != "" {
		return v, nil
	}
	v.approle = &approle{role: get(env, "VAULT_ROLE_ID"), secret: get(env, "VAULT_SECRET_ID")}
	if v.approle.role == "" {
		return nil, errors.New("needs VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID")
	}
	return v, nil
}

// resolve gives the field of a secret, in either version of the KV engine.
func (v *vault) resolve(ctx context.Context, target string) ([]byte, error) {
	path, field, _ := strings.Cut(target, "#")
	path = strings.Trim(path, "/")
	if path == "" || field == "" {
		return nil, errors.New("must be vault://PATH#FIELD")
	}
	if err := v.login(ctx); err != nil {
		return nil, err
	}
	fields, err := v.read(ctx, path)
	if err != nil {
		return nil, err
	}
	raw, ok := fields[field]
	if !ok {
		return nil, errors.New("has no such field")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text), nil
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return []byte(number), nil
	}
	return nil, errors.New("is a field that is no text")
}

// read gives the fields of a secret. Where its mount is a KV engine of version
// 2, "data" goes between mount and path, unless it is written there.
func (v *vault) read(ctx context.Context, path string) (map[string]json.RawMessage, error) {
	var mount struct {
		Path    string `json:"path"`
		Options struct {
			Version string `json:"version"`
		} `json:"options"`
	}
	answer, err := v.ask(ctx, "sys/internal/ui/mounts/"+path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer.Data, &mount); err != nil {
		return nil, errors.New("has a mount that cannot be read")
	}
	second := mount.Options.Version == "2"
	if rest, ok := strings.CutPrefix(path, mount.Path); ok && second && !strings.HasPrefix(rest, "data/") {
		path = mount.Path + "data/" + rest
	}
	answer, err = v.ask(ctx, path)
	if err != nil {
		return nil, err
	}
	data := answer.Data
	if second {
		var versioned struct {
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(data, &versioned); err != nil {
			return nil, errors.New("has an answer that cannot be read")
		}
		data = versioned.Data
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, errors.New("has an answer that cannot be read")
	}
	return fields, nil
}

// ask sends one request with the token. A token by AppRole that is refused, as
// after a restart of the server, is replaced once.
func (v *vault) ask(ctx context.Context, path string) (*vaultAnswer, error) {
	token := v.current()
	answer, err := v.send(ctx, call{method: http.MethodGet, path: path, token: token})
	if !errors.Is(err, errRefused) || v.approle == nil {
		return answer, err
	}
	if err := v.replace(ctx, token); err != nil {
		return nil, err
	}
	return v.send(ctx, call{method: http.MethodGet, path: path, token: v.current()})
}

func (v *vault) current() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.token.text
}

// errRefused is a 403 of Vault.
var errRefused = errors.New("is refused to our token (403)")

func (v *vault) send(ctx context.Context, c call) (*vaultAnswer, error) {
	var encoded []byte
	if c.body != nil {
		var err error
		if encoded, err = json.Marshal(c.body); err != nil {
			return nil, errors.New("cannot be asked for")
		}
	}
	header := http.Header{}
	if c.token != "" {
		header.Set("X-Vault-Token", c.token)
	}
	target := url.URL{Path: "/v1/" + c.path}
	status, body, err := v.server.do(ctx, request{c.method, target.EscapedPath(), header, bytes.NewReader(encoded)})
	if err != nil {
		return nil, err
	}
	switch {
	case status == http.StatusNotFound:
		return nil, errors.New("does not exist")
	case status == http.StatusForbidden:
		return nil, transient{errRefused}
	case status >= http.StatusMultipleChoices:
		return nil, transient{fmt.Errorf("is answered with status %d", status)}
	}
	var answer vaultAnswer
	if len(body) > 0 {
		if err := json.Unmarshal(body, &answer); err != nil {
			return nil, errors.New("has an answer that is no JSON")
		}
	}
	return &answer, nil
}

// call is one request to Vault.
type call struct {
	method, path, token string
	body                any
}
