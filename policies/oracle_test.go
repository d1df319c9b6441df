package policies

import (
	"cmp"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// This file says what the access rules mean in the slowest and plainest way:
// every entry is tried by a regular expression made on the spot.

// slowMatches reports whether a path pattern fits a canonical path.
func slowMatches(pattern, path string) bool {
	if text, ok := strings.CutPrefix(pattern, "regex:"); ok {
		return regexp.MustCompile(`^(?:`+text+`)$`).FindString(path) == path
	}
	var text strings.Builder
	rest, deep := strings.CutSuffix(pattern, "/**")
	for i, segment := range strings.Split(rest, "/") {
		if i > 0 {
			text.WriteString("/")
		}
		if strings.HasPrefix(segment, "{") {
			text.WriteString("[^/]+")
		} else {
			text.WriteString(regexp.QuoteMeta(segment))
		}
	}
	if deep {
		text.WriteString("(/.*)?")
	}
	return regexp.MustCompile(`^` + text.String() + `$`).MatchString(path)
}

// slowSpecific orders patterns that fit the same path, the most specific first.
func slowSpecific(a, b string) int {
	kind := func(p string) int {
		switch {
		case strings.HasPrefix(p, "regex:"):
			return 1
		case strings.HasSuffix(p, "/**"):
			return 2
		}
		return 0
	}
	if kind(a) != kind(b) || kind(a) == 1 {
		return cmp.Compare(kind(a), kind(b))
	}
	sa, sb := strings.Split(a, "/"), strings.Split(b, "/")
	if len(sa) != len(sb) {
		return cmp.Compare(len(sb), len(sa)) // deeper prefix first
	}
	for i := range sa {
		pa, pb := strings.HasPrefix(sa[i], "{"), strings.HasPrefix(sb[i], "{")
		if pa != pb {
			if pb {
				return -1
			}
			return 1
		}
	}
	return 0
}

// slowRate is a rate as the oracle compares it; nil is unlimited.
func slowMore(a, b *Rate) int {
	free := func(r *Rate) bool { return r == nil || r.Requests < 0 }
	switch {
	case free(a) && free(b):
		return 0
	case free(a):
		return 1
	case free(b):
		return -1
	}
	speed := func(r *Rate) *big.Rat {
		if r.Requests == 0 {
			return new(big.Rat)
		}
		return big.NewRat(r.Requests, int64(r.Per))
	}
	if c := speed(a).Cmp(speed(b)); c != 0 {
		return c
	}
	return cmp.Compare(a.Requests, b.Requests)
}

// slowSet answers for a list of policies that a token has.
type slowSet []Spec

func (s slowSet) entries(api string) map[string]AccessSpec {
	out := map[string]AccessSpec{}
	for _, spec := range s {
		for _, access := range spec.Access {
			if access.API == api && (access.All || len(access.Allow) > 0) {
				out[spec.ID] = access
			}
		}
	}
	return out
}

// base is the rate of the most generous policy that grants the API to scopes.
func (s slowSet) base(api string, scopes Scopes) (rate *Rate) {
	first := true
	for _, spec := range s {
		access, ok := s.entries(api)[spec.ID]
		if !ok || !scopes.Cover(spec.RequireScopes) {
			continue
		}
		if !access.All && !slices.ContainsFunc(access.Allow, func(a AllowSpec) bool { return scopes.Cover(a.RequireScopes) }) {
			continue
		}
		if first || slowMore(spec.Rate, rate) > 0 {
			rate = spec.Rate
		}
		first = false
	}
	return rate
}

// permits answers one request.
func (s slowSet) permits(api, method, path string, scopes Scopes) (Permission, *Rate) {
	permission, base := Refused, s.base(api, scopes)
	var rate *Rate
	for _, spec := range s {
		access, ok := s.entries(api)[spec.ID]
		if !ok {
			continue
		}
		own, fits, lacks := slowPolicy(spec, access, slowRequest{method, path, scopes, base})
		if lacks && permission == Refused {
			permission = Insufficient
		}
		if !fits {
			continue
		}
		if permission != Allowed || slowMore(own, rate) > 0 {
			rate = own
		}
		permission = Allowed
	}
	if rate != nil && rate.Requests < 0 {
		rate = nil
	}
	return permission, rate
}

type slowRequest struct {
	method, path string
	scopes       Scopes
	base         *Rate
}

// slowPolicy tries one policy: its rate for the request, whether it grants, and
// whether it would with more scopes.
func slowPolicy(spec Spec, access AccessSpec, q slowRequest) (rate *Rate, fits, lacks bool) {
	if access.All {
		fits = q.scopes.Cover(spec.RequireScopes)
		return q.base, fits, !fits
	}
	var best AllowSpec
	effective := func(a AllowSpec) *Rate {
		if a.Rate != nil {
			return a.Rate
		}
		return q.base
	}
	for _, a := range access.Allow {
		if !slices.Contains(a.Methods, q.method) || !slowMatches(a.Path, q.path) {
			continue
		}
		if !q.scopes.Cover(spec.RequireScopes) || !q.scopes.Cover(a.RequireScopes) {
			lacks = true
			continue
		}
		order := slowSpecific(a.Path, best.Path)
		if !fits || order < 0 || order == 0 && slowMore(effective(a), effective(best)) > 0 {
			best = a
		}
		fits = true
	}
	return effective(best), fits, lacks
}
