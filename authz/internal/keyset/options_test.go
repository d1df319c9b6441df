package keyset

import (
	"strings"
	"testing"
	"time"
)

func TestOptionsValidate(t *testing.T) {
	for _, o := range []Options{
		{URL: "https://issuer.example/keys"},
		{URL: "https://issuer.example:8443/keys?tenant=a"},
		{URL: "http://localhost:8080/keys"},
		{URL: "http://127.0.0.1/keys"},
		{URL: "http://[::1]:80/keys"},
		{URL: "http://issuer.example/keys", InsecureHTTP: true},
		{Discover: "https://issuer.example/"},
		{Discover: "https://issuer.example", Issuer: "https://issuer.example"},
		{URL: "https://10.0.0.1/keys"},
		{URL: "https://issuer.example/keys", Proxy: "http://user:password@10.0.0.1:3128"},
		{URL: "https://issuer.example/keys", Refresh: 48 * time.Hour / 2},
	} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	https := "https://issuer.example/keys"
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, "either a URL or an issuer"},
		{Options{URL: https, Discover: https}, "either a URL or an issuer"},
		{Options{URL: "issuer.example/keys"}, "is no URL"},
		{Options{URL: "https:///keys"}, "is no URL"},
		{Options{URL: "https:keys"}, "is no URL"},
		{Options{URL: "https://issuer.example/\x00"}, "is no URL"},
		{Options{URL: "ftp://issuer.example/keys"}, "write https"},
		{Options{URL: "file:///etc/passwd"}, "is no URL"},
		{Options{URL: "http://issuer.example/keys"}, "insecure_http"},
		{Options{URL: "http://localhost.issuer.example/keys"}, "insecure_http"},
		{Options{URL: "http://127.0.0.1.nip.example/keys"}, "insecure_http"},
		{Options{URL: "https://user:canary@issuer.example/keys"}, "user name or password"},
		{Options{URL: https + "#x"}, "fragment"},
		{Options{URL: "https://169.254.169.254/keys"}, "link-local"},
		{Options{URL: "https://[fe80::1]/keys"}, "link-local"},
		{Options{URL: "https://0.0.0.0/keys"}, "link-local"},
		{Options{URL: "https://10.0.0.1/keys", DenyPrivate: true}, "deny_private"},
		{Options{URL: "http://127.0.0.1/keys", DenyPrivate: true}, "deny_private"},
		{Options{Discover: "https://issuer.example/?x=1"}, "no query"},
		{Options{Discover: "https://issuer.example/", Issuer: "https://issuer.example"}, "leave issuer out"},
		{Options{URL: https, Refresh: time.Millisecond}, "refresh is 1ms"},
		{Options{URL: https, Refresh: -time.Second}, "refresh is -1s"},
		{Options{URL: https, Refresh: 25 * time.Hour}, "refresh is 25h"},
		{Options{URL: https, Cooldown: time.Millisecond}, "cooldown is 1ms"},
		{Options{URL: https, Cooldown: 2 * time.Hour}, "cooldown is 2h"},
		{Options{URL: https, MaxAge: time.Minute}, "max_age is 1m0s"},
		{Options{URL: https, Proxy: "proxy:3128"}, "proxy is no URL"},
		{Options{URL: https, Proxy: "ftp://proxy:3128"}, "proxy is no URL"},
		{Options{URL: https, CA: "/does/not/exist"}, "ca: "},
		{Options{URL: https, CA: "options_test.go"}, "holds no certificate"},
		{Options{URL: https, Cert: "x"}, "cert and key belong together"},
		{Options{URL: https, Cert: "/does/not/exist", Key: "/does/not/exist"}, "cert: "},
	} {
		err := tt.o.Validate()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.o, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Error("the error shows the password")
		}
	}
}

func TestSourceHidesTheQuery(t *testing.T) {
	if s := (Options{URL: "https://issuer.example/keys?secret=canary"}).source(); s != "jwks https://issuer.example/keys" {
		t.Errorf("source is %q", s)
	}
}
