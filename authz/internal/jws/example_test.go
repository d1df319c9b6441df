package jws_test

import (
	"encoding/base64"
	"fmt"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// The token of RFC 7515 appendix A.1.
func Example() {
	secret, _ := base64.RawURLEncoding.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	key, err := jws.NewSecret(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := jws.Parse("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"+
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"+
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	expires, _ := token.Claims.Get("exp").Date()
	fmt.Println(token.Alg, token.Claims.Get("iss").Text(), expires, token.Verify(key))
	// Output: HS256 joe 2011-03-22 18:43:00 +0000 UTC <nil>
}
