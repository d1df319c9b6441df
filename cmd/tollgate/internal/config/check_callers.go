package config

import (
	"bytes"
	"fmt"
)

// shortest is the least length of an admin token in characters.
const shortest = 32

const (
	tooShort = "the secret has less than 32 characters"
	another  = "make one with: openssl rand -base64 32"
)

// adminTokens checks that each token names one caller with one role.
func (c *checker) adminTokens(a *Admin) {
	const secretName = "admin.secret" // of the shorthand, in the audit log
	names, secrets := map[string]bool{}, map[string]bool{}
	if !a.Secret.IsZero() {
		names[secretName] = true
		secrets[string(a.Secret.Bytes())] = true
	}
	for i, t := range a.Tokens {
		at := fmt.Sprintf("/admin/tokens/%d", i)
		switch secret := string(t.Secret.Bytes()); {
		case t.Secret.IsZero():
			c.fault(at+"/secret", "the secret is empty", another)
		case secret == "": // not resolved, which is reported already
		case len(secret) < shortest:
			c.fault(at+"/secret", tooShort, another)
		case secrets[secret]:
			c.fault(at+"/secret", "two tokens have the same secret", another)
		default:
			secrets[secret] = true
		}
		switch {
		case t.Name == "":
			c.fault(at+"/name", "the token has no name", "write one that the audit log can show")
		case names[t.Name] && t.Name == secretName:
			c.fault(at+"/name", "the name "+secretName+" is that of admin.secret", "give the token another")
		case names[t.Name]:
			c.fault(at+"/name", "two tokens have the name "+quote(t.Name), "give each its own")
		}
		names[t.Name] = true
	}
}

// clients checks those of all token endpoints: they introspect and revoke at the
// same paths, so an id means one client.
func (c *checker) clients(endpoints []TokenEndpoint) {
	type seen struct {
		at     string
		secret []byte
	}
	known := map[string]seen{}
	for i, e := range endpoints {
		for j, client := range e.Clients {
			at := fmt.Sprintf("/token_endpoints/%d/clients/%d", i, j)
			if client.ID == "" {
				c.fault(at+"/id", "the client has no id", "write one")
			}
			if client.Secret.IsZero() {
				c.fault(at+"/secret", "the secret is empty", another)
			}
			secret := client.Secret.Bytes()
			first, twice := known[client.ID]
			switch {
			case !twice:
				known[client.ID] = seen{at, secret}
			case secret != nil && first.secret != nil && !bytes.Equal(first.secret, secret):
				c.fault(at+"/secret", "the client "+quote(client.ID)+" has another secret in "+first.at, "give it one, or another id")
			}
		}
	}
}
