package memory_test

import (
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRules(t *testing.T) {
	var ahead atomic.Int64
	storetest.Run(t, storetest.Subject{
		Open: func(*testing.T) store.Backend {
			return memory.Open(memory.Options{Now: func() time.Time {
				return time.Now().Add(time.Duration(ahead.Load()))
			}})
		},
		Advance: func(d time.Duration) { ahead.Add(int64(d)) },
		Workers: 32, Rounds: 200,
	})
}
