package service

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// A store's user and password, from files or as they stand, reach the server.
func TestStoreCredentialsReachTheServer(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t), "--user", "gate", "on", ">of-the-gate", "~*", "&*", "+@all")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"password":   "of-the-gate\n",
		"named.yaml": "version: 1\nstore: {url: \"" + r.URL() + "\", username: gate, password: file://password, timeout: 10s}\napis: []\n",
		"wrong.yaml": "version: 1\nstore: {url: \"" + r.URL() + "\", username: gate, password: of-nobody, timeout: 10s}\napis: []\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, works := range map[string]bool{"named.yaml": true, "wrong.yaml": false} {
		t.Run(name, func(t *testing.T) {
			engine := Checker(time.Now)
			defer engine.Close()
			loader := &config.Loader{Path: filepath.Join(dir, name), Check: engine.Check, Now: time.Now}
			c, problems := loader.Load(t.Context())
			if config.Broken(problems) {
				t.Fatal(problems)
			}
			s, err := OpenStorage(c, StorageOptions{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // the end of the test
			_, err = s.Put(t.Context(), store.Key{Kind: store.KindSplit, ID: name}, []byte("v"), store.Write{})
			if works != (err == nil) {
				t.Errorf("put: %v", err)
			}
		})
	}
}
