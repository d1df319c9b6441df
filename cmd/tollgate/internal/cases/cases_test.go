package cases

import (
	"testing"
)

// The behaviour of the product, as its users would write it down.
func TestProduct(t *testing.T) {
	runner := &Runner{Surfaces: []Surface{Direct(Parts{}), Wire(Parts{})}}
	files, err := Find("testdata/product")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, r := range runner.Run(t.Context(), file) {
			if r.Failed() || r.Unasked {
				t.Errorf("%s:%d %s (%s): %s %v", r.File, r.Line, r.Case, r.Surface, r.Error, r.Differences)
			}
		}
	}
}
