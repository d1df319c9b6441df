package file_test

import (
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

func TestMain(m *testing.M) {
	crashChild()
	asChild()
	goleak.VerifyTestMain(m)
}

func TestRules(t *testing.T) {
	var ahead atomic.Int64
	storetest.Run(t, storetest.Subject{
		Open: func(t *testing.T) store.Backend {
			return open(t, t.TempDir(), file.Options{Now: func() time.Time {
				return time.Now().Add(time.Duration(ahead.Load()))
			}})
		},
		Advance: func(d time.Duration) { ahead.Add(int64(d)) },
	})
}

func open(t *testing.T, dir string, o file.Options) *file.Store {
	t.Helper()
	s, err := file.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
