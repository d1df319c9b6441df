package e2e

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// fixedAddress gives a loopback address for a listener that must come back on the
// same port. It lies below the range that the kernel gives to clients, so that no
// connection of another test takes it in between.
func fixedAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(10000)))
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		return address
	}
	t.Fatal("no free port between 20000 and 29999")
	return ""
}
