package tyk

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// Native gives the files as one native file, and adds to the findings what that
// cannot say: those have ids that begin with "native-".
func (l *Loaded) Native() ([]byte, error) {
	apis := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for i := range l.APIs {
		apis.Content = append(apis.Content, l.nativeAPI(i).node)
	}
	rules := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for i := range l.Policies {
		rules.Content = append(rules.Content, l.nativePolicy(i).node)
	}
	root := newObject()
	root.set("version", number(1))
	root.set("apis", apis)
	root.set("policies", rules)
	return yaml.Marshal(root.node)
}

// lose tells what a native file cannot say of a definition.
func (l *Loaded) lose(i int, id, reason string) { l.apiPlaces[i].note("native-"+id, reason, "") }

func (l *Loaded) nativeAPI(i int) object {
	a := &l.APIs[i]
	out := newObject()
	out.text("id", a.ID)
	out.text("name", a.Name)
	out.text("org", a.Org)
	keys, algorithms, kept := l.nativeKeys(i)
	if a.Inactive || !kept {
		out.set("active", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"})
	}
	out.text("compat", "tyk")
	out.text("errors", "tyk")
	if len(a.Match) > 0 {
		match := newObject()
		match.text("host", a.Match[0].Host)
		match.text("path", a.Match[0].Path)
		out.set("match", &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{match.node}})
	} else {
		l.lose(i, "internal", "the definition is internal: the native API is reached by api_id of a route only")
	}
	if len(keys) > 0 {
		out.set("keys", &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: keys})
		out.texts("algorithms", algorithms)
		out.object("claims", nativeClaims(&a.Claims))
	}
	out.object("token", l.nativeToken(i))
	out.texts("identity", a.Identity)
	out.object("policies", nativeSelector(&a.Policies))
	out.object("inject", l.nativeInject(i))
	limits := newObject()
	limits.object("rate", nativeRate(a.Limits.Rate))
	out.object("limits", limits)
	l.loseOfAPI(i)
	return out
}

// loseOfAPI tells what else a native API lacks.
func (l *Loaded) loseOfAPI(i int) {
	a := &l.APIs[i]
	for _, lost := range []struct {
		is         bool
		id, reason string
	}{
		{a.Limits.SkipRate, "skip-rate", "a native API cannot switch off the rates of policies: they count"},
		{a.Limits.SkipQuota, "skip-quota", "a native API cannot switch off the quotas of policies: they count"},
		{len(a.Remove) > 0, "remove", "a native API removes no request headers but those that it injects: let Envoy's route remove them"},
		{a.Definition != nil && a.Definition.SkipKid, "skip-kid", "a native API finds a credential by its kid where a token has one"},
		{len(a.Policies.Default) > 1 || len(a.Policies.ScopeMap) > 0, "merge", "tokens that name several policies: native merging unites lists of URLs with unlimited rights, takes a policy without a rate as unlimited, and counts each policy apart"},
	} {
		if lost.is {
			l.lose(i, lost.id, lost.reason)
		}
	}
}

// nativeKeys gives the keys of an API and the algorithms of its signing method
// that they can use. kept is false where the API has to be inactive.
func (l *Loaded) nativeKeys(i int) (keys []*yaml.Node, algorithms []string, kept bool) {
	a := &l.APIs[i]
	if a.Inactive {
		return nil, nil, true
	}
	remote := false
	for j := range a.Keys {
		k := &a.Keys[j]
		out := newObject()
		switch {
		case k.JWKS != "":
			remote = true
			out.text("jwks", k.JWKS)
			out.span("refresh", k.Remote.Refresh)
			out.on("insecure_http", k.Remote.InsecureHTTP)
		case l.References[a.ID] != "" && k.Secret != nil:
			out.text("secret", l.References[a.ID])
			out.on("insecure_short_secret", true)
		case l.References[a.ID] != "":
			out.text("pem", l.References[a.ID])
		case k.Secret != nil:
			out.text("secret", "base64:"+base64.StdEncoding.EncodeToString(k.Secret))
			out.on("insecure_short_secret", len(k.Secret) < longSecret)
		case k.PEM != nil:
			out.text("pem", pemText(k.PEM))
			algorithms = usable(k.PEM, a.Algorithms)
		default:
			out.on("credentials", k.Credentials)
		}
		keys = append(keys, out.node)
	}
	switch {
	case len(a.Keys) == 0:
		l.lose(i, "keys", "the definition has no key, so every request is refused: the native API is inactive")
		return nil, nil, false
	case len(a.Keys) == 1 && a.Keys[0].PEM != nil && l.References[a.ID] == "":
	case remote:
		algorithms = without(a.Algorithms, "HS")
	default:
		algorithms = a.Algorithms
	}
	switch {
	case len(algorithms) == 0:
		l.lose(i, "keys", "no algorithm of the signing method can use the key, so every request is refused: the native API is inactive")
		return nil, nil, false
	case a.Definition != nil && a.Definition.Versions != nil:
		l.lose(i, "versions", "a native API has no versions: it is inactive until each version is an API of its own")
		return keys, algorithms, false
	case a.Token.HeaderOff && a.Token.Query == "" && a.Token.Cookie == "":
		l.lose(i, "location", "no place is left for a token, so every request is refused: the native API is inactive")
		return keys, algorithms, false
	}
	return keys, algorithms, true
}

