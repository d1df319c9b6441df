package main

import (
	"errors"
	"strings"
	"testing"
)

func TestQuestionKeepsTheTarget(t *testing.T) {
	tests := []struct{ url, host, target string }{
		{"http://api.example.com/a/%2f/b?x=1&&y", "api.example.com", "/a/%2f/b?x=1&&y"},
		{"https://api.example.com:8443", "api.example.com:8443", "/"},
		{"http://api.example.com?x=1", "api.example.com", "/?x=1"},
		{"http://api.example.com//admin", "api.example.com", "//admin"},
		{"http://[::1]:80/a", "[::1]:80", "/a"},
	}
	for _, test := range tests {
		q, err := newQuestion("GET", test.url, nil)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		if line := q.Line(); line.Host != test.host || line.Target != test.target {
			t.Errorf("%s: host %q, target %q", test.url, line.Host, line.Target)
		}
	}
}

func TestQuestionCountsHeaderLines(t *testing.T) {
	q, err := newQuestion("GET", "http://h/", []string{"A: 1", "a:2", "B:  x y ", "Host: other"})
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := q.Header("a", 1); v != "2" || !ok {
		t.Errorf("second line of a is %q, %v", v, ok)
	}
	if _, ok := q.Header("a", 2); ok {
		t.Error("there is no third line of a")
	}
	if v, _ := q.Header("b", 0); v != "x y" {
		t.Errorf("b is %q", v)
	}
	if host := q.Line().Host; host != "other" {
		t.Errorf("host is %q", host)
	}
}

func TestQuestionRefusesWithoutRepeating(t *testing.T) {
	for _, ask := range []struct{ url, header string }{
		{"api.example.com/a?token=canary", "a: b"},
		{"ftp://h/", "a: b"},
		{"http://h/", "Bearer canary"},
	} {
		_, err := newQuestion("GET", ask.url, []string{ask.header})
		e, ok := errors.AsType[*exit](err)
		if !ok || e.code != exitUsage {
			t.Errorf("%q %q: %v", ask.url, ask.header, err)
		} else if strings.Contains(err.Error(), "canary") {
			t.Error("the error repeats what may be a token")
		}
	}
}
