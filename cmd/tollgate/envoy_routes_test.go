package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// checkedRoutes gives "host prefix api_id" of every route.
func checkedRoutes(t *testing.T, bootstrap []byte) []string {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(bootstrap, &tree); err != nil {
		t.Fatal(err)
	}
	var routes []string
	eachObject(tree, func(object map[string]any) {
		domains, ok := object["domains"].([]any)
		if !ok {
			return
		}
		for _, route := range object["routes"].([]any) {
			match := route.(map[string]any)["match"].(map[string]any)
			line := domains[0].(string)
			for _, key := range []string{"prefix", "path_separated_prefix"} {
				if prefix, ok := match[key].(string); ok {
					line += " " + prefix
				}
			}
			eachObject(route, func(object map[string]any) {
				if api, ok := object["api_id"].(string); ok {
					line += " " + api
				}
			})
			routes = append(routes, line)
		}
	})
	return routes
}

// TestInactiveAPIsKeepTheirRoutes: an API that is switched off, or that Tyk protects
// in another way, keeps its host and its paths. Without routes of its own its
// requests would take the route of a wider API, and be decided as that one's.
func TestInactiveAPIsKeepTheirRoutes(t *testing.T) {
	const file = `version: 1
listen: {check: {address: "0.0.0.0:9191", insecure_plaintext: true}}
apis:
  - {id: shop, match: [{host: api.example.com, path: /}, {host: "*", path: /}], keys: &keys [{secret: file://secret, issuer: any}], claims: &claims {audiences: [a]}, policies: &policies {default: [all]}}
  - {id: old, active: false, match: [{host: api.example.com, path: /old}, {host: old.example.com, path: /}], keys: *keys, claims: *claims, policies: *policies}
policies: [{id: all, access: {shop: {allow: all}}}]
`
	want := []string{"api.example.com /old old", "api.example.com / shop", "* / shop", "old.example.com / old"}
	out, _ := printed(t, file, "edge")
	if diff := cmp.Diff(want, checkedRoutes(t, out)); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

// TestEscapedPathsLeaveTheChoiceToTollgate: Envoy compares paths letter by letter, and
// an escape has more than one spelling. On such a host no route names an API.
func TestEscapedPathsLeaveTheChoiceToTollgate(t *testing.T) {
	const file = `version: 1
listen: {check: {address: "0.0.0.0:9191", insecure_plaintext: true}}
apis:
  - {id: shop, match: [{host: api.example.com, path: /}, {host: "*", path: /}], keys: &keys [{secret: file://secret, issuer: any}], claims: &claims {audiences: [a]}, policies: &policies {default: [all]}}
  - {id: cafe, match: [{host: API.example.com, path: /caf%C3%A9}], keys: *keys, claims: *claims, policies: *policies}
policies: [{id: all, access: {shop: {allow: all}}}]
`
	want := []string{"api.example.com /caf%C3%A9", "api.example.com /", "* / shop"}
	out, _ := printed(t, file, "edge")
	if diff := cmp.Diff(want, checkedRoutes(t, out)); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}
