package policies

// Set is all policies of one snapshot, compiled. It is safe for concurrent use.
type Set struct{}

// Compile compiles policies. apis are the ids of all APIs, for references.
// Pointers of problems are relative to the list ("/3/access/orders/allow/0/path").
// The Set is never nil, so that selectors can be checked against it; where a
// problem is not a warning its Merge refuses everything.
func Compile(specs []Spec, apis []string, merge Merge) (*Set, []Problem) {
	return &Set{}, nil
}

// Merge gives the grant of several policies, in any order. org is the API's:
// policies of other orgs do not exist for it. The error is a *MissingError,
// *UnknownError or *InactiveError. A grant that was merged before is found
// again without allocating.
func (s *Set) Merge(org string, ids []string) (*Grant, error) {
	return nil, &MissingError{}
}
