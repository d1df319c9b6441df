package credential

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
)

// Bounds of a credential.
const (
	MaxID      = 1024
	MaxSecrets = 2
	maxSecret  = 4096 // bytes of an HMAC secret
	maxPEM     = 16 << 10
	maxDoc     = 256 << 10 // bytes of the whole record
	maxTexts   = 256       // policies, tags, metadata
)

// ErrInvalid says that a credential cannot be kept as it is.
var ErrInvalid = errors.New("invalid key")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// Random gives an id or a secret of 256 random bits, in letters and digits.
func Random() string { return rand.Text() + rand.Text() }

// check says what is wrong with a credential that is to be kept.
func (c *Credential) check(now time.Time) error {
	switch {
	case c.ID == "" || len(c.ID) > MaxID:
		return invalid("an id has 1 to %d bytes, not %d", MaxID, len(c.ID))
	case !utf8.ValidString(c.ID):
		return invalid("the id is not UTF-8, so no token can name it")
	case len(c.Org) > MaxID || len(c.Alias) > MaxID:
		return invalid("org and alias have at most %d bytes", MaxID)
	case len(c.Policies) > maxTexts || len(c.Tags) > maxTexts || len(c.Meta) > maxTexts || len(c.Access) > maxTexts:
		return invalid("at most %d policies, APIs, tags and metadata values", maxTexts)
	case len(c.Policies) == 0 && len(c.Access) == 0:
		return invalid("it needs a policy or access of its own: without either it would open nothing")
	case len(c.Secrets) == 0 || len(c.Secrets) > MaxSecrets:
		return invalid("1 to %d secrets, not %d", MaxSecrets, len(c.Secrets))
	case !c.Expires.IsZero() && !c.Expires.After(now):
		return invalid("its expiry has passed: leave it out, or give a time to come")
	}
	for i := range c.Secrets {
		if _, err := c.Secrets[i].key(); err != nil {
			return err
		}
	}
	return nil
}

// key is what verifies tokens.
func (s *Secret) key() (*jws.Key, error) {
	switch s.Kind {
	case HMAC:
		if len(s.Material) > maxSecret {
			return nil, invalid("a secret has at most %d bytes", maxSecret)
		}
		parse := jws.NewSecret
		if s.Short {
			parse = jws.NewInsecureSecret
		}
		k, err := parse(s.Material)
		if err != nil {
			return nil, invalid("%w", err)
		}
		return k, nil
	case PublicKey:
		if len(s.Material) > maxPEM {
			return nil, invalid("a public key has at most %d bytes", maxPEM)
		}
		k, err := keyset.ParsePEM(s.Material, keyset.Binding{})
		if err != nil {
			return nil, invalid("%w", err)
		}
		return k.Key, nil
	}
	return nil, invalid("kind %q of a secret: use hmac or public_key", s.Kind)
}

// Warnings says what is unwise about a credential that can be kept.
func (c *Credential) Warnings() []string {
	var warnings []string
	for _, s := range c.Secrets {
		if s.Kind == HMAC && len(s.Material) < 32 {
			warnings = append(warnings, fmt.Sprintf("the secret has %d bytes: below 32 it can be guessed from one token", len(s.Material)))
		}
	}
	return warnings
}
