package service

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tollgate-authz/tollgate/store/storetest"
)

// A dump of a shared store shows neither secrets nor ids.
func TestRedisDumpShowsNothing(t *testing.T) {
	server := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := running(t, keyedFolder(t, server.URL(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), io.Discard)
	const id, secret = "an-id-that-nobody-else-has", "a-secret-that-nobody-else-has-0123456789"
	s.must(t, "POST", "/tyk/keys/"+id, fmt.Sprintf(`{"apply_policies":["basic"],"alias":"an-alias-of-theirs","jwt_data":{"secret":%q}}`, secret))
	token := signed(t, secret, id, nil)
	if !s.opens(t, token) {
		t.Fatal("the key does not open")
	}
	at, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "redis-cli", append([]string{"-h", at.Hostname(), "-p", at.Port()}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("redis-cli %v: %v %s", args, err, out)
		}
	}
	ask("CONFIG", "SET", "rdbcompression", "no") // nothing may hide in it
	path := filepath.Join(t.TempDir(), "dump.rdb")
	ask("--rdb", path)
	dump, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(dump, []byte("tollgate")) {
		t.Fatalf("no dump: %d bytes, %v", len(dump), err)
	}
	for _, text := range []string{id, secret, "an-alias-of-theirs", "basic", token} {
		if bytes.Contains(dump, []byte(text)) {
			t.Error("the dump shows what it should hide")
		}
	}
}
