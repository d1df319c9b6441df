package authz

import (
	"strings"
	"testing"
)

func TestHostsFind(t *testing.T) {
	var h hosts
	for _, entry := range []string{
		"api.example.com /", "api.example.com /orders", "api.example.com /orders/archive",
		"*.example.com /", "*.eu.example.com /eu", "* /any/deep/path", "[::1] /six",
	} {
		host, path, _ := strings.Cut(entry, " ")
		if taken := h.add(host, path, &api{spec: APISpec{ID: entry}}); taken != nil {
			t.Fatalf("%s: taken by %s", entry, taken.spec.ID)
		}
	}
	tests := []struct{ host, path, want string }{
		{"api.example.com", "/orders", "api.example.com /orders"},
		{"api.example.com", "/orders/", "api.example.com /orders"},
		{"api.example.com", "/orders/7", "api.example.com /orders"},
		{"api.example.com", "/orders2", "api.example.com /"},
		{"api.example.com", "/orders/archive/1", "api.example.com /orders/archive"},
		{"api.example.com", "/orders/archives", "api.example.com /orders"},
		{"api.example.com", "/", "api.example.com /"},
		{"other.example.com", "/x", "*.example.com /"},
		{"a.b.example.com", "/x", "*.example.com /"},
		{"a.eu.example.com", "/eu/1", "*.eu.example.com /eu"},
		{"a.eu.example.com", "/us", ""}, // the more specific host decides alone
		{"example.com", "/any/deep/path", "* /any/deep/path"},
		{"example.com", "/any/deep", ""},
		{"example.com", "/any/deep/path/more", "* /any/deep/path"},
		{"", "/any/deep/path", "* /any/deep/path"},
		{".example.com", "/x", ""}, // no label in front of the suffix
		{"[::1]", "/six/7", "[::1] /six"},
		{"[::1]", "/sixty", ""},
	}
	for _, tt := range tests {
		got := ""
		if a := h.find(tt.host, tt.path); a != nil {
			got = a.spec.ID
		}
		if got != tt.want {
			t.Errorf("find(%q, %q) = %q; want %q", tt.host, tt.path, got, tt.want)
		}
	}
	if h.add("API.example.com", "/orders/", nil) != nil {
		t.Error("the index compares what compileMatch normalised, nothing else")
	}
	if taken := h.add("api.example.com", "/orders/", &api{}); taken == nil {
		t.Error("/orders/ is /orders: it must be taken")
	}
}

func TestCompileMatch(t *testing.T) {
	tests := []struct {
		host, path string
		problems   string
	}{
		{"api.example.com", "/orders", ""},
		{"*.example.com", "", ""},
		{"*", "/", ""},
		{"API.Example.com.", "/a", "/apis/0/match/0/host"},
		{"Api.Example.com", "/a%41", ""},
		{"api.example.com:443", "/", "/apis/0/match/0/host"},
		{"*example.com", "/", "/apis/0/match/0/host"},
		{"a.*.com", "/", "/apis/0/match/0/host"},
		{"*.*.com", "/", "/apis/0/match/0/host"},
		{"", "/", "/apis/0/match/0/host"},
		{"a b", "orders", "/apis/0/match/0/host /apis/0/match/0/path"},
		{"a", "/a//b", "/apis/0/match/0/path"},
		{"a", "/a?b", "/apis/0/match/0/path"},
		{"a", "/a/../b", "/apis/0/match/0/path"},
		{"a", "/{x}", "/apis/0/match/0/path"},
	}
	for _, tt := range tests {
		var p problems
		var h hosts
		compileMatch(&h, &api{spec: APISpec{Match: []MatchSpec{{Host: tt.host, Path: tt.path}}}}, "/apis/0", &p)
		var at []string
		for _, problem := range p.list {
			at = append(at, problem.At)
		}
		if got := strings.Join(at, " "); got != tt.problems {
			t.Errorf("%q %q: problems at %q; want %q", tt.host, tt.path, got, tt.problems)
		}
	}
}
