package jws

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// wycheproof is a module of test vectors without a Go package that could be
// imported, so that go.mod cannot hold it: the go tool unpacks it, and what it holds
// is pinned here.
const (
	wycheproof    = "github.com/google/wycheproof@v0.0.0-20191219022705-2196000605e4"
	wycheproofSum = "h1:/jhsqtCSTRK25HsqYePIHeLbPIDBwVOANhQmWRdgsyA="
)

var wycheproofDir = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", wycheproof).Output()
	if err != nil {
		return "", err
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", err
	}
	if module.Sum != wycheproofSum {
		return "", fmt.Errorf("they are others than before: %s", module.Sum)
	}
	return filepath.Join(module.Dir, "testvectors"), nil
})

type vectors struct {
	TestGroups []struct {
		KeyDer, Sha, MgfSha, Type string
		KeySize, SLen, TagSize    int
		Tests                     []vector
	}
}

type vector struct {
	TcID                      int
	Comment, Msg, Sig, Result string
	Key, Tag                  string
	Flags                     []string
}

func readVectors(t *testing.T, file string) vectors {
	t.Helper()
	dir, err := wycheproofDir()
	if err != nil {
		t.Fatalf("the vectors of %s are needed: %v", wycheproof, err)
	}
	var v vectors
	readJSON(t, filepath.Join(dir, file), &v)
	return v
}

