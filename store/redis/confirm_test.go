package redis

import (
	"errors"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// Of two calls that go together one fails: that the other's counts have no replica
// is seen all the same.
func TestAFailedCallHidesNoUnconfirmedOne(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	a, err := store.ParseURL(r.URL() + "?replicas=1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Address: a, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the end of the test
	r.Do(t, "SCRIPT", "LOAD", countSource)
	c := limit.Charge{Limits: []limit.Limit{limit.New(limit.Spec{ID: limit.ID{1}, Requests: 9, Per: time.Minute})}, Cost: 1}
	batch := make([]*errand, mostInCall+1)
	for i := range batch {
		batch[i] = s.ask(store.Take, 0, []*store.Part{{ID: "x", Charge: &c}}, &indexes{})
	}
	batch[0].requests[0] = request("no request")
	f := &flight{batch: batch}
	s.lane.aloft = append(s.lane.aloft, f)
	s.lane.fly(f)
	if len(s.lane.aloft) != 0 {
		t.Error("it has landed, and the watch still looks at it")
	}
	if e := batch[0]; !isReply(e.err) {
		t.Errorf("the call that cannot be read: %v", e.err)
	}
	if e := batch[mostInCall]; !errors.Is(e.err, errUnconfirmed) || e.answer != "" {
		t.Errorf("the call beside it: %v", e.err)
	}
}
