package split

import "crypto/sha256"

const bearer = "Bearer "

// Whole is a restored token with what every check of it needs, made once.
type Whole struct {
	Token  string            // the compact token
	Bearer string            // it as the value of the Authorization header
	Hash   [sha256.Size]byte // SHA-256 of the compact token
}

// NewWhole makes a Whole of a compact token.
func NewWhole(token string) *Whole {
	w := &Whole{Bearer: bearer + token, Hash: sha256.Sum256([]byte(token))}
	w.Token = w.Bearer[len(bearer):] // one text in memory
	return w
}
