package policies

// Limits gives the limits that govern an API where no entry and no endpoint has
// one of its own, for somebody with these scopes. nil is unlimited. A nil APIGrant
// has none.
func (g *APIGrant) Limits(scopes Scopes) (rate, quota *Limit) {
	if g == nil {
		return nil, nil
	}
	return governs(g.baseRate(scopes)), g.quota(scopes)
}

// Versions gives the versions of a versioned API that are granted, in order.
func (g *APIGrant) Versions() []string {
	if g == nil {
		return nil
	}
	var out []string
	for _, s := range g.sources {
		out = append(out, s.versions...)
	}
	return unique(out)
}

// Grants says what a policy says about one API: the entries of its list, and
// whether it says anything. Without a list it grants the whole API.
func (s *Spec) Grants(api string) (list []AllowSpec, ok bool) {
	if t := s.Tyk; t != nil {
		whole := !t.ACL && !t.Quota && !t.RateLimit && !t.Complexity
		for i := range t.Access {
			if t.Access[i].API == api && (whole || t.ACL || t.PerAPI) {
				return t.Access[i].URLs, true
			}
		}
		return nil, false
	}
	for i := range s.Access {
		if a := &s.Access[i]; a.API == api {
			return a.Allow, a.All || len(a.Allow) > 0
		}
	}
	return nil, false
}
