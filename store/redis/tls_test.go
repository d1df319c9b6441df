package redis_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// leastRights is the ACL rule of docs/stores.md.
const leastRights = "user tollgate on >tollgate-password resetchannels ~tollgate:* -@all " +
	"+ping +hello +auth +select +get +set +del +exists +mget +eval +evalsha +time " +
	"+zadd +zrem +zrangebylex +zrangebyscore +xadd +xread +xrange +xrevrange " +
	"+info +config|get +cluster|slots +cluster|shards +asking"

// TestDocsNameTheRights: what the docs tell operators is what is tested.
func TestDocsNameTheRights(t *testing.T) {
	docs, err := os.ReadFile("../../docs/stores.md")
	if err != nil {
		t.Fatal(err)
	}
	if rule := strings.Replace(leastRights, "tollgate-password", "PASSWORD", 1); !strings.Contains(string(docs), "\n"+rule+"\n") {
		t.Errorf("docs/stores.md does not have the rule\n%s", rule)
	}
}

func secure(r *storetest.Redis) func(*redis.Options) {
	c := r.Certificates()
	return func(o *redis.Options) { o.TLS = redis.TLS{CA: c.CA, Cert: c.ClientCert, Key: c.ClientKey} }
}

func secureURL(r *storetest.Redis) string {
	return strings.Replace(r.URL(), "redis://", "rediss://tollgate:tollgate-password@", 1)
}

// TestLeastRights runs every rule as a user with the rights that the docs name,
// over TLS with a certificate of our own.
func TestLeastRights(t *testing.T) {
	r := storetest.StartRedisTLS(t, storetest.RedisBinary(t), leastRights)
	storetest.Run(t, storetest.Subject{
		Open: func(t *testing.T) store.Backend {
			r.Do(t, "FLUSHALL")
			return open(t, secureURL(r), secure(r))
		},
	})
	s := open(t, secureURL(r), secure(r))
	findings, err := s.Check(t.Context())
	if err != nil {
		t.Errorf("check: %v", err)
	}
	for _, f := range findings {
		if strings.Contains(f.Text, "NOPERM") {
			t.Errorf("check: %s", f.Text)
		}
	}
	other := open(t, secureURL(r), secure(r), func(o *redis.Options) { o.Prefix = "other" })
	if _, err := other.Get(t.Context(), cred("a")); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("a key of others: %v", err)
	}
}

func TestTLSRefuses(t *testing.T) {
	r := storetest.StartRedisTLS(t, storetest.RedisBinary(t), leastRights)
	others := storetest.MakeCertificates(t)
	ours := r.Certificates()
	cases := map[string]struct {
		tls  redis.TLS
		want string
	}{
		"an authority of others":   {redis.TLS{CA: others.CA, Cert: ours.ClientCert, Key: ours.ClientKey}, "certificate"},
		"the system's authorities": {redis.TLS{Cert: ours.ClientCert, Key: ours.ClientKey}, "certificate"},
		"no client certificate":    {redis.TLS{CA: ours.CA}, ""},
		"others' certificate":      {redis.TLS{CA: ours.CA, Cert: others.ClientCert, Key: others.ClientKey}, ""},
		"another name":             {redis.TLS{CA: ours.CA, Cert: ours.ClientCert, Key: ours.ClientKey, ServerName: "redis.example"}, "redis.example"},
		"no such file":             {redis.TLS{CA: ours.CA + ".gone"}, "no such file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := open(t, secureURL(r), func(o *redis.Options) { o.TLS = c.tls })
			err := s.Ping(t.Context())
			if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	if s := open(t, r.URL()); s.Ping(t.Context()) == nil {
		t.Error("answers without TLS")
	}
}

// TestTLSFilesChange exchanges the files under a store that could not connect.
func TestTLSFilesChange(t *testing.T) {
	r := storetest.StartRedisTLS(t, storetest.RedisBinary(t), leastRights)
	others, ours := storetest.MakeCertificates(t), r.Certificates()
	s := open(t, secureURL(r), func(o *redis.Options) {
		o.TLS = redis.TLS{CA: others.CA, Cert: others.ClientCert, Key: others.ClientKey}
	})
	if s.Ping(t.Context()) == nil {
		t.Fatal("answers to an authority of others")
	}
	for from, to := range map[string]string{ours.CA: others.CA, ours.ClientCert: others.ClientCert, ours.ClientKey: others.ClientKey} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Eventually(t, recovery, func() error { return s.Ping(t.Context()) })
}

func TestOptionsRefused(t *testing.T) {
	address := func(url string) store.Address {
		a, err := store.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, o := range map[string]redis.Options{
		"certificates without TLS": {Address: address("redis://h"), TLS: redis.TLS{CA: "ca.pem"}},
		"cert without key":         {Address: address("rediss://h"), TLS: redis.TLS{Cert: "c.pem"}},
		"too impatient":            {Address: address("redis://h"), Timeout: 1},
		"too patient":              {Address: address("redis://h"), Timeout: 1 << 40},
		"no Redis":                 {Address: address("memory:")},
		"a prefix with braces":     {Address: address("redis://h"), Prefix: "a{b}"},
	} {
		if s, err := redis.Open(o); err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		}
	}
}
