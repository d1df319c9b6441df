package seal_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/store/seal"
)

func key(tb testing.TB, id string, fill byte) seal.Key {
	tb.Helper()
	k, err := seal.ParseKey(id, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, seal.KeySize)))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func ring(tb testing.TB, keys ...seal.Key) *seal.Keyring {
	tb.Helper()
	r, err := seal.New(keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestSealOpen(t *testing.T) {
	r := ring(t, key(t, "k", 1))
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		b := seal.Binding{Kind: rapid.String().Draw(t, "kind"), ID: rapid.String().Draw(t, "id"), Version: rapid.Uint64().Draw(t, "version")}
		sealed := r.Seal(b, plain)
		if len(plain) > 3 && bytes.Contains(sealed, plain) {
			t.Fatal("the plain text shows")
		}
		got, err := r.Open(b, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%x (%v)", got, err)
		}
		if bytes.Equal(sealed, r.Seal(b, plain)) {
			t.Fatal("sealed twice alike")
		}
	})
}

// TestBoundToItsRecord moves a sealed value to other records, and changes each
// bit of it.
func TestBoundToItsRecord(t *testing.T) {
	r := ring(t, key(t, "k", 1))
	b := seal.Binding{Kind: "cred", ID: "ab", Version: 7}
	sealed := r.Seal(b, []byte("secret"))
	for _, other := range []seal.Binding{
		{Kind: "cred", ID: "ab", Version: 8},
		{Kind: "cred", ID: "a", Version: 7},
		{Kind: "creda", ID: "b", Version: 7},
		{Kind: "", ID: "credab", Version: 7},
		{},
	} {
		if _, err := r.Open(other, sealed); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("opened as %+v: %v", other, err)
		}
	}
	for i := range len(sealed) * 8 {
		changed := bytes.Clone(sealed)
		changed[i/8] ^= 1 << (i % 8)
		if _, err := r.Open(b, changed); !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrUnknownKey) {
			t.Errorf("bit %d changed: %v", i, err)
		}
	}
	for n := range sealed {
		if _, err := r.Open(b, sealed[:n]); err == nil {
			t.Errorf("opened from %d of %d bytes", n, len(sealed))
		}
	}
}

func TestRotation(t *testing.T) {
	old, next := key(t, "old", 1), key(t, "next", 2)
	before, during, after := ring(t, old), ring(t, next, old), ring(t, next)
	b := seal.Binding{Kind: "cred", ID: "x"}
	sealed := before.Seal(b, []byte("v"))
	if got, err := during.Open(b, sealed); err != nil || string(got) != "v" {
		t.Errorf("with the old key kept: %q, %v", got, err)
	}
	if during.Current(sealed) || !before.Current(sealed) || !during.Current(during.Seal(b, nil)) || during.Current([]byte("x")) {
		t.Error("Current does not tell what the first key has sealed")
	}
	if _, err := after.Open(b, sealed); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("with the old key taken away: %v", err)
	}
	// The name of a key is for people: renaming changes nothing.
	if _, err := ring(t, key(t, "renamed", 1)).Open(b, sealed); err != nil {
		t.Errorf("with the key renamed: %v", err)
	}
	ids := slices.Collect(during.IDs("cred", "a", "b"))
	if len(ids) != 2 || ids[0] != during.ID("cred", "a", "b") || ids[0] != after.ID("cred", "a", "b") || ids[1] != before.ID("cred", "a", "b") {
		t.Errorf("ids %q", ids)
	}
	var looked []seal.Derived
	for d := range during.Derivations("split", []byte("half")) {
		looked = append(looked, d)
	}
	if len(looked) != 2 || looked[0].Key("l") != after.Derive("split", []byte("half")).Key("l") ||
		looked[1].Key("l") != before.Derive("split", []byte("half")).Key("l") {
		t.Error("derivations are not those of the two keys in order")
	}
}

