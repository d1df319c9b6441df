package authz

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCanStand(t *testing.T) {
	tests := []struct {
		text string
		want bool
	}{
		{"alice", true},
		{"a b", true},
		{"Zoë", true},
		{"日本", true},
		{"a\uff0db", true}, // only its low byte is a control
		{strings.Repeat("x", maxHeaderValue), true},
		{"", false},
		{" a", false},
		{"a ", false},
		{"\ta", false},
		{"a\tb", false},
		{"a\nb", false},
		{"a\r\nx: y", false},
		{"a\x00", false},
		{"a\x7fb", false},
		{"a\u0085b", false},
		{"a\u009bb", false},
		{"a\u2028b", false},
		{"a\u2029b", false},
		{"a\xffb", false},
		{"a\xed\xa0\x80b", false}, // a lone surrogate
		{strings.Repeat("x", maxHeaderValue+1), false},
	}
	for _, tt := range tests {
		if got := canStand(tt.text); got != tt.want {
			t.Errorf("canStand(%.20q) = %v", tt.text, got)
		}
	}
	if joinable("a,b") || !joinable("a") || joinable("") {
		t.Error("an element of a list must be readable as one")
	}
}

func FuzzCanStand(f *testing.F) {
	for _, seed := range []string{"alice", "a\r\nx-admin: true", "Zoë", "a\xff", "\u0085", " a "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := text != "" && len(text) <= maxHeaderValue && utf8.ValidString(text) &&
			!strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) &&
			strings.Trim(text, " \t") == text
		if got := canStand(text); got != want {
			t.Fatalf("canStand(%q) = %v; want %v", text, got, want)
		}
	})
}
