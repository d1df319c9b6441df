package keyset

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// key makes a key with this kid ("-" for none), bound to issuer.
func key(t *testing.T, kid, issuer string) *Key {
	t.Helper()
	s := newSigner(kid)
	material, err := jws.NewPublic(s.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &Key{Key: material, ID: kid, HasID: kid != "-", Issuer: issuer}
}

func ids(keys []*Key) (out []string) {
	for _, k := range keys {
		out = append(out, k.ID+"@"+k.Issuer)
	}
	return out
}

func TestFindByKidAndIssuer(t *testing.T) {
	secret, err := NewSecret(make([]byte, 32), Binding{Issuer: "a", ID: "hs", HasID: true})
	if err != nil {
		t.Fatal(err)
	}
	only512 := key(t, "strict", "")
	only512.Alg = jws.ES512
	s := NewStatic(
		key(t, "-", "a"), key(t, "k1", "a"), key(t, "k1", "b"), key(t, "k2", "a"), key(t, "", "a"), secret,
	)
	open := NewStatic(key(t, "k1", ""), key(t, "-", ""), only512)
	tests := []struct {
		name string
		set  *Static
		q    Query
		want []string
		err  error
	}{
		{"kid, then keys without one", s, Query{Alg: jws.EdDSA, Kid: "k1", HasKid: true, Issuer: "a", HasIssuer: true}, []string{"k1@a", "-@a"}, nil},
		{"another issuer's key of the same kid", s, Query{Alg: jws.EdDSA, Kid: "k1", HasKid: true, Issuer: "b", HasIssuer: true}, []string{"k1@b"}, nil},
		{"unknown kid", s, Query{Alg: jws.EdDSA, Kid: "k9", HasKid: true, Issuer: "a", HasIssuer: true}, []string{"-@a"}, nil},
		{"unknown kid of an issuer whose keys all have one", s, Query{Alg: jws.EdDSA, Kid: "k9", HasKid: true, Issuer: "b", HasIssuer: true}, nil, ErrUnknown},
		{"kid is a prefix", s, Query{Alg: jws.EdDSA, Kid: "k", HasKid: true, Issuer: "b", HasIssuer: true}, nil, ErrUnknown},
		{"kid is longer", s, Query{Alg: jws.EdDSA, Kid: "k1 ", HasKid: true, Issuer: "b", HasIssuer: true}, nil, ErrUnknown},
		{"empty kid is a kid", s, Query{Alg: jws.EdDSA, Kid: "", HasKid: true, Issuer: "a", HasIssuer: true}, []string{"@a", "-@a"}, nil},
		{"no kid", s, Query{Alg: jws.EdDSA, Issuer: "a", HasIssuer: true}, []string{"-@a", "k1@a", "k2@a", "@a"}, nil},
		{"type decides", s, Query{Alg: jws.HS256, Issuer: "a", HasIssuer: true}, []string{"hs@a"}, nil},
		{"kid of another type", s, Query{Alg: jws.HS256, Kid: "k1", HasKid: true, Issuer: "a", HasIssuer: true}, nil, ErrUnknown},
		{"foreign issuer", s, Query{Alg: jws.EdDSA, Kid: "k1", HasKid: true, Issuer: "c", HasIssuer: true}, nil, ErrIssuer},
		{"issuer of another case", s, Query{Alg: jws.EdDSA, Kid: "k1", HasKid: true, Issuer: "A", HasIssuer: true}, nil, ErrIssuer},
		{"no issuer", s, Query{Alg: jws.EdDSA, Kid: "k1", HasKid: true}, nil, ErrIssuer},
		{"empty issuer", s, Query{Alg: jws.EdDSA, HasIssuer: true}, nil, ErrIssuer},
		{"any issuer", open, Query{Alg: jws.EdDSA, Kid: "k1", HasKid: true, Issuer: "whoever", HasIssuer: true}, []string{"k1@", "-@"}, nil},
		{"any, without issuer", open, Query{Alg: jws.EdDSA}, []string{"k1@", "-@"}, nil},
		{"alg of the key", open, Query{Alg: jws.EdDSA, Kid: "strict", HasKid: true}, []string{"-@"}, nil},
		{"no keys", NewStatic(), Query{Alg: jws.EdDSA}, nil, ErrIssuer},
	}
	for _, tt := range tests {
		found, err := tt.set.Find(nil, &tt.q)
		if diff := cmp.Diff(tt.want, ids(found)); diff != "" || !errors.Is(err, tt.err) {
			t.Errorf("%s: error %v, want %v\n%s", tt.name, err, tt.err, diff)
		}
		again, err := tt.set.Refetch(t.Context(), nil, &tt.q)
		if diff := cmp.Diff(tt.want, ids(again)); diff != "" || !errors.Is(err, tt.err) {
			t.Errorf("%s, refetched: error %v, want %v\n%s", tt.name, err, tt.err, diff)
		}
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	var keys []*Key
	for range 20 {
		keys = append(keys, key(t, "same", ""))
	}
	for range 20 {
		keys = append(keys, key(t, "-", ""))
	}
	static := NewStatic(keys...)
	var jwks []string
	for i := range 20 {
		jwks = append(jwks, newSigner("same").jwk(), newSigner(fmt.Sprint(i)).jwk())
	}
	remote := remoteOf(t, set(jwks...), "")
	union := NewUnion(static, remote)
	kept := key(t, "kept", "")
	for name, s := range map[string]Set{"static": static, "remote": remote, "union": union} {
		for _, q := range []Query{{Alg: jws.EdDSA}, {Alg: jws.EdDSA, Kid: "same", HasKid: true}} {
			found, err := s.Find([]*Key{kept}, &q)
			if err != nil || len(found) != 1+MaxCandidates || found[0] != kept {
				t.Errorf("%s: %d candidates behind the one there, %v", name, len(found)-1, err)
			}
		}
	}
}

// Keys without kid must not crowd out the one that the token names.
func TestUnionPutsTheNamedKeyFirst(t *testing.T) {
	var keys []*Key
	for range 10 {
		keys = append(keys, key(t, "-", ""))
	}
	s := newSigner("named")
	union := NewUnion(NewStatic(keys...), remoteOf(t, set(s.jwk()), ""))
	found, err := union.Find(nil, &Query{Alg: jws.EdDSA, Kid: "named", HasKid: true})
	if err != nil || len(found) != MaxCandidates || found[0].ID != "named" {
		t.Errorf("found %v, %v", ids(found), err)
	}
}

func TestUnionErrors(t *testing.T) {
	a, down := remoteOf(t, set(newSigner("k").jwk()), "a"), remoteOf(t, "", "b")
	union := NewUnion(NewStatic(key(t, "s", "c")), a, down)
	for _, tt := range []struct {
		issuer string
		want   error
	}{{"a", ErrUnknown}, {"b", ErrUnavailable}, {"c", ErrUnknown}, {"d", ErrIssuer}} {
		q := Query{Alg: jws.EdDSA, Kid: "x", HasKid: true, Issuer: tt.issuer, HasIssuer: true}
		if _, err := union.Find(nil, &q); !errors.Is(err, tt.want) {
			t.Errorf("issuer %s: %v, want %v", tt.issuer, err, tt.want)
		}
	}
	if _, err := NewUnion(nil).Find(nil, &Query{Alg: jws.EdDSA}); !errors.Is(err, ErrIssuer) {
		t.Errorf("an empty union: %v", err)
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	s := newSigner("k1")
	union := NewUnion(NewStatic(key(t, "s", "")), remoteOf(t, set(s.jwk()), ""))
	q := &Query{Alg: jws.EdDSA, Kid: "k1", HasKid: true}
	room := make([]*Key, 0, MaxCandidates)
	if n := testing.AllocsPerRun(100, func() {
		if found, err := union.Find(room, q); err != nil || len(found) != 1 {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
