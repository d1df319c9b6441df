package authz

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIdentify(t *testing.T) {
	tests := []struct {
		name   string
		names  []string
		claims string
		tyk    bool
		want   string
		reason Reason
		text   string
	}{
		{name: "sub", claims: `{"sub":"s"}`, want: "s"},
		{name: "configured", names: []string{"uid"}, claims: `{"uid":"u","sub":"s"}`, want: "u"},
		{name: "first of several", names: []string{"a", "b"}, claims: `{"b":"x","sub":"s"}`, want: "x"},
		{name: "sub at last", names: []string{"a"}, claims: `{"sub":"s"}`, want: "s"},
		{name: "sub where it is listed", names: []string{"sub", "a"}, claims: `{"a":"x"}`, want: "x"},
		{name: "literal name first", names: []string{"user.id"}, claims: `{"user.id":"lit","user":{"id":"nest"}}`, want: "lit"},
		{name: "then the path", names: []string{"user.id"}, claims: `{"user":{"id":"nest"}}`, want: "nest"},
		{name: "a number is none", names: []string{"uid"}, claims: `{"uid":42,"sub":"s"}`, want: "s"},
		{name: "sub number", claims: `{"sub":42}`, reason: IdentityMissing},
		{name: "sub null", claims: `{"sub":null}`, reason: IdentityMissing},
		{name: "sub list", claims: `{"sub":["s"]}`, reason: IdentityMissing},
		{name: "none", claims: `{}`, reason: IdentityMissing},
		{name: "empty: the next", names: []string{"a", "b"}, claims: `{"a":"","b":"x"}`, want: "x"},
		{name: "blank: the next", names: []string{"a"}, claims: `{"a":" \t ","sub":"s"}`, want: "s"},
		{name: "all empty", claims: `{"sub":""}`, reason: IdentityMissing},
		{name: "empty is a denial in tyk", names: []string{"a", "b"}, claims: `{"a":"","b":"x"}`, tyk: true, reason: IdentityMissing, text: "found an empty user ID in predefined base claim, claim: a"},
		{name: "too long", names: []string{"a"}, claims: `{"a":"` + strings.Repeat("x", 1025) + `","sub":"s"}`, reason: IdentityMissing},
		{name: "longest", claims: `{"sub":"` + strings.Repeat("x", 1024) + `"}`, want: strings.Repeat("x", 1024)},
		{name: "controls", names: []string{"a"}, claims: `{"a":"x\n","sub":"s"}`, reason: IdentityMissing},
		{name: "a dotted name", claims: `{"sub":"a.b@c"}`, want: "a.b@c"},
	}
	for _, tt := range tests {
		var p problems
		a := &api{spec: APISpec{Identity: tt.names}}
		a.compileIdentity("", &p)
		got, why := identify(object(t, tt.claims), a.identity, tt.tyk)
		if got != tt.want || reasonOf(why) != tt.reason {
			t.Errorf("%s: %q, %q; want %q, %q", tt.name, got, reasonOf(why), tt.want, tt.reason)
		}
		if tt.text != "" && why.tyk != tt.text {
			t.Errorf("%s: %q; want %q", tt.name, why.tyk, tt.text)
		}
	}
}

// TestSessionIDsNeverMeet: S-044. Different parts never give one id, wherever the
// borders between them lie.
func TestSessionIDsNeverMeet(t *testing.T) {
	kind := rapid.SampledFrom([]CredentialKind{KindToken, KindCredential})
	part := rapid.SampledFrom([]string{"", "a", "b", "ab", "a:b", "token", "\x00\x00", "tokena"})
	rapid.Check(t, func(t *rapid.T) {
		type parts struct {
			org      string
			kind     CredentialKind
			iss, sub string
		}
		draw := func(n string) parts {
			return parts{part.Draw(t, "org"+n), kind.Draw(t, "kind"+n), part.Draw(t, "iss"+n), part.Draw(t, "sub"+n)}
		}
		a, b := draw("1"), draw("2")
		x, y := sessionID(a.org, a.kind, a.iss, a.sub), sessionID(b.org, b.kind, b.iss, b.sub)
		if (a == b) != (x == y) {
			t.Fatalf("%v and %v: %s and %s", a, b, x, y)
		}
	})
	if sessionID("", KindSplit, "i", "s") != sessionID("", KindToken, "i", "s") {
		t.Error("a split token counts as the token that it is")
	}
	const want = 64
	if got := sessionID("org", KindToken, "iss", "sub"); len(got) != want {
		t.Errorf("%d characters; want %d", len(got), want)
	}
}
