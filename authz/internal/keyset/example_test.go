package keyset_test

import (
	"fmt"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
)

// A local key set, of which one key is for encryption.
func Example() {
	keys, unusable, err := keyset.ParseJWK([]byte(`{"keys":[
		{"kty":"OKP","crv":"Ed25519","kid":"a","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kty":"OKP","crv":"Ed25519","kid":"b","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
	]}`), keyset.Binding{Issuer: "https://issuer.example/", Source: "jwk"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(unusable[0].ID, unusable[0].Why)
	set := keyset.NewStatic(keys...)
	for _, issuer := range []string{"https://issuer.example/", "https://other.example/"} {
		found, err := set.Find(nil, &keyset.Query{Alg: jws.EdDSA, Kid: "a", HasKid: true, Issuer: issuer, HasIssuer: true})
		fmt.Println(len(found), err)
	}
	// Output:
	// b use is "enc", not sig
	// 1 <nil>
	// 0 no key is bound to the token's issuer
}
