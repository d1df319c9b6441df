package authz

import "testing"

func TestHostOf(t *testing.T) {
	tests := []struct {
		authority, want string
		ok              bool
	}{
		{"api.example.com", "api.example.com", true},
		{"API.Example.COM", "api.example.com", true},
		{"api.example.com:8443", "api.example.com", true},
		{"api.example.com:", "api.example.com", true},
		{"api.example.com.", "api.example.com", true},
		{"api.example.com.:80", "api.example.com", true},
		{"api.example.com..", "api.example.com.", true},
		{"[::1]", "[::1]", true},
		{"[2001:DB8::1]:443", "[2001:db8::1]", true},
		{"127.0.0.1:80", "127.0.0.1", true},
		{"", "", true},
		{"::1", "", false},
		{"[::1", "", false},
		{"[::1]x", "", false},
		{"[::1]:8x", "", false},
		{"a:80:90", "", false},
		{"a:http", "", false},
		{"a,b", "", false},
		{"a b", "", false},
		{"a\tb", "", false},
		{"a\x7fb", "", false},
		{"a\r\n", "", false},
		{"user@a", "", false},
		{"a/b", "", false},
		{"a?b", "", false},
		{`a\b`, "", false},
		{"\u212aelvin.example.com", "", false}, // the Kelvin sign, whose lower case is k
		{"m\u00fcnchen.example", "", false},
		{"a\xffb", "", false},
	}
	for _, tt := range tests {
		got, ok := hostOf(tt.authority)
		if got != tt.want || ok != tt.ok {
			t.Errorf("hostOf(%q) = %q, %v; want %q, %v", tt.authority, got, ok, tt.want, tt.ok)
		}
	}
}
