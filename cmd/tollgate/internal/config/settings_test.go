package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestSettingsRules are those of sections that this build may not have yet: with
// everything available they hold already.
func TestSettingsRules(t *testing.T) {
	for section, want := range map[string]string{
		`store: "memory:"`:      "",
		`store: file:.tollgate`: "",
		`store: {url: redis://localhost, username: u, password: env://HMAC}`: "",
		`store: redi://localhost`:                                            ":2:8: the scheme is none of memory, file, redis, rediss, redis+unix, redis+sentinel, redis+cluster: did you mean redis:?",
		`store: tollgate.db`:                                                 ":2:8: memory:, file:DIR",
		`store: "file:"`:                                                     ":2:8: store file: name a directory",
		`store: file:///var/lib/tollgate`:                                    ":2:8: ",
		`store: "redis:localhost"`:                                           ":2:8: store redis: two slashes",
		`store: redis://u:hunter2@localhost`:                                 ":2:8: warning: the store's URL has a password in it",
		`seal: {keys: [{id: a, key: "base64:AAAA"}]}`:                        ":2:28: ",
		`seal: {keys: [{id: a, key: env://SEAL}, {id: a, key: env://SEAL}]}`: ":2:46: two keys have the id \"a\": give each its own",
		`seal: {keys: [{id: a, key: env://SEAL}]}`:                           "",
		`seal: {keys: [{id: a, key: env://HMAC}]}`:                           ":2:28: ",
		`admin: {secret: env://SHORT}`:                                       ":2:17: the secret has less than 32 characters",
		`admin: {tokens: [{name: a, secret: env://SHORT, role: read}]}`:      ":2:36: the secret has less than 32 characters",
		`admin: {tokens: [{name: a, secret: env://HMAC, role: read}, {name: a, secret: env://HMAC, role: read}]}`: ":2:68: two tokens have the name",
		"listen: {admin: \"127.0.0.1:1\"}\nadmin: {mtls: [{san: a, role: read}]}":                                 ":3:15: client certificates need an authority",
		`listen: {admin: "127.0.0.1:1"}`:                                                                    ":2:17: env://TOLLGATE_ADMIN_SECRET is not set",
		`limits: {headers: [ietf, none]}`:                                                                   ":2:19: more than one kind of headers",
		`token_endpoints: [{path: token, upstream: "https://i.example/", api: x}]`:                          ":2:26: path begins without /",
		`token_endpoints: [{path: /t, upstream: nowhere, api: x}]`:                                          ":2:40: upstream is no URL",
		"apis: [{id: orders}]\ntoken_endpoints: [{path: /t, upstream: \"https://i.example/\", api: order}]": ":3:67: there is no API \"order\": did you mean orders?",
		`apis: [{id: a, keys: [{pem: orders.pem}]}]`:                                                        ":2:29: \"orders.pem\" is the name of a file, not its content: write file://orders.pem",
		`apis: [{id: a, keys: [{jwk: keys/orders.json}]}]`:                                                  ":2:29: \"keys/orders.json\" is the name of a file",
	} {
		dir := dirOf(t, map[string]string{"tollgate.yaml": "version: 1\n" + section + "\n"})
		l := &Loader{Path: filepath.Join(dir, "tollgate.yaml"), Env: env(
			"HMAC=a-secret-of-more-than-32-characters", "SHORT=short", "SEAL=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")}
		l.once.Do(l.prepare)
		one := newLoad(l)
		one.forms = available()
		one.read(t.Context())
		got := lines(inOrder(one.problems))
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: want %q, got\n%s", section, want, got)
		}
		if strings.Contains(got, "hunter2") {
			t.Errorf("a password is shown: %s", got)
		}
	}
}

// TestStoreAddress joins what stands beside the URL to it.
func TestStoreAddress(t *testing.T) {
	f, problems := decoded([]byte("version: 1\nstore: {url: \"redis://localhost\", username: u, password: p}\n"))
	for _, p := range problems {
		if p.kind != meaning {
			t.Fatal(p)
		}
	}
	a, err := f.Store.Address()
	if err != nil || a.Username != "u" || a.Password != "p" || a.Hosts[0] != "localhost:6379" {
		t.Errorf("%v, %v", a, err)
	}
}
