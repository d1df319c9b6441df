package demo

import (
	"encoding/json"
	"strings"
)

// configurationText is what the gate of the demo runs on. docker-compose.yml has
// the same APIs and policies, so that one tour fits both.
const configurationText = `# The configuration of tollgate demo.
version: 1
listen:
  check: 127.0.0.1:0
  public: 127.0.0.1:0
  admin: 127.0.0.1:0
drain: {delay: 0s, timeout: 5s}
store: {url: STORE, timeout: 2s}
admin: {secret: file://admin.token}
limits: {trusted_hops: 1}
apis:
  - id: orders
    name: Orders
    match: [{host: "*", path: /orders}]
    public: [{methods: [GET], path: /orders/health}]
    keys:
      - {jwks: KEYS, issuer: ISSUER}
      - {credentials: true}
    claims: {audiences: [orders]}
    policies: {claims: [pol], default: [reader]}
    split: allowed
token_endpoints:
  - {path: /token, upstream: TOKENS, api: orders}
policies:
  - id: reader
    access:
      orders:
        allow:
          - {methods: [GET], path: /orders/**}
          - {methods: [POST], path: /orders, require_scopes: ["orders:write"]}
  - id: slow
    rate: {requests: 2, per: 10m}
    access: {orders: {allow: all}}
  - id: trial
    quota: {requests: 3, per: 24h}
    access: {orders: {allow: all}}
`

// configuration fills in where the keys are, whose they are, and the directory of
// the embedded store.
func configuration(issuer *Issuer, state string) string {
	return strings.NewReplacer(
		"STORE", quote("file:"+state), "KEYS", quote(issuer.KeysURL()), "ISSUER", quote(issuer.Name()), "TOKENS", quote(issuer.TokenURL()),
	).Replace(configurationText)
}

// quote writes a YAML scalar: JSON strings are YAML.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""` // a string always has a JSON form
	}
	return string(quoted)
}
