package jws

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseReadsWhatTheTokenSays(t *testing.T) {
	k := testKeys()
	raw := k.mint(t, HS256, `{"alg":"HS256","kid":"a\u002fb","typ":"at+jwt","jku":"https://evil.example/"}`, someClaims)
	token, err := Parse(raw, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{token.Alg, token.Kid, token.HasKid, token.Typ, token.HasTyp, token.Claims.Get("sub").Text(), token.Signed()}
	want := []any{HS256, "a/b", true, "at+jwt", true, "user-1", raw[:strings.LastIndexByte(raw, '.')]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if sig := b64(token.Signature()); !strings.HasSuffix(raw, "."+sig) {
		t.Error("Signature is not the decoded third part")
	}

	bare, err := Parse(k.mint(t, HS256, `{"alg":"HS256"}`, `{}`), 0)
	if err != nil {
		t.Fatal(err)
	}
	if bare.HasKid || bare.HasTyp || bare.Claims.Len() != 0 {
		t.Errorf("a bare token has kid %v, typ %v, %d claims", bare.HasKid, bare.HasTyp, bare.Claims.Len())
	}
}

func TestParseRefusesHeaders(t *testing.T) {
	tests := []struct {
		header string
		want   error
	}{
		{`{}`, errNoAlg},
		{`{"typ":"JWT"}`, errNoAlg},
		{`{"ALG":"HS256"}`, errNoAlg},
		{`{"alg":null}`, errAlgType},
		{`{"alg":["HS256"]}`, errAlgType},
		{`{"alg":256}`, errAlgType},
		{`{"alg":{"alg":"HS256"}}`, errAlgType},
		{`{"alg":"none"}`, errAlgNone},
		{`{"alg":"\u006eone"}`, errAlgNone},
		{`{"alg":"None"}`, ErrAlgUnknown},
		{`{"alg":"NONE"}`, ErrAlgUnknown},
		{`{"alg":"none "}`, ErrAlgUnknown},
		{`{"alg":"none\u0000"}`, ErrAlgUnknown},
		{`{"alg":""}`, ErrAlgUnknown},
		{`{"alg":"hs256"}`, ErrAlgUnknown},
		{`{"alg":"HS256 "}`, ErrAlgUnknown},
		{`{"alg":"HS256,RS256"}`, ErrAlgUnknown},
		{`{"alg":"ES256K"}`, ErrAlgUnknown},
		{`{"alg":"HS1"}`, ErrAlgUnknown},
		{`{"alg":"dir","enc":"A256GCM"}`, ErrAlgUnknown},
		{`{"alg":"HS256","alg":"none"}`, errDuplicate},
		{`{"alg":"HS256","\u0061lg":"HS256"}`, errDuplicate},
		{`{"alg":"HS256","x":{"y":1,"y":1}}`, errDuplicate},
		{`{"alg":"HS256","kid":7}`, errKidType},
		{`{"alg":"HS256","kid":null}`, errKidType},
		{`{"alg":"HS256","kid":["k1"]}`, errKidType},
		{`{"alg":"HS256","typ":1}`, errTypType},
		{`{"alg":"HS256","crit":["exp"]}`, errCrit},
		{`{"alg":"HS256","crit":[]}`, errCrit},
		{`{"alg":"HS256","crit":null}`, errCrit},
		{`{"alg":"HS256","crit":{}}`, errCrit},
		{`{"alg":"HS256","crit":"b64"}`, errCrit},
		{`{"alg":"HS256","b64":false}`, errB64},
		{`{"alg":"HS256","b64":true}`, errB64},
		{`{"alg":"HS256"} {}`, errTrailing},
		{`{"alg":"HS256"}x`, errTrailing},
		{"\ufeff" + `{"alg":"HS256"}`, errNotObject},
		{`"HS256"`, errNotObject},
		{`[{"alg":"HS256"}]`, errNotObject},
		{`null`, errNotObject},
		{`{"alg":"HS256"`, errJSON},
		{`{'alg':'HS256'}`, errJSON},
		{`{"alg":"HS256",}`, errJSON},
		{`{"alg":"HS256"/**/}`, errJSON},
		{"{\"alg\":\"HS256\",\"kid\":\"\xff\"}", errUTF8},
		{`{"alg":"HS256","kid":"\ud800"}`, errSurrogate},
		{"{\"alg\":\"HS256\",\"kid\":\"\n\"}", errControl},
		{`{"alg":"HS256","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, errDepth},
		{`{"alg":"HS256","x":"` + strings.Repeat("x", maxHeader) + `"}`, errHeaderLong},
	}
	for _, tt := range tests {
		_, err := Parse(testKeys().mint(t, HS256, tt.header, someClaims), 0)
		if !errors.Is(err, tt.want) {
			t.Errorf("header %.60q: %v, want %v", tt.header, err, tt.want)
		}
	}
	if !errors.Is(ErrAlgUnknown, ErrAlg) {
		t.Error("ErrAlgUnknown is not found as ErrAlg")
	}
}

// A name that differs in case only is another member (RFC 7515 section 4).
func TestHeaderNamesAreCaseSensitive(t *testing.T) {
	token, err := Parse(testKeys().mint(t, HS256, `{"ALG":"none","alg":"HS256","KID":"x","Crit":["y"]}`, someClaims), 0)
	if err != nil {
		t.Fatal(err)
	}
	if token.Alg != HS256 || token.HasKid {
		t.Errorf("alg %s, HasKid %v", token.Alg, token.HasKid)
	}
}

func TestParseRefusesShapes(t *testing.T) {
	good := testKeys().mint(t, HS256, header(HS256), someClaims)
	head, payload, sig := parts(good)
	last := len(good) - 1
	// 32 bytes of HS256 end in a character with two unused bits.
	unused := good[:last] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", good[last])|1])
	tests := []struct {
		name, raw string
		want      error
	}{
		{"empty", "", errParts},
		{"dot", ".", errParts},
		{"two dots", "..", errNoHeader},
		{"no dot", head + payload + sig, errParts},
		{"two parts", head + "." + payload, errParts},
		{"four parts", good + "." + sig, errParts},
		{"five parts", good + "." + sig + "." + sig, errParts},
		{"trailing dot", good + ".", errParts},
		{"no header", "." + payload + "." + sig, errNoHeader},
		{"no payload", head + ".." + sig, errNoPayload},
		{"no signature", head + "." + payload + ".", errNoSignature},
		{"padding", good + "=", errBase64},
		{"newline behind", good + "\n", errBase64},
		{"newline in signature", good[:last-5] + "\n" + good[last-5:], errBase64},
		{"return in payload", head + "." + payload[:8] + "\r" + payload[8:] + "." + sig, errBase64},
		{"newline in header", head[:4] + "\n" + head[4:] + "." + payload + "." + sig, errBase64},
		{"blank before", " " + good, errBase64},
		{"blank behind", good + " ", errBase64},
		{"standard alphabet", head + "." + payload + "." + strings.Repeat("+", 43), errBase64},
		{"slash", head + "." + payload + "." + strings.Repeat("/", 43), errBase64},
		{"unused bits", unused, errBase64},
		{"one character left over", good + "AA", errBase64},
		{"fullwidth dots", strings.ReplaceAll(good, ".", "．"), errParts},
		{"JSON serialisation", `{"payload":"` + payload + `","protected":"` + head + `","signature":"` + sig + `"}`, errParts},
		{"bearer kept", "Bearer " + good, errBase64},
	}
	for _, tt := range tests {
		if _, err := Parse(tt.raw, 0); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestParseRefusesPayloads(t *testing.T) {
	for payload, want := range map[string]error{
		` `:                     errNotObject,
		`1`:                     errNotObject,
		`"a.b.c"`:               errNotObject,
		`[]`:                    errNotObject,
		`{"exp":1,"exp":2}`:     errDuplicate,
		`{"a":[{"b":1,"b":2}]}`: errDuplicate,
		`{"exp":1}{"exp":2}`:    errTrailing,
		`{"a":1e}`:              errJSON,
		`{"a":NaN}`:             errJSON,
		"{\"a\":\"\x00\"}":      errControl,
		`{"a":"\udc00"}`:        errSurrogate,
	} {
		if _, err := Parse(testKeys().mint(t, HS256, header(HS256), payload), 0); !errors.Is(err, want) {
			t.Errorf("payload %q: %v, want %v", payload, err, want)
		}
	}
}

func TestParseBoundsTheToken(t *testing.T) {
	good := testKeys().mint(t, HS256, header(HS256), someClaims)
	if _, err := Parse(good, len(good)); err != nil {
		t.Errorf("a token of exactly maxBytes: %v", err)
	}
	if _, err := Parse(good, len(good)-1); !errors.Is(err, errTooLong) {
		t.Errorf("one byte more: %v, want %v", err, errTooLong)
	}
	long := testKeys().mint(t, HS256, header(HS256), `{"pad":"`+strings.Repeat("x", DefaultMaxBytes)+`"}`)
	if _, err := Parse(long, 0); !errors.Is(err, errTooLong) {
		t.Errorf("default bound: %v, want %v", err, errTooLong)
	}
	huge := strings.Repeat(".", 1<<20)
	if n := testing.AllocsPerRun(10, func() { _, _ = Parse(huge, 0) }); n != 0 {
		t.Errorf("a million dots cost %v allocations, want none", n)
	}
}

// Every byte of a token counts: no changed byte leaves it valid (S-001).
func TestAnyChangedByteDenies(t *testing.T) {
	k := testKeys()
	key := k.verifier(t, EdDSA)
	good := k.mint(t, EdDSA, header(EdDSA), someClaims)
	for i := range good {
		for _, c := range []byte("AQgz09-_=+/. \n\x00\xff") {
			if good[i] == c {
				continue
			}
			changed := good[:i] + string(c) + good[i+1:]
			if c > 127 {
				changed = good[:i] + "\xff" + good[i+1:]
			}
			token, err := Parse(changed, 0)
			if err == nil && token.Verify(key) == nil {
				t.Fatalf("byte %d changed to %q still verifies", i, c)
			}
		}
	}
}

func parts(raw string) (head, payload, sig string) {
	p := strings.Split(raw, ".")
	return p[0], p[1], p[2]
}