func TestIDsAreFramedAndKeyed(t *testing.T) {
	r := ring(t, key(t, "k", 1))
	seen := map[string]string{}
	for _, parts := range [][]string{{"a", "b:c"}, {"a:b", "c"}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {}, {""}, {"", ""}} {
		for _, kind := range []string{"cred", "rev"} {
			id := r.ID(kind, parts...)
			name := fmt.Sprintf("%s%q", kind, parts)
			if other, ok := seen[id]; ok {
				t.Errorf("%s and %s have one id", other, name)
			}
			if len(id) != seal.IDSize {
				t.Errorf("%s: %d bytes", name, len(id))
			}
			seen[id] = name
		}
	}
	if ring(t, key(t, "k", 2)).ID("cred", "a") == r.ID("cred", "a") {
		t.Error("two keys, one id")
	}
}

// TestDeriveIsHKDF compares with crypto/hkdf, and pins the values: they are in
// stores.
func TestDeriveIsHKDF(t *testing.T) {
	r := ring(t, key(t, "k", 1))
	material := bytes.Repeat([]byte{1}, seal.KeySize)
	pepper, err := hkdf.Expand(sha256.New, material, "tollgate seal 1 pepper", 32)
	if err != nil {
		t.Fatal(err)
	}
	prk, err := hkdf.Extract(sha256.New, []byte("signature"), append(pepper, "split"...))
	if err != nil {
		t.Fatal(err)
	}
	want, err := hkdf.Expand(sha256.New, prk, "lookup 1", 32)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Derive("split", []byte("signature")).Key("lookup 1")
	if !bytes.Equal(got[:], want) {
		t.Errorf("%x, want %x", got, want)
	}
	const pinnedKey, pinnedID = "853347094668dff58777749ea12be1610932278fd6db51fb31c992d7dcb76dd2", "07817dc2d55cd36197b2fd79dc241c66"
	if text := fmt.Sprintf("%x", got); text != pinnedKey {
		t.Errorf("derived key %s, was %s: what is stored can no longer be found", text, pinnedKey)
	}
	if text := fmt.Sprintf("%x", r.ID("cred", "a", "b")); text != pinnedID {
		t.Errorf("id %s, was %s: what is stored can no longer be found", text, pinnedID)
	}
}

