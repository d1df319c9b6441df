package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/store"
)

func TestFrameKeepsPartsApart(t *testing.T) {
	parts := rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune{'a', ':', 0, 1, 2, '{'})))
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		if same := fmt.Sprint(len(a), strings.Join(a, "\xff")) == fmt.Sprint(len(b), strings.Join(b, "\xff")); (store.Frame(a...) == store.Frame(b...)) != same {
			t.Fatalf("%q and %q", a, b)
		}
	})
}

// TestNamesKeepTheirSlot: whatever the id, the name has one pair of braces, and
// nothing of the id but base64url.
func TestNamesKeepTheirSlot(t *testing.T) {
	l := store.Layout{Prefix: "tollgate"}
	rapid.Check(t, func(t *rapid.T) {
		id := string(rapid.SliceOfN(rapid.Byte(), 1, store.MaxID).Draw(t, "id"))
		listed, other := l.Name(store.Key{Kind: store.KindCredential, ID: id}), l.Name(store.Key{Kind: store.KindSplit, ID: id})
		tag := func(name string) string {
			if strings.Count(name, "{") != 1 || strings.Count(name, "}") != 1 {
				t.Fatalf("%q", name)
			}
			_, rest, _ := strings.Cut(name, "{")
			tag, _, _ := strings.Cut(rest, "}")
			return tag
		}
		p := store.Partition(id)
		if p < 0 || p >= store.Partitions {
			t.Fatalf("partition %d", p)
		}
		if tag(listed) != tag(l.Index(store.KindCredential, p)) || tag(listed) != tag(l.Expiries(store.KindCredential, p)) {
			t.Fatalf("%q is in another slot than its lists", listed)
		}
		if tag(other) == "" || strings.ContainsAny(listed+other, " \r\n\x00*?[]#") {
			t.Fatalf("%q, %q", listed, other)
		}
	})
}

func TestPartitionsAreEven(t *testing.T) {
	var n [store.Partitions]int
	for i := range 64000 {
		n[store.Partition(fmt.Sprintf("id %d", i))]++
	}
	for p, got := range n {
		if got < 800 || got > 1200 {
			t.Errorf("partition %d has %d of 64000 ids", p, got)
		}
	}
}

func TestLayoutRefusesPrefixes(t *testing.T) {
	for _, prefix := range []string{"", "a{", "a}", "a:b", "a b", "a\n", "é", "*", strings.Repeat("a", 65)} {
		if (store.Layout{Prefix: prefix}).Check() == nil {
			t.Errorf("%q was taken", prefix)
		}
	}
	for _, prefix := range []string{"tollgate", "A.b_c-9", strings.Repeat("a", 64)} {
		if err := (store.Layout{Prefix: prefix}).Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestKeyShowsNoID(t *testing.T) {
	k := store.Key{Kind: store.KindSplit, ID: "secret-id"}
	if text := fmt.Sprintf("%v %s", k, k); strings.Contains(text, "secret") {
		t.Error(text)
	}
	if err := (store.Key{Kind: "else", ID: "secret-id"}).Check(); !errors.Is(err, store.ErrInvalid) || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// FuzzReadCursor: a cursor that is taken is one that would be given.
func FuzzReadCursor(f *testing.F) {
	for _, seed := range []string{"", "0.", "63.YQ", "1.*", "-1."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := store.ReadCursor(store.Key{Kind: store.KindCredential}, store.Cursor(text))
		if err != nil {
			if !errors.Is(err, store.ErrInvalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := store.ReadCursor(store.Key{Kind: store.KindCredential}, at.Cursor())
		if err != nil || again != at {
			t.Fatalf("%q became %+v, then %+v (%v)", text, at, again, err)
		}
	})
}
