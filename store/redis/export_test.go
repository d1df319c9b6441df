package redis

import "github.com/tollgate-authz/tollgate/store"

// CheckAddress is what is found without asking a server.
func CheckAddress(s *Store) []store.Finding { return s.checkAddress() }
