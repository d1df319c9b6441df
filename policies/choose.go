package policies

import (
	"slices"
	"strconv"
	"strings"
)

// Claims is what a Selector reads of a verified token.
type Claims interface {
	// Texts gives the claim called name (literally, then as a path through
	// objects): the text of a Text, the elements of a List.
	Texts(name string) ([]string, Form)
}

// Form says how a claim is written.
type Form uint8

// The forms. A list with an element that is no text is Unreadable, and so is
// every other JSON value; null is Absent.
const (
	Absent Form = iota
	Text
	List
	Unreadable
)

// Choice is what a token's claims choose.
type Choice struct {
	IDs    []string // policy ids, sorted, each once; for Set.Merge
	Scopes Scopes   // all scopes of the token, mapped or not; for Permits
	Origin Origin   // which of the three named them; only where Tyk's habits count
}

// Selector chooses the policies of a token by the rules of one API.
type Selector struct {
	spec SelectorSpec
	set  *Set
}

// CompileSelector checks a specification against the policies of set. Pointers
// of problems are relative to the API's "policies" section ("/default/0").
func CompileSelector(spec SelectorSpec, set *Set) (*Selector, []Problem) {
	var r report
	if spec.ScopeClaims == nil {
		spec.ScopeClaims = []string{"scope", "scp"}
	}
	for i, id := range spec.Default {
		set.checkReference(&r, spec, "/default/"+strconv.Itoa(i), id)
	}
	for scope, ids := range spec.ScopeMap {
		at := "/scopes/map/" + pointerToken(scope)
		if !spec.Tyk && !scopeToken(scope) {
			r.fault(at, fault{"no token can hold this scope: it is empty or has a blank, a quote or a backslash", ""})
		}
		if len(ids) == 0 {
			r.warn(at, fault{"a scope that gives no policy changes nothing", "name a policy or leave the scope out"})
		}
		for i, id := range ids {
			set.checkReference(&r, spec, at+"/"+strconv.Itoa(i), id)
		}
	}
	for i, name := range spec.Claims {
		r.checkName("/claims/"+strconv.Itoa(i), name)
	}
	for i, name := range spec.ScopeClaims {
		r.checkName("/scopes/claims/"+strconv.Itoa(i), name)
	}
	return &Selector{spec: spec, set: set}, r.sorted()
}

// checkName refuses an empty claim name.
func (r *report) checkName(at, name string) {
	if name == "" {
		r.fault(at, fault{"a claim needs a name", "leave the element out"})
	}
}

// checkReference reports an id that no policy has. Definitions from Tyk files may
// name one: it denies when it is the one needed (contract section 5).
func (s *Set) checkReference(r *report, spec SelectorSpec, at, id string) {
	p := s.find(spec.Org, id)
	switch {
	case p == nil:
		f := fault{"policy " + shown(id) + " does not exist", suggest(id, s.ids)}
		r.add(at, f, spec.Tyk)
	case p.inactive:
		r.warn(at, fault{"policy " + shown(id) + " is inactive: tokens that need it are refused", ""})
	}
}

// Choose gives the policies that claims name: policy claims and mapped scopes
// together, the default only when they give none. The error is a *MissingError
// or a *ClaimError; whether the policies exist is for Set.Merge to say.
func (s *Selector) Choose(claims Claims) (Choice, error) {
	if s.spec.Tyk {
		return s.chooseTyk(claims)
	}
	scopes, err := s.scopes(claims)
	if err != nil {
		return Choice{}, err
	}
	var ids []string
	for _, name := range s.spec.Claims {
		texts, form := claims.Texts(name)
		if form == Unreadable {
			return Choice{}, &ClaimError{Claim: name}
		}
		ids = append(ids, texts...)
	}
	for _, scope := range scopes.sorted {
		ids = append(ids, s.spec.ScopeMap[scope]...)
	}
	return chosen(ids, s.spec.Default, scopes)
}

// scopes reads the scope claims. One that nobody can read gives no scopes; where
// scopes choose policies it leaves open which, so that is refused.
func (s *Selector) scopes(claims Claims) (Scopes, error) {
	var names []string
	for _, name := range s.spec.ScopeClaims {
		texts, form := claims.Texts(name)
		switch form {
		case Text:
			for _, text := range texts {
				names = append(names, strings.Split(text, " ")...)
			}
		case List:
			names = append(names, texts...)
		case Unreadable:
			if len(s.spec.ScopeMap) > 0 {
				return Scopes{}, &ClaimError{Claim: name}
			}
		case Absent:
		}
	}
	return ScopesOf(names...), nil
}

// chosen falls back to the default where ids name nothing.
func chosen(ids, fallback []string, scopes Scopes) (Choice, error) {
	ids = unique(ids)
	if len(ids) == 0 {
		ids = unique(fallback)
	}
	if len(ids) == 0 {
		return Choice{}, &MissingError{}
	}
	return Choice{IDs: ids, Scopes: scopes}, nil
}

// unique gives a sorted copy without empty and repeated texts.
func unique(texts []string) []string {
	sorted := slices.Sorted(slices.Values(texts))
	sorted = slices.Compact(sorted)
	if len(sorted) > 0 && sorted[0] == "" {
		sorted = sorted[1:]
	}
	return sorted
}
