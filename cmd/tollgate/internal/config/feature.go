package config

// features is the one table of what this build has of the contract. What it has
// not is refused at its position as "not available yet"; a step that builds a
// part changes its row.
func features() map[string]bool {
	return map[string]bool{
		"store":            true,
		"seal":             true,
		"admin":            true,
		"listen.public":    true,
		"listen.admin":     true,
		"revocation":       true,
		"tyk":              true, // the section, and Tyk files named by include
		"token_endpoints":  true,
		"limits":           true, // the section, and limits of an API
		"rate":             true,
		"quota":            true,
		"keys.jwks":        true,
		"keys.discover":    true,
		"keys.credentials": true,
		"split":            true,
	}
}

// The words for everything that is not available.
const (
	notAvailable = " is not available yet"
	leaveOut     = "leave it out"
)
