package config

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// newConsul resolves consul://KEY with the usual variables: CONSUL_HTTP_ADDR,
// CONSUL_HTTP_TOKEN or CONSUL_HTTP_TOKEN_FILE, CONSUL_HTTP_AUTH, CONSUL_HTTP_SSL,
// CONSUL_CACERT, CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY, CONSUL_TLS_SERVER_NAME,
// CONSUL_NAMESPACE.
func newConsul(env func(string) (string, bool)) (resolver, error) {
	s, err := newServer(consulAddress(env), tlsFiles{
		ca: get(env, "CONSUL_CACERT"), cert: get(env, "CONSUL_CLIENT_CERT"), key: get(env, "CONSUL_CLIENT_KEY"),
		name: get(env, "CONSUL_TLS_SERVER_NAME"), unverified: strings.EqualFold(get(env, "CONSUL_HTTP_SSL_VERIFY"), "false"),
	})
	if err != nil {
		return nil, fmt.Errorf("cannot use CONSUL_HTTP_ADDR: %w", err)
	}
	token, err := consulToken(env)
	if err != nil {
		return nil, err
	}
	if token != "" {
		s.header.Set("X-Consul-Token", token)
	}
	if auth := get(env, "CONSUL_HTTP_AUTH"); auth != "" {
		s.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(auth)))
	}
	namespace := get(env, "CONSUL_NAMESPACE")
	return func(ctx context.Context, key string) ([]byte, error) { return consulKey(ctx, s, namespace, key) }, nil
}

// consulAddress gives the address as a URL; without a scheme it is host:port.
func consulAddress(env func(string) (string, bool)) string {
	address := get(env, "CONSUL_HTTP_ADDR")
	if address == "" {
		address = "127.0.0.1:8500"
	}
	if strings.Contains(address, "://") {
		return address
	}
	if truthy(get(env, "CONSUL_HTTP_SSL")) {
		return "https://" + address
	}
	return "http://" + address
}

func consulToken(env func(string) (string, bool)) (string, error) {
	if token := get(env, "CONSUL_HTTP_TOKEN"); token != "" {
		return token, nil
	}
	file := get(env, "CONSUL_HTTP_TOKEN_FILE")
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("needs CONSUL_HTTP_TOKEN_FILE, which %w", cause(err))
	}
	return strings.TrimSpace(string(data)), nil
}

// consulKey reads one key: GET /v1/kv/KEY answers a list with one entry, whose
// value is base64, or 404.
func consulKey(ctx context.Context, s *server, namespace, key string) ([]byte, error) {
	if key = strings.TrimPrefix(key, "/"); key == "" {
		return nil, errors.New("names no key")
	}
	path := (&url.URL{Path: "/v1/kv/" + key}).EscapedPath()
	if namespace != "" {
		path += "?ns=" + url.QueryEscape(namespace)
	}
	status, body, err := s.do(ctx, request{method: http.MethodGet, path: path})
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, errors.New("does not exist")
	case status == http.StatusForbidden:
		return nil, transient{errors.New("is refused to our token (403)")}
	case status != http.StatusOK:
		return nil, transient{fmt.Errorf("is answered with status %d", status)}
	}
	var entries []struct{ Value []byte }
	if err := json.Unmarshal(body, &entries); err != nil || len(entries) != 1 {
		return nil, errors.New("has an answer that cannot be read")
	}
	return entries[0].Value, nil
}
