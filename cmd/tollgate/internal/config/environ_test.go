package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSettings: every scalar that is in no list has a variable, but for the
// secret of admin.
func TestSettings(t *testing.T) {
	var names []string
	for _, s := range Settings() {
		names = append(names, s.Env)
		if s.Flag != strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(s.Env, "TOLLGATE_"), "_", "-")) {
			t.Errorf("%s has the flag %s", s.Env, s.Flag)
		}
	}
	for _, want := range []string{
		"TOLLGATE_VERSION", "TOLLGATE_LISTEN_CHECK", "TOLLGATE_LISTEN_CHECK_ADDRESS", "TOLLGATE_LISTEN_CHECK_TLS_CERT",
		"TOLLGATE_LISTEN_METRICS_INSECURE_PLAINTEXT", "TOLLGATE_STORE", "TOLLGATE_STORE_URL", "TOLLGATE_STORE_PASSWORD", "TOLLGATE_LOG_LEVEL",
		"TOLLGATE_TOKEN_MAX_BYTES", "TOLLGATE_CACHE_TOKENS", "TOLLGATE_DRAIN_DELAY", "TOLLGATE_ANSWERS_RESOURCE_METADATA",
		"TOLLGATE_INSECURE_UNMATCHED", "TOLLGATE_REVOCATION_ON_STALE_PLAIN", "TOLLGATE_TYK_HASH_KEY_FUNCTION",
		"TOLLGATE_LIMITS_ON_STORE_FAILURE", "TOLLGATE_LIMITS_ON_STORE_FAILURE_RATE", "TOLLGATE_LIMITS_TRUSTED_HOPS",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s", want)
		}
	}
	for _, name := range names {
		if strings.Contains(name, "ADMIN_SECRET") || strings.Contains(name, "APIS") || strings.Contains(name, "SEAL") {
			t.Errorf("%s is in a list, or a secret of admin", name)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(Settings()) {
		t.Error("two settings have one variable")
	}
}

// TestPrecedence: flag over variable over file, for each type.
func TestPrecedence(t *testing.T) {
	dir := dirOf(t, map[string]string{"tollgate.yaml": `version: 1
listen: {check: {address: "127.0.0.1:1", insecure_plaintext: true}, metrics: "127.0.0.1:2"}
log: {level: info, allow_sample: 0.5}
drain: {delay: 1s, timeout: 1s}
cache: {tokens: 1MiB}
token: {max_bytes: 1000}
answers: {realm: of the file}
`})
	l := loaderOf(filepath.Join(dir, "tollgate.yaml"))
	l.Env = env("TOLLGATE_LISTEN_CHECK=127.0.0.1:3", "TOLLGATE_LISTEN_METRICS=", "TOLLGATE_LOG_LEVEL=debug", "TOLLGATE_LOG_ALLOW_SAMPLE=1",
		"TOLLGATE_DRAIN_DELAY=2s", "TOLLGATE_DRAIN_TIMEOUT=2s", "TOLLGATE_CACHE_TOKENS=2MiB", "TOLLGATE_TOKEN_MAX_BYTES=2000",
		"TOLLGATE_ANSWERS_REALM=env://REALM", "REALM=of a variable", "TOLLGATE_LISTEN_CHECK_INSECURE_PLAINTEXT=false",
		"TOLLGATE_NOT_A_SETTING=x", "TOLLGATE_ADMIN_SECRET=ignored")
	l.Flags = map[string]string{"drain-timeout": "3s", "token-max-bytes": "3000"}
	c, problems := l.Load(t.Context())
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	got := fmt.Sprint(c.Listen.Check.Address, c.Listen.Check.InsecurePlaintext, c.Listen.Metrics.IsOff(), c.Log.Level, c.Log.AllowSample,
		c.Drain.Delay, c.Drain.Timeout, c.Cache.Tokens, c.Token.MaxBytes, c.Spec.Token.MaxBytes, c.Answers.Realm.Text())
	want := fmt.Sprint("127.0.0.1:3", false, true, "debug", 1.0, Duration(2*time.Second), Duration(3*time.Second), 2<<20, 3000, 3000, "of a variable")
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestEnvironmentProblems: what is wrong with a variable or flag names it.
func TestEnvironmentProblems(t *testing.T) {
	dir := dirOf(t, map[string]string{"tollgate.yaml": "version: 1\nlisten: {check: \"127.0.0.1:1\"}\n"})
	for name, c := range map[string]struct {
		env   []string
		flags map[string]string
		want  string
	}{
		"word":        {[]string{"TOLLGATE_LOG_LEVEL=warning"}, nil, "TOLLGATE_LOG_LEVEL: level cannot be \"warning\": did you mean warn?"},
		"duration":    {[]string{"TOLLGATE_DRAIN_DELAY=5 minutes"}, nil, "TOLLGATE_DRAIN_DELAY: delay wants a duration, not the text \"5 minutes\": write 5m"},
		"boolean":     {[]string{"TOLLGATE_LISTEN_CHECK_INSECURE_PLAINTEXT=yes"}, nil, "TOLLGATE_LISTEN_CHECK_INSECURE_PLAINTEXT: insecure_plaintext wants true or false, not the text \"yes\": write true"},
		"number":      {[]string{"TOLLGATE_LOG_ALLOW_SAMPLE=half"}, nil, "TOLLGATE_LOG_ALLOW_SAMPLE: allow_sample wants a number, not the text \"half\": write a number"},
		"bound":       {[]string{"TOLLGATE_LOG_ALLOW_SAMPLE=2"}, nil, "TOLLGATE_LOG_ALLOW_SAMPLE: allow_sample is more than 1: write 1 or less"},
		"version":     {[]string{"TOLLGATE_VERSION=2"}, nil, "TOLLGATE_VERSION: version cannot be 2: write 1"},
		"empty":       {[]string{"TOLLGATE_DRAIN_DELAY="}, nil, "TOLLGATE_DRAIN_DELAY: delay wants a duration, not the text \"\": write a duration such as 5m"},
		"flag":        {nil, map[string]string{"log-level": "loud"}, "--log-level: level cannot be \"loud\": write debug or info or warn or error"},
		"listener":    {[]string{"TOLLGATE_LISTEN_CHECK=0.0.0.0:9191"}, nil, "TOLLGATE_LISTEN_CHECK: 0.0.0.0:9191 is not loopback"},
		"reference":   {[]string{"TOLLGATE_ANSWERS_REALM=env://NOWHERE"}, nil, "TOLLGATE_ANSWERS_REALM: env://NOWHERE is not set"},
		"engine":      {[]string{"TOLLGATE_ANSWERS_REALM=\x01"}, nil, "TOLLGATE_ANSWERS_REALM: realm"},
		"certificate": {[]string{"TOLLGATE_LISTEN_CHECK_TLS_CERT=nowhere.pem", "TOLLGATE_LISTEN_CHECK_TLS_KEY=nowhere.key"}, nil, "TOLLGATE_LISTEN_CHECK_TLS_CERT: nowhere.pem does not exist"},
		"no key":      {[]string{"TOLLGATE_LISTEN_CHECK_TLS_CERT=nowhere.pem"}, nil, "cert stands without key"},
		"not yet":     {[]string{"TOLLGATE_LIMITS_MODE=leased"}, nil, "TOLLGATE_LIMITS_MODE: mode: leased is not available yet"},
		"store":       {[]string{"TOLLGATE_STORE=redi://localhost"}, nil, "TOLLGATE_STORE: the scheme is none of memory, file, redis"},
		"both":        {[]string{"TOLLGATE_LIMITS_ON_STORE_FAILURE=denied"}, nil, "TOLLGATE_LIMITS_ON_STORE_FAILURE: on_store_failure cannot be \"denied\": write local_share"},
	} {
		l := loaderOf(filepath.Join(dir, "tollgate.yaml"))
		l.Env, l.Flags = env(c.env...), c.flags
		_, problems := l.Load(t.Context())
		if got := lines(problems); !Broken(problems) || !strings.Contains(got, c.want) {
			t.Errorf("%s: no %q in\n%s", name, c.want, got)
		}
	}
}

// TestPathsOfVariables are relative to the working directory, those of the file
// to the file.
func TestPathsOfVariables(t *testing.T) {
	dir := dirOf(t, map[string]string{"tollgate.yaml": "version: 1\n"})
	l := loaderOf(filepath.Join(dir, "tollgate.yaml"))
	l.Env = env("TOLLGATE_ANSWERS_REALM=file://testdata/good/minimal.yaml")
	c, problems := l.Load(t.Context())
	if len(problems) > 0 || c.Answers.Realm.Text() != "version: 1" {
		t.Errorf("%q\n%s", c.Answers.Realm.Text(), lines(problems))
	}
	if got, err := c.Store.Address(); err != nil || got.Path != filepath.Join(dir, ".tollgate") {
		t.Errorf("the store is in %s", got)
	}
	l = loaderOf(filepath.Join(dir, "tollgate.yaml"))
	l.Env = env("TOLLGATE_STORE=file:data")
	c, _ = l.Load(t.Context())
	if got, err := c.Store.Address(); err != nil || got.Path != "data" {
		t.Errorf("the store is in %s", got)
	}
}
