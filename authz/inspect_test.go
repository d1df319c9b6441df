package authz

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestInspect(t *testing.T) {
	token := keys()["HS256"].sign(`{"sub":"alice","exp":4102444800}`, map[string]any{"kid": "k1"})
	got, err := Inspect(token)
	if err != nil {
		t.Fatal(err)
	}
	if got.Alg != "HS256" || got.Kid != "k1" || got.Typ != "JWT" || string(got.Claims) != `{"sub":"alice","exp":4102444800}` || !strings.Contains(string(got.Header), `"kid":"k1"`) {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{"", "a.b.c", token + "=", strings.Repeat("A", 2<<20)} {
		if _, err := Inspect(bad); err == nil || len(bad) > 5 && strings.Contains(err.Error(), bad[:5]) {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
}

func TestEngineInspect(t *testing.T) {
	e := engine(t, standard(onAPI(func(a *APISpec) { a.Policies.Default = nil })))
	key := keys()["HS256"]
	tests := []struct {
		name, api, token string
		at               time.Time
		want             Reason
	}{
		{name: "good", api: "orders", token: key.sign(good())}, // policies are no question of the token
		{name: "later", api: "orders", token: key.sign(good()), at: noon().Add(2 * time.Hour), want: TokenExpired},
		{name: "another key", api: "orders", token: (&signer{alg: "HS256", secret: []byte(strings.Repeat("x", 32))}).sign(good()), want: SignatureInvalid},
		{name: "no token", api: "orders", token: "x", want: TokenMalformed},
		{name: "no api", api: "x", token: key.sign(good()), want: APIUnknown},
		{name: "nobody", api: "orders", token: key.sign(good(claims{"sub": nil})), want: IdentityMissing},
	}
	for _, tt := range tests {
		got := e.Inspect(context.Background(), tt.api, tt.token, tt.at)
		if got.Reason != tt.want || (got.Text == "") != (tt.want == "") {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
