package authz

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/store"
)

// meanwhile is a store in which something happens just before the head of the feed
// is read.
type meanwhile struct {
	store.Backend
	do func()
}

func (m *meanwhile) Head(ctx context.Context) (store.Position, error) {
	m.do()
	return m.Backend.Head(ctx)
}

// TestChangeBeforeTheHead: what was remembered before this replica began to listen is
// forgotten, also when it changed at the last moment.
func TestChangeBeforeTheHead(t *testing.T) {
	k := newKeeper(t)
	other := NewKept(KeptOptions{Store: k, Keyring: k.ring, Budget: 10 * time.Second, Now: k.clock})
	_, err := other.Keys().Create(t.Context(), credential.Credential{
		ID: "alice", Policies: []string{"basic"},
		Secrets: []credential.Secret{{Kind: credential.HMAC, Material: []byte("a-secret-of-a-holder-0123456789abcdef")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	at := &meanwhile{Backend: k}
	kept := NewKept(KeptOptions{Store: at, Keyring: k.ring, Budget: 10 * time.Second, Now: k.clock})
	at.do = func() {
		if _, err := kept.Find(t.Context(), "", "alice"); err != nil {
			t.Error(err)
		}
		if err := other.Keys().Delete(t.Context(), credential.Session("", "alice"), ""); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); kept.Run(ctx) }()
	<-kept.Loaded()
	cancel()
	<-over
	if _, err := kept.Find(t.Context(), "", "alice"); !errors.Is(err, ErrNoCredential) {
		t.Errorf("a key that was deleted is still taken: %v", err)
	}
}
