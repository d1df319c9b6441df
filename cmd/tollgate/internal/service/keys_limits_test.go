package service

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// A key's own rate and quota admit exactly their number, for each key apart, on
// every store; its usage can be read, reset and topped up by the key's id.
func TestOwnLimitsAdmitExactlyTheirNumber(t *testing.T) {
	server := storetest.StartRedis(t, storetest.RedisBinary(t))
	for name, dir := range map[string]string{
		"memory": keyedFolder(t, "memory:", ""),
		"file":   keyedFolder(t, "file:data", ""),
		"redis":  keyedFolder(t, server.URL(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
	} {
		t.Run(name, func(t *testing.T) {
			s := running(t, dir, io.Discard)
			for limit, reason := range map[string]authz.Reason{
				`"rate":3,"per":3600`: authz.RateLimited, `"quota_max":3,"quota_renewal_rate":3600`: authz.QuotaExceeded,
			} {
				for _, id := range []string{"one-" + string(reason), "two-" + string(reason)} {
					s.must(t, "POST", "/tyk/keys/"+id, fmt.Sprintf(`{"access_rights":{"orders":{"api_id":"orders"}},%s,"jwt_data":{"secret":"xxx"}}`, limit))
					token := signed(t, "xxx", id, nil)
					for i := range 6 {
						answer := s.decide(t, "GET", "/orders/7", token)
						if allowed := answer.Outcome == authz.Allow; allowed != (i < 3) || !allowed && answer.Reason != reason {
							t.Fatalf("%s: request %d is %v, %s", id, i+1, answer.Outcome, answer.Reason)
						}
					}
					if status, text := s.manageAs(t, opsToken, http.MethodGet, "/v1/usage/"+id, ""); status != http.StatusOK {
						t.Errorf("usage of %s: %d %s", id, status, text)
					}
					s.must(t, "POST", "/v1/usage/"+id+":reset", "{}")
					if !s.opens(t, token) {
						t.Errorf("%s: refused after a reset", id)
					}
				}
			}
		})
	}
}
