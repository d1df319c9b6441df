package obs

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/envoy"
)

// Everything that the adapter counts is shown once. Its number of decisions is
// tollgate_checks_total, which tells more.
func TestCalls(t *testing.T) {
	var counts envoy.Counts
	fields := reflect.ValueOf(&counts).Elem()
	for i := range fields.NumField() { // each has a number of its own
		switch field := fields.Field(i); field.Kind() {
		case reflect.Uint64:
			field.SetUint(uint64(i + 101))
		case reflect.Int64:
			field.SetInt(int64(i + 101))
		default:
			t.Fatalf("%s is a %s", fields.Type().Field(i).Name, field.Kind())
		}
	}
	r := newRig(t)
	r.WatchCalls(func() envoy.Counts { return counts })
	got := map[string]string{}
	for name, value := range r.series(t) {
		if strings.HasPrefix(name, "tollgate_calls_") {
			got[name] = value
		}
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	want := map[string]string{
		`tollgate_calls_failed_total{cause="unready"}`:     number(counts.Unready),
		`tollgate_calls_failed_total{cause="undecodable"}`: number(counts.Undecodable),
		`tollgate_calls_failed_total{cause="too_large"}`:   number(counts.TooLarge),
		`tollgate_calls_odd_total{kind="panic"}`:           number(counts.Panics),
		`tollgate_calls_odd_total{kind="invalid_edit"}`:    number(counts.Invalid),
		`tollgate_calls_odd_total{kind="dropped_value"}`:   number(counts.Dropped),
		`tollgate_calls_odd_total{kind="late"}`:            number(counts.Late),
		`tollgate_calls_odd_total{kind="canceled"}`:        number(counts.Canceled),
		`tollgate_calls_in_flight`:                         number(uint64(counts.InFlight)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	shown := slices.Sorted(maps.Values(got))
	if all := fields.NumField() - 1; len(slices.Compact(shown)) != all {
		t.Errorf("%d of %d counts are shown", len(slices.Compact(shown)), all)
	}
}
