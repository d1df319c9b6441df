package file

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// hangs is how long nothing takes.
const hangs = 5 * time.Second

// TestWriteAtTheEnd: a write that was on its way while the store was closed is
// answered; nobody waits for the disk any more.
func TestWriteAtTheEnd(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	defer cancel()
	for range 32 {
		// It was found open before.
		w := &write{ctx: ctx, key: store.Key{Kind: store.KindRevocation, ID: "id"}, value: []byte("value")}
		if _, err := s.submit(w); !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
			t.Fatalf("%v", err)
		}
	}
}
