package e2e

import "testing"

// TestPathsCannotSlipThrough: a path is refused, or what is decided on is what
// the upstream gets. The token would be let through on /orders/** only.
func TestPathsCannotSlipThrough(t *testing.T) {
	// arrives is the target that may reach the upstream, "" when none may.
	tests := []struct{ sent, arrives string }{
		{"/orders/7", "/orders/7"},
		{"/orders/7/", "/orders/7/"},
		{"/orders/%61bc", "/orders/abc"},
		{"/admin", ""},
		{"//admin", ""},
		{"//orders/../admin", ""},
		{"/orders/../admin", ""},
		{"/orders/%2e%2e/admin", ""},
		{"/orders/.%2e/admin", ""},
		{"/orders/..;/admin", ""},
		{"/orders/%2e%2e;/admin", ""},
		{"/orders/..%2fadmin", ""},
		{"/orders/..%5cadmin", ""},
		{`/orders/..\admin`, ""},
		{"/orders/%252e%252e/admin", ""},
		{"/orders/7%2f..%2fadmin", ""},
		{"/orders/%2f", ""},
		{"/orders/7;v=1", ""},
		{"/orders/7%00", ""},
		{"/orders/7%0d%0ax", ""},
		{"/orders/%c0%ae%c0%ae/admin", ""},
		{"/orders/%zz", ""},
		{"/orders/7#/../admin", ""},
		{"/orders/7%23", ""},
		{"/orders/7%3fadmin", ""},
		{"/ORDERS/7", ""},
		{"/orders7", ""},
		{"/ordersX/../orders/7", "/orders/7"},
		{"/orders/\x80", ""},
		{"/orders/a b", ""},
		{"/orders/<x>", "/orders/%3Cx%3E"},
		{"*", ""},
		{"", ""},
	}
	inEveryShape(t, func(t *testing.T, w *world) {
		bearer := w.bearer(t, "alice")
		for _, test := range tests {
			got := send(t, w.address, "GET "+test.sent, bearer)
			reached := w.upstream.take()
			switch {
			case test.arrives == "" && (got.status < 300 || len(reached) > 0):
				t.Errorf("%q: status %d, and %d requests reached the upstream", test.sent, got.status, len(reached))
			case test.arrives != "" && got.status == 200 && (len(reached) != 1 || !same(test.sent, reached[0].Target, test.arrives)):
				t.Errorf("%q: the upstream got %+v, expected %q", test.sent, reached, test.arrives)
			case got.status >= 500:
				t.Errorf("%q: status %d: a client's path is no fault of ours", test.sent, got.status)
			}
		}
		// The table proves nothing when all of it is refused.
		if got := send(t, w.address, "GET /orders/7", bearer); got.status != 200 {
			t.Errorf("/orders/7: status %d, reason %q", got.status, got.reason())
		}
	})
}

// same: a front may hand the path on as it was sent or in its normal form.
func same(sent, got, normal string) bool { return got == sent || got == normal }
