package authz

import (
	"context"
	"encoding/json"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzDecide: whatever stands in header, claims, target and host, the engine
// never allows what a slow and obvious verifier on the standard library denies,
// and never answers internal. The token is signed by the right key, so that
// everything behind the signature is reached.
func FuzzDecide(f *testing.F) {
	f.Add(`{"alg":"HS256"}`, `{"sub":"a","exp":4102444800,"aud":"orders"}`, "/orders/7", "api.example.com", true)
	f.Add(`{"alg":"HS256","typ":"JWT"}`, `{"sub":"a","exp":4102444800,"aud":["x","orders"],"nbf":1,"iat":1.5}`, "/orders?a=b", "API.example.com.:443", true)
	f.Add(`{"alg":"none"}`, `{"sub":"a","exp":4102444800,"aud":"orders"}`, "/orders", "api.example.com", true)
	f.Add(`{"alg":"HS256","crit":["b64"],"b64":false}`, `{"sub":"a","exp":4102444800,"aud":"orders"}`, "/orders", "api.example.com", true)
	f.Add(`{"alg":"HS256","alg":"none"}`, `{"sub":"a","sub":"b","exp":4102444800,"aud":"orders"}`, "/orders/../x", "api.example.com", true)
	f.Add(`{"alg":"HS256"}`, `{"sub":"a","exp":1,"aud":"orders"}`, "//orders", "a,b", false)
	f.Add(`{"alg":"HS256"}`, `{"sub":" ","exp":"x","aud":{}}`, "/%6frders", "api.example.com", true)
	key := keys()["HS256"]
	e := engine(f, standard(onAPI(func(a *APISpec) { a.Claims.Audiences = []string{"orders"} })))
	f.Fuzz(func(t *testing.T, head, payload, target, host string, signed bool) {
		text := b64([]byte(head)) + "." + b64([]byte(payload))
		token := text + "." + b64(key.signature([]byte(text)))
		if !signed {
			token = text + "." + b64([]byte(payload))
		}
		req := &request{line: Line{Method: "GET", Host: host, Target: target}}
		req.headers = [][2]string{{"authorization", "Bearer " + token}}
		cold := e.Decide(context.Background(), req)
		warm := e.Decide(context.Background(), req)
		if cold.Outcome != warm.Outcome || cold.Reason != warm.Reason {
			t.Fatalf("cold %q, warm %q", cold.Reason, warm.Reason)
		}
		if cold.Reason == Internal {
			t.Fatal("internal")
		}
		if cold.Outcome == Allow {
			if why := slowly(head, payload, target, host); why != "" || !signed {
				t.Fatalf("allowed, though %s (signed: %v)", why, signed)
			}
		}
	})
}

// slowly says why a request must not pass, "" where it may.
func slowly(head, payload, target, host string) string {
	host = strings.TrimSuffix(strings.ToLower(strings.SplitN(host, ":", 2)[0]), ".")
	if host != "api.example.com" {
		return "the host is another"
	}
	path, err := url.PathUnescape(strings.SplitN(target, "?", 2)[0])
	if err != nil || (path != "/orders" && !strings.HasPrefix(path, "/orders/")) {
		return "the path is another"
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return "the path has dot segments"
		}
	}
	if strings.Contains(path, "//") || strings.ContainsAny(path, ";\\#<>\"^{|}` \x00") {
		return "the path is ambiguous"
	}
	header, claims := members(head), members(payload)
	if header == nil || claims == nil {
		return "a part is no object"
	}
	if header["alg"] != "HS256" || header["crit"] != nil || header["b64"] != nil {
		return "the header is odd"
	}
	if typ, ok := header["typ"].(string); ok && !strings.EqualFold(strings.TrimPrefix(strings.ToLower(typ), "application/"), "JWT") && !strings.EqualFold(strings.TrimPrefix(strings.ToLower(typ), "application/"), "at+jwt") {
		return "typ is another"
	}
	now := new(big.Rat).SetInt64(noon().Unix())
	if exp := rational(claims["exp"]); exp == nil || exp.Cmp(now) <= 0 {
		return "exp has passed or is none"
	}
	for _, name := range []string{"nbf", "iat"} {
		if v, ok := claims[name]; ok {
			if at := rational(v); at == nil || at.Cmp(now) > 0 {
				return name + " lies ahead or is none"
			}
		}
	}
	if sub, ok := claims["sub"].(string); !ok || strings.TrimSpace(sub) == "" {
		return "sub names nobody"
	}
	if iss, ok := claims["iss"]; ok {
		if _, ok := iss.(string); !ok {
			return "iss is no text"
		}
	}
	list, _ := claims["aud"].([]any)
	if claims["aud"] != "orders" && !slices.Contains(list, any("orders")) {
		return "aud is another"
	}
	return ""
}

func members(text string) map[string]any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var out map[string]any
	if decoder.Decode(&out) != nil || decoder.More() {
		return nil
	}
	return out
}

func rational(v any) *big.Rat {
	number, ok := v.(json.Number)
	if !ok || len(number) > 100 || strings.ContainsAny(string(number), "eE") && len(number) > 20 {
		return nil
	}
	out, ok := new(big.Rat).SetString(string(number))
	if !ok {
		return nil
	}
	return out
}