// TestOpensWhatWasStored opens a value of the first version of this package.
func TestOpensWhatWasStored(t *testing.T) {
	sealed, err := base64.StdEncoding.DecodeString("Aey1c7Qj9wzaRzxSQ3zMuWRDG8CSnja7u+rVwHr3oSga5v9cSw==")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ring(t, key(t, "k", 1)).Open(seal.Binding{Kind: "cred", ID: "x", Version: 3}, sealed)
	if err != nil || string(got) != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDerivedSeals(t *testing.T) {
	r := ring(t, key(t, "k", 1))
	d := r.Derive("split", []byte("half"))
	sealed, err := d.Seal("seal 1", []byte("claims"), []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Open("seal 1", sealed, []byte("data")); err != nil || string(got) != "claims" {
		t.Errorf("%q, %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another half":    func() ([]byte, error) { return r.Derive("split", []byte("fla")).Open("seal 1", sealed, []byte("data")) },
		"another purpose": func() ([]byte, error) { return r.Derive("spli", []byte("half")).Open("seal 1", sealed, []byte("data")) },
		"another label":   func() ([]byte, error) { return d.Open("seal 2", sealed, []byte("data")) },
		"other data":      func() ([]byte, error) { return d.Open("seal 1", sealed, []byte("atad")) },
		"another key": func() ([]byte, error) {
			return ring(t, key(t, "k", 2)).Derive("split", []byte("half")).Open("seal 1", sealed, []byte("data"))
		},
		"a part":  func() ([]byte, error) { return d.Open("seal 1", sealed[:20], []byte("data")) },
		"nothing": func() ([]byte, error) { return d.Open("seal 1", nil, nil) },
	} {
		if _, err := open(); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseKey(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb}, seal.KeySize) // has '+' and '/' in base64
	for _, text := range []string{
		base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), " " + base64.StdEncoding.EncodeToString(raw) + "\r\n",
	} {
		if k, err := seal.ParseKey("k", text); err != nil || k.Text() != base64.StdEncoding.EncodeToString(raw) {
			t.Errorf("%q: %v", text, err)
		}
	}
	short := base64.StdEncoding.EncodeToString(raw[:31])
	for _, text := range []string{
		"", "x", short, base64.StdEncoding.EncodeToString(append(raw, 1)), "hunter2hunter2hunter2hunter2hunter2hunter2!!",
		base64.StdEncoding.EncodeToString(make([]byte, seal.KeySize)),
	} {
		_, err := seal.ParseKey("k7", text)
		if err == nil || !strings.Contains(err.Error(), "k7") || text != "" && text != "x" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := seal.ParseKey("", base64.StdEncoding.EncodeToString(raw)); err == nil {
		t.Error("a key without id")
	}
}

func TestRingRefuses(t *testing.T) {
	for name, keys := range map[string][]seal.Key{
		"none": nil, "one id twice": {key(t, "a", 1), key(t, "a", 2)}, "one key twice": {key(t, "a", 1), key(t, "b", 1)}, "an empty one": {{ID: "a"}},
	} {
		if _, err := seal.New(keys...); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestKeysDoNotShow prints keys, rings and derived keys in every way.
func TestKeysDoNotShow(t *testing.T) {
	k := key(t, "name", 0xAB)
	r := ring(t, k)
	d := r.Derive("p", []byte("s"))
	dk := d.Key("l")
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	type holder struct {
		K seal.Key
		R *seal.Keyring
		D seal.Derived
	}
	h := holder{k, r, d}
	for _, v := range []any{k, &k, r, d, &d, h, &h, []any{k, r, d}, map[string]any{"k": k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		log.Info("x", "v", v)
	}
	if b, err := json.Marshal(k); err == nil {
		t.Errorf("marshalled as %s", b)
	}
	text := strings.ToLower(out.String())
	for _, secret := range []string{"abab", "171 171", "171, 171", "0xab", "q6ur", fmt.Sprintf("%x", dk[:4])} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows", secret)
		}
	}
	if !strings.Contains(text, "seal key name") {
		t.Error("the name does not show")
	}
}

func TestRandomRingsDiffer(t *testing.T) {
	a, err := seal.Random()
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal.Random()
	if err != nil {
		t.Fatal(err)
	}
	if a.ID("k", "x") == b.ID("k", "x") {
		t.Error("two random rings are one")
	}
}

func TestKeyFile(t *testing.T) {
	path := seal.KeyFile(filepath.Join(t.TempDir(), "dir") + "/")
	if _, err := seal.ReadKeyFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before: %v", err)
	}
	var made, late int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := seal.MakeKeyFile(path)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case errors.Is(err, fs.ErrExist):
				late++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made != 1 || late != 19 {
		t.Errorf("made by %d, late %d", made, late)
	}
	k, err := seal.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ring(t, k)
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files (%v)", len(left), err)
	}
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o660: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.ReadKeyFile(path); (err == nil) != ok {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, key(f, "k", 1))
	b := seal.Binding{Kind: "cred", ID: "x", Version: 3}
	f.Add(r.Seal(b, []byte("v")))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, err := r.Open(b, sealed); err == nil && string(plain) != "v" {
			t.Fatalf("%x opens as %x", sealed, plain)
		}
		r.Current(sealed)
	})
}

func BenchmarkDerive(b *testing.B) {
	r := ring(b, key(b, "k", 1))
	half := bytes.Repeat([]byte{3}, 256)
	b.ReportAllocs()
	for b.Loop() {
		d := r.Derive("split", half)
		_, _ = d.Key("lookup 1"), d.Key("seal 1")
	}
}
