package jws

import "testing"

// benchClaims has about 500 bytes, as the access tokens of common providers.
const benchClaims = `{"iss":"https://issuer.example/realms/shop","sub":"8f2c9a34-1f5b-4d0e-9a6b-7c1d2e3f4a5b","aud":["orders","account"],` +
	`"exp":4102444800,"iat":1700000000,"nbf":1700000000,"jti":"2f1d7c9e-0a4b-4c8d-8e6f-1a2b3c4d5e6f","azp":"shop-web","typ":"Bearer",` +
	`"session_state":"c1a2b3d4-e5f6-4789-8abc-def012345678","acr":"1","scope":"openid profile orders:read","pol":["gold"],` +
	`"realm_access":{"roles":["buyer","offline_access"]},"email_verified":true,"name":"Ann Example","preferred_username":"ann","email":"ann@example.com"}`

// BenchmarkCold is what a token costs that nobody has seen before.
func BenchmarkCold(b *testing.B) {
	for _, a := range []Alg{HS256, RS256, PS256, ES256, ES384, ES512, EdDSA} {
		raw := testKeys().mint(b, a, header(a), benchClaims)
		key := testKeys().verifier(b, a)
		b.Run(string(a), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				token, err := Parse(raw, 0)
				if err != nil {
					b.Fatal(err)
				}
				if err := token.Verify(key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	raw := testKeys().mint(b, HS256, header(HS256), benchClaims)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClaims(b *testing.B) {
	o, err := ParseObject(benchClaims)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("scan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseObject(benchClaims); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read eight", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, name := range [...]string{"iss", "sub", "aud", "exp", "nbf", "iat", "scope", "realm_access.roles"} {
				if o.Lookup(name).Kind() == Absent {
					b.Fatal(name)
				}
			}
		}
	})
}
