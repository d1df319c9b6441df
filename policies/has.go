package policies

// Has says whether there is a policy of this id for an API of org.
func (s *Set) Has(org, id string) bool { return s.find(org, id) != nil }
