package limit_test

import (
	"fmt"
	"time"

	"github.com/tollgate-authz/tollgate/store/limit"
)

func Example() {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	limits := []limit.Limit{
		limit.New(limit.Spec{ID: limit.ID{1}, Requests: 100, Per: time.Minute}),
		limit.New(limit.Spec{ID: limit.ID{2}, Algorithm: limit.Quota, Requests: 2, Per: time.Hour}),
	}
	var record []byte
	for range 3 {
		next, v := limit.Take(nil, record, &limit.Charge{Limits: limits, Cost: 1, Now: limit.Micros(now)})
		fmt.Println(v.Admitted, v.Usage[0].Remaining, v.Usage[1].Remaining, time.Duration(v.Wait)*time.Microsecond)
		if v.Write {
			record = next
		}
	}
	fmt.Println(len(record), "bytes")
	// Output:
	// true 99 1 0s
	// true 98 0 0s
	// false 98 0 1h0m0s
	// 58 bytes
}
