package authz

import (
	"net/url"
	"strings"
	"time"
)

// maxTokenBytes is more than fronts let through in one header.
const maxTokenBytes = 1 << 20

// checkTop checks what stands beside apis and policies.
func checkTop(spec Spec, p *problems) {
	switch spec.Unmatched {
	case "", UnmatchedDeny, UnmatchedAllow:
	default:
		p.add("/insecure_unmatched", "is neither deny nor allow", "deny")
	}
	if spec.Token.MaxBytes < 0 || spec.Token.MaxBytes > maxTokenBytes {
		p.add("/token/max_bytes", "must be 1 to 1048576, or 0 for 16384", "16384")
	}
	if !isQuotable(spec.Answers.Realm) {
		p.add("/answers/realm", "holds characters that cannot stand in a header", "printable ASCII")
	}
	if link := spec.Answers.ResourceMetadata; link != "" {
		u, err := url.Parse(link)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || !isQuotable(link) {
			p.add("/answers/resource_metadata", "is no URL", "https://api.example.com/.well-known/oauth-protected-resource")
		}
	}
}

func isQuotable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// notYet is the text of every setting whose part of the service is absent.
const notYet = "not available yet"

// What keeps things in the store is made with the engine: a service that began
// without it has to begin anew.
const (
	notKept = "needs a sealed store, which is opened at the start only"
	restart = "restart the service with this configuration"
)

// checkSeams refuses what this engine was given no part for: a setting is never
// silently ignored.
func (e *Engine) checkSeams(spec Spec, p *problems) {
	for i := range spec.APIs {
		a := &spec.APIs[i]
		switch a.Split.Mode {
		case "", SplitNone, SplitAllowed, SplitRequired:
		default:
			p.add(at("/apis", i, "split"), "is no way to take split tokens", "none, allowed or required")
		}
		if a.Split.Mode != "" && a.Split.Mode != SplitNone && e.options.Restorer == nil {
			p.add(at("/apis", i, "split"), notKept, restart)
		}
		counts := a.Limits
		counts.SkipRate, counts.SkipQuota = false, false
		if counts != (APILimitsSpec{}) && e.options.Limiter == nil {
			p.add(at("/apis", i, "limits"), notYet, "")
		}
		for j := range a.Keys {
			if a.Keys[j].Credentials && e.options.Credentials == nil {
				p.add(at("/apis", i, "keys", j, "credentials"), notKept, restart)
			}
		}
	}
	if e.options.Revocations == nil && spec.Revocation != (RevocationSpec{}) && spec.Revocation != defaultRevocation() {
		p.add("/revocation", notKept, restart)
	}
	if e.options.Limiter != nil {
		return
	}
	for i := range spec.Policies {
		s := &spec.Policies[i]
		if s.Rate != nil {
			p.add(at("/policies", i, "rate"), notYet, "")
		}
		if s.Quota != nil {
			p.add(at("/policies", i, "quota"), notYet, "")
		}
		if s.Tyk.Limited() {
			p.add(at("/policies", i, "rate"), notYet, "")
		}
		for _, access := range s.Access {
			for j := range access.Allow {
				if access.Allow[j].Rate != nil {
					p.add(at("/policies", i, "access", access.API, "allow", j, "rate"), notYet, "")
				}
			}
		}
	}
}

func defaultRevocation() RevocationSpec { return RevocationSpec{StaleAfter: 30 * time.Second} }
