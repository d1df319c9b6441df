package credential

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// A record is AES-256-GCM over version ‖ JSON of the Credential, bound to its
// id. The id is a keyed hash of the session.
const (
	recordKind    = "credential"
	recordVersion = 1
)

// errRecord says that a stored record cannot be read: damaged, moved, of a
// newer tollgate, or sealed with a key that is gone.
var errRecord = errors.New("stored key cannot be read")

func key(id string) store.Key { return store.Key{Kind: store.KindCredential, ID: id} }

func binding(id string) seal.Binding {
	return seal.Binding{Kind: recordKind, ID: base64.RawURLEncoding.EncodeToString([]byte(id)), Version: recordVersion}
}

func encode(ring *seal.Keyring, id string, c *Credential) ([]byte, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, invalid("%w", err)
	}
	if len(plain) > maxDoc {
		return nil, invalid("a key has at most %d bytes in all, not %d", maxDoc, len(plain))
	}
	return ring.Seal(binding(id), append([]byte{recordVersion}, plain...)), nil
}

func decode(ring *seal.Keyring, id string, sealed []byte) (*Credential, error) {
	plain, err := ring.Open(binding(id), sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	if len(plain) == 0 || plain[0] != recordVersion {
		return nil, fmt.Errorf("%w: it was written by a newer tollgate", errRecord)
	}
	var c Credential
	if err := json.Unmarshal(plain[1:], &c); err != nil {
		return nil, errRecord // the error of the decoder could quote a secret
	}
	return &c, nil
}
