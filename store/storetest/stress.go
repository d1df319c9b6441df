package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// losesNoUpdate counts by conditional writes of many: the sum must be exact.
func losesNoUpdate(t *testing.T, s Subject, b store.Backend) {
	for _, kind := range []store.Kind{store.KindCredential, store.KindSplit} {
		key := store.Key{Kind: kind, ID: "counter"}
		on{t, b}.must(key, "0", store.Write{})
		var all sync.WaitGroup
		for range s.Workers {
			all.Go(func() {
				for range s.Rounds {
					if err := increment(t, b, key); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		wantValue(t, b, key, strconv.Itoa(s.Workers*s.Rounds))
	}
}

func increment(t *testing.T, b store.Backend, key store.Key) error {
	for {
		r, err := b.Get(t.Context(), key)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(r.Value))
		if err != nil {
			return err
		}
		_, err = b.Put(t.Context(), key, []byte(strconv.Itoa(n+1)), store.Write{If: r.Version})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// letsOneCreatorWin creates and deletes one record from many sides: of each
// generation exactly one creation and one deletion succeed.
func letsOneCreatorWin(t *testing.T, s Subject, b store.Backend) {
	for i := range s.Rounds {
		key := cred(fmt.Sprintf("contested %d", i))
		var created, deleted atomic.Int64
		versions := make(chan store.Version, s.Workers)
		var all sync.WaitGroup
		for w := range s.Workers {
			all.Go(func() {
				v, err := b.Put(t.Context(), key, []byte(strconv.Itoa(w)), store.Write{If: store.Absent})
				switch {
				case err == nil:
					created.Add(1)
					versions <- v
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := created.Load(); n != 1 {
			t.Fatalf("%d creations of one record succeeded", n)
		}
		v := <-versions
		for range s.Workers {
			all.Go(func() {
				switch err := b.Delete(t.Context(), key, v); {
				case err == nil:
					deleted.Add(1)
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := deleted.Load(); n != 1 {
			t.Fatalf("%d deletions of one version succeeded", n)
		}
	}
}

// Eventually asks again and again until there is no error.
func Eventually(tb testing.TB, atMost time.Duration, try func() error) {
	tb.Helper()
	end := time.NewTimer(atMost)
	defer end.Stop()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-end.C:
			tb.Fatalf("not within %v: %v", atMost, err)
		case <-pause.C:
		}
	}
}