func fromHex(t *testing.T, text string) []byte {
	t.Helper()
	out, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWycheproofSignatures(t *testing.T) {
	for _, tt := range []struct {
		file  string
		alg   Alg
		valid int // how many vectors of the file must verify
	}{
		{"rsa_signature_2048_sha256_test.json", RS256, 7},
		{"rsa_signature_3072_sha256_test.json", RS256, 7},
		{"rsa_signature_2048_sha384_test.json", RS384, 7},
		{"rsa_signature_3072_sha384_test.json", RS384, 7},
		{"rsa_signature_4096_sha384_test.json", RS384, 7},
		{"rsa_signature_2048_sha512_test.json", RS512, 7},
		{"rsa_signature_3072_sha512_test.json", RS512, 7},
		{"rsa_signature_4096_sha512_test.json", RS512, 7},
		{"rsa_pss_2048_sha256_mgf1_32_test.json", PS256, 1},
		{"rsa_pss_3072_sha256_mgf1_32_test.json", PS256, 1},
		{"rsa_pss_4096_sha256_mgf1_32_test.json", PS256, 1},
		{"rsa_pss_2048_sha256_mgf1_0_test.json", PS256, 0},  // another salt, but for vector 68
		{"rsa_pss_4096_sha512_mgf1_32_test.json", PS512, 0}, // another salt
		{"rsa_pss_2048_sha1_mgf1_20_test.json", PS256, 0},   // another hash
		{"ecdsa_secp256r1_sha256_p1363_test.json", ES256, 1},
		{"ecdsa_secp384r1_sha384_p1363_test.json", ES384, 1},
		{"ecdsa_secp521r1_sha512_p1363_test.json", ES512, 1},
		{"ecdsa_secp384r1_sha512_p1363_test.json", ES384, 0}, // another hash
		{"ecdsa_secp256k1_sha256_p1363_test.json", ES256, 0}, // another curve
		{"eddsa_test.json", EdDSA, 1},
	} {
		t.Run(tt.file, func(t *testing.T) {
			verified := runVectors(t, tt.file, tt.alg, tt.valid == 0)
			if verified < tt.valid || (tt.valid == 0 && verified > 0) {
				t.Errorf("%d vectors verified, want %d", verified, tt.valid)
			}
		})
	}
}

// runVectors checks every vector of a file under a: valid ones must verify
// unless foreign says that the file is of another algorithm, all others must
// not. It gives the number of those that verified.
func runVectors(t *testing.T, file string, a Alg, foreign bool) int {
	t.Helper()
	verified, unusable := 0, 0
	for _, group := range readVectors(t, file).TestGroups {
		key := derKey(t, group.KeyDer)
		for _, v := range group.Tests {
			if key == nil {
				unusable++
				continue
			}
			ok := key.check(a, fromHex(t, v.Msg), fromHex(t, v.Sig)) == nil
			want := v.Result == "valid" && !foreign
			if foreign && v.Comment == "s_len changed to 32" && group.Sha == "SHA-256" {
				want = true // wrong for the file, right for PS256
			} else if ok {
				verified++
			}
			if ok != want {
				t.Errorf("vector %d (%s, %v): verifies %v, want %v", v.TcID, v.Comment, v.Flags, ok, want)
			}
		}
	}
	t.Logf("%d verified, %d with unusable keys", verified, unusable)
	return verified
}

// derKey is nil for keys under our floors and of foreign curves.
func derKey(t *testing.T, der string) *Key {
	t.Helper()
	public, err := x509.ParsePKIXPublicKey(fromHex(t, der))
	if err != nil {
		return nil
	}
	key, err := NewPublic(public)
	if err != nil {
		return nil
	}
	return key
}

// The miscellany of PSS: exactly those of our three hashes, with the same hash in
// MGF1 and a salt of its length, may verify.
func TestWycheproofPSSMisc(t *testing.T) {
	algs := map[string]Alg{"SHA-256": PS256, "SHA-384": PS384, "SHA-512": PS512}
	checked := 0
	for _, group := range readVectors(t, "rsa_pss_misc_test.json").TestGroups {
		key := derKey(t, group.KeyDer)
		if key == nil {
			continue
		}
		for _, v := range group.Tests {
			for _, a := range []Alg{PS256, PS384, PS512} {
				ours := algs[group.Sha] == a && group.MgfSha == group.Sha && group.SLen == a.hash().Size()
				ok := key.check(a, fromHex(t, v.Msg), fromHex(t, v.Sig)) == nil
				if want := ours && v.Result != "invalid"; ok != want {
					t.Errorf("vector %d (%s, %s, salt %d) as %s: verifies %v, want %v", v.TcID, group.Sha, group.MgfSha, group.SLen, a, ok, want)
				}
				checked++
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d checks", checked)
	}
}

// RSA of many sizes: the keys below 2048 bits or with a small exponent must be
// unusable, the others decide as the vectors say.
func TestWycheproofRSAMisc(t *testing.T) {
	algs := map[string]Alg{"SHA-256": RS256, "SHA-384": RS384, "SHA-512": RS512}
	weak := 0
	for _, group := range readVectors(t, "rsa_signature_test.json").TestGroups {
		key := derKey(t, group.KeyDer)
		for _, v := range group.Tests {
			flagged := false
			for _, flag := range v.Flags {
				flagged = flagged || flag == "SmallModulus" || flag == "SmallPublicKey"
			}
			if flagged {
				weak++
				if key != nil {
					t.Errorf("vector %d (%v): the key is usable", v.TcID, v.Flags)
				}
				continue
			}
			a, ours := algs[group.Sha]
			if key == nil || !ours {
				continue
			}
			ok := key.check(a, fromHex(t, v.Msg), fromHex(t, v.Sig)) == nil
			if want := v.Result == "valid"; ok != want {
				t.Errorf("vector %d (%s): verifies %v, want %v", v.TcID, v.Comment, ok, want)
			}
		}
	}
	if weak == 0 {
		t.Error("no vector with a weak key was seen")
	}
}

// Truncated tags are valid HMACs for the vectors, but no JWS signatures.
func TestWycheproofHMAC(t *testing.T) {
	for file, a := range map[string]Alg{
		"hmac_sha256_test.json": HS256, "hmac_sha384_test.json": HS384, "hmac_sha512_test.json": HS512,
	} {
		whole := 0
		for _, group := range readVectors(t, file).TestGroups {
			for _, v := range group.Tests {
				key, err := NewInsecureSecret(fromHex(t, v.Key))
				if err != nil {
					t.Fatalf("%s vector %d: %v", file, v.TcID, err)
				}
				full := group.TagSize == a.hash().Size()*8
				ok := key.check(a, fromHex(t, v.Msg), fromHex(t, v.Tag)) == nil
				if want := full && v.Result == "valid"; ok != want {
					t.Errorf("%s vector %d (%s, tag of %d bits): verifies %v, want %v", file, v.TcID, v.Comment, group.TagSize, ok, want)
				}
				if ok {
					whole++
				}
			}
		}
		if whole == 0 {
			t.Errorf("%s: nothing verified", file)
		}
	}
}
