package config

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"audiences", "issuers", "insecure_unmatched", "log", "level", "RS256", "ES256", "HS256"}
	for word, want := range map[string]string{
		"audience": "audiences", "Audiences": "audiences", "audinces": "audiences", "auidences": "audiences",
		"insecure-unmatched": "insecure_unmatched", "insecureUnmatched": "insecure_unmatched", "insecure unmatched": "insecure_unmatched",
		"lgo": "log", "rs256": "RS256", "RSA256": "RS256", "EC256": "ES256",
		"zzz": "", "": "", "x": "", "something else altogether": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"a", "", 1},
		{"", "ab", 2},
		{"abc", "abc", 0},
		{"abc", "acb", 1},
		{"abc", "ab", 1},
		{"kitten", "sitting", 3},
		{"policies", "polices", 1},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestRewriteDuration(t *testing.T) {
	for written, want := range map[string]string{
		"5 minutes": "5m", "5min": "5m", "1d": "24h", "1 week": "168h", "2 days": "48h", "60": "60s", "1.5 hours": "1h30m",
		"1 hour and 30 minutes": "1h30m", "1h, 30m": "1h30m", "250 ms": "250ms", "90 sec": "1m30s", "0": "0s",
		"soon": "", "-1s": "", "5 parsecs": "", "": "", "1e9 hours": "", "99999999999999999999 days": "",
	} {
		if got := rewriteDuration(written); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}

func TestRewriteSize(t *testing.T) {
	for written, want := range map[string]string{"64 MiB": "64MiB", "64m": "64MiB", "1G": "1GiB", "10 kb": "10KiB", "lots": "", "": ""} {
		if got := rewriteSize(written); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}