// longSecret is enough for every hash (RFC 7518 section 3.2).
const longSecret = 64

func without(algorithms []string, family string) []string {
	var out []string
	for _, a := range algorithms {
		if !strings.HasPrefix(a, family) {
			out = append(out, a)
		}
	}
	return out
}

// usable gives the algorithms that fit a public key.
func usable(key []byte, algorithms []string) []string {
	der := key
	if block, _ := pem.Decode(key); block != nil {
		der = block.Bytes
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		cert, certErr := x509.ParseCertificate(der)
		if certErr != nil {
			public, err = x509.ParsePKCS1PublicKey(der)
			if err != nil {
				return nil
			}
		} else {
			public = cert.PublicKey
		}
	}
	fits := ""
	switch key := public.(type) {
	case *rsa.PublicKey:
		return append(without(without(algorithms, "ES"), "HS"), []string{}...)
	case *ecdsa.PublicKey:
		fits = map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[key.Curve.Params().BitSize]
	}
	for _, a := range algorithms {
		if a == fits {
			return []string{a}
		}
	}
	return nil
}

// pemText gives a key as PEM, which DER is brought to.
func pemText(key []byte) string {
	if block, _ := pem.Decode(key); block != nil {
		return string(key)
	}
	return "base64:" + base64.StdEncoding.EncodeToString(key)
}

func nativeClaims(c *authz.ClaimsSpec) object {
	out := newObject()
	out.texts("issuers", c.Issuers)
	out.texts("audiences", c.Audiences)
	out.on("insecure_any_audience", c.InsecureAnyAudience)
	out.texts("subjects", c.Subjects)
	out.set("require", texts(c.Require))
	skew := newObject()
	skew.span("exp", c.Skew.Exp)
	skew.span("nbf", c.Skew.Nbf)
	skew.span("iat", c.Skew.Iat)
	out.object("skew", skew)
	out.texts("insecure_skip", c.InsecureSkip)
	rules := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for i := range c.Rules {
		r := &c.Rules[i]
		rule := newObject()
		rule.text("claim", r.Claim)
		if r.Equals != nil {
			rule.set("equals", scalars(r.Equals))
		}
		if r.Contains != nil {
			rule.set("contains", scalars(r.Contains))
		}
		rule.on("warn_only", r.WarnOnly)
		rules.Content = append(rules.Content, rule.node)
	}
	if len(rules.Content) > 0 {
		out.set("rules", rules)
	}
	return out
}

func (l *Loaded) nativeToken(i int) object {
	t := &l.APIs[i].Token
	out := newObject()
	if !t.HeaderOff {
		out.text("header", t.Header)
	}
	out.text("query", t.Query)
	out.text("cookie", t.Cookie)
	out.on("strip", t.Strip)
	return out
}

func nativeSelector(s *policies.SelectorSpec) object {
	out := newObject()
	out.texts("claims", s.Claims)
	out.texts("default", s.Default)
	scopes := newObject()
	scopes.texts("claims", s.ScopeClaims)
	if len(s.ScopeMap) > 0 {
		list := newObject()
		for _, scope := range sortedKeys(s.ScopeMap) {
			list.set(scope, texts(s.ScopeMap[scope]))
		}
		scopes.object("map", list)
	}
	out.object("scopes", scopes)
	return out
}

// nativeInject gives the injected headers that a native API can have: one
// variable, or a text.
func (l *Loaded) nativeInject(i int) object {
	out := newObject()
	a := &l.APIs[i]
	for _, in := range a.Inject {
		value := in.Template
		switch {
		case !strings.Contains(value, "$tyk_"):
		case value == "$tyk_meta.TykJWTSessionID", value == "$tyk_context.token":
			value = "$session.id"
			l.lose(i, "session-id", in.Header+" gets the session id of this gate, not the one that Tyk would show")
		case strings.HasPrefix(value, "$tyk_meta.") && strings.Count(value, "$") == 1 && !strings.ContainsAny(value, " ;,="):
			value = "$meta." + strings.TrimPrefix(value, "$tyk_meta.")
		case strings.HasPrefix(value, "$tyk_context.jwt_claims_") && strings.Count(value, "$") == 1 && !strings.ContainsAny(value, " ;,=") && a.Definition != nil && a.Definition.Context:
			value = "$claims." + strings.TrimPrefix(value, "$tyk_context.jwt_claims_")
		default:
			l.lose(i, "header", in.Header+" is not sent: its value is a text with variables in it, or a variable that there is not")
			continue
		}
		if value == "" {
			continue
		}
		out.set(strings.ToLower(in.Header), text(value))
	}
	return out
}

func nativeRate(r *policies.Rate) object {
	out := newObject()
	if r == nil || r.Requests < 0 {
		return out
	}
	out.set("requests", number(r.Requests))
	out.span("per", r.Per)
	out.text("algorithm", string(r.Algorithm))
	return out
}
