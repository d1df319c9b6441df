// Package policies says what a policy grants, chooses the policies of a token
// and merges several of them into one grant. It is pure: no clock, no store, no
// transport; what it is asked twice it answers the same.
//
// At load, Compile turns specifications (spec.go) into a Set: check.go says what
// contradicts itself, pattern.go reads paths, tree.go keeps the entries of one
// policy and API where a request finds them, shadow.go warns of entries that
// protect nothing, report.go collects problems. CompileSelector and
// CompileRoutes do the same for what an API adds.
//
// For a request, ParseTarget (target.go) reads the path or refuses it,
// Selector.Choose (choose.go) gives policy ids and scopes, Set.Merge (set.go)
// the Grant of them (grant.go), and APIGrant.Permits (permit.go, search.go) the
// answer with the limits that govern it (generous.go, counter.go, calendar.go).
// With a combination that was there before nothing of this allocates, and nothing
// grows with the number of policies or entries.
//
// It never counts: a Limit says what is to be counted on which counter.
package policies
