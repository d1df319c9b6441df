package credential

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/tollgate-authz/tollgate/policies"
)

// Kind is the kind of a secret.
type Kind string

// The kinds of secrets.
const (
	HMAC      Kind = "hmac"
	PublicKey Kind = "public_key"
)

// Secret verifies tokens of one credential. It never shows its material.
type Secret struct {
	Kind     Kind      `json:"kind"`
	Material []byte    `json:"material"`        // HMAC secret, or PEM of a public key or certificate
	Short    bool      `json:"short,omitempty"` // an HMAC secret below the floor was taken knowingly
	Until    time.Time `json:"until,omitzero"`  // zero: no end
}

// String hides the material.
func (s Secret) String() string { return string(s.Kind) + " [redacted]" }

// GoString hides the material from %#v.
func (s Secret) GoString() string { return s.String() }

// Credential is one key: what its holder may do, and what verifies its tokens.
type Credential struct {
	ID       string                `json:"id"`
	Org      string                `json:"org,omitempty"`
	Alias    string                `json:"alias,omitempty"`
	Inactive bool                  `json:"inactive,omitempty"`
	Expires  time.Time             `json:"expires,omitzero"` // zero: never
	Policies []string              `json:"policies,omitempty"`
	Access   []policies.AccessSpec `json:"access,omitempty"` // rights of its own
	Rate     *policies.Rate        `json:"rate,omitempty"`   // a rate of its own
	Quota    *policies.Quota       `json:"quota,omitempty"`
	// Tyk are rights and limits as a Tyk document gives them, with versions and with
	// limits of APIs and endpoints; they stand in for Access, Rate and Quota, which
	// say what a native key can of the same.
	Tyk     *policies.TykSpec `json:"tyk,omitempty"`
	Tags    []string          `json:"tags,omitempty"`
	Meta    map[string]string `json:"meta,omitempty"`
	Secrets []Secret          `json:"secrets"` // newest first, at most MaxSecrets
	Created time.Time         `json:"created"`
	Updated time.Time         `json:"updated"`
	// Foreign is what a Tyk-shaped document said that has no meaning here, kept so
	// that it can be given back as it came.
	Foreign []byte `json:"foreign,omitempty"`
}

// Session is the id of the session that a credential stands for: SHA-256 over
// the length-framed (org, "credential", "", id), in hex (contract section 3,
// sessions and counters).
func Session(org, id string) string {
	h := sha256.New()
	var frame [8]byte
	for _, part := range [...]string{org, "credential", "", id} {
		binary.BigEndian.PutUint64(frame[:], uint64(len(part)))
		h.Write(frame[:])
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Session is the id of the session that c stands for.
func (c *Credential) Session() string { return Session(c.Org, c.ID) }
