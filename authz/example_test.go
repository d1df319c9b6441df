package authz_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// An engine decides for any front: a request is described, an answer comes back.
func Example() {
	secret := []byte("an HMAC secret of at least 32 bytes!")
	engine := authz.New(authz.Options{
		Now: func() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }, CacheBytes: 1 << 20,
	})
	defer engine.Close()

	snapshot, problems := engine.Compile(context.Background(), authz.Spec{
		APIs: []authz.APISpec{{
			ID: "orders", Match: []authz.MatchSpec{{Host: "api.example.com", Path: "/orders"}},
			Keys:     []authz.KeySpec{{Secret: secret, Issuer: "https://issuer.example/"}},
			Policies: policies.SelectorSpec{Default: []string{"readers"}},
		}},
		Policies: []policies.Spec{{ID: "readers", Access: []policies.AccessSpec{{
			API: "orders", Allow: []policies.AllowSpec{{Methods: []string{"GET"}, Path: "/orders/**"}},
		}}}},
	})
	if snapshot == nil {
		fmt.Println(problems)
		return
	}
	engine.Swap(snapshot)

	token := sign(secret, `{"iss":"https://issuer.example/","sub":"alice","exp":1893499200}`)
	for _, method := range []string{"GET", "DELETE"} {
		request, err := authz.ParsePlain(method, "https://api.example.com/orders/7")
		if err != nil {
			fmt.Println(err)
			return
		}
		request.Add("authorization", "Bearer "+token)
		answer := engine.Decide(context.Background(), request)
		fmt.Printf("%s: %s %q of %s\n", method, answer.Outcome, answer.Reason, answer.Metadata.Subject)
	}
	// Output:
	// GET: allow "" of alice
	// DELETE: deny "access_refused" of alice
}

func sign(secret []byte, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}
