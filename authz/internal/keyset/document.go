package keyset

import (
	"bytes"
	"errors"
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// maxKeys bounds the entries of one set that are looked at.
const maxKeys = 100

// Unusable is one key of a document that cannot verify anything, and why.
type Unusable struct {
	Index int    // position in the document, from 0
	ID    string // kid, "" when there is none
	Why   string // fixed text, with at most a quoted type name of the document
}

var (
	errNoSet     = errors.New("is no JSON Web Key Set: an object with an array called keys is expected")
	errNoJWK     = errors.New("is neither a JWK nor a JSON Web Key Set")
	errPEMIsHere = errors.New("is PEM: configure it as pem")
	errNoneLeft  = errors.New("holds no usable key")
	errOneID     = errors.New("is a set of several keys that name themselves: kid is for a single one")
)

// entry is one key of a document: a key, or the reason why it is none.
type entry struct {
	id    string
	alg   jws.Alg
	about string // type and size, "" when unknown
	key   *Key
	why   string
}

// ParseJWK reads a JWK or a JWK Set of a local file, or base64 of either. Keys
// that cannot verify are reported one by one; the error is for a document that
// cannot be read, holds a private key, or has no usable key at all.
func ParseJWK(data []byte, b Binding) ([]*Key, []Unusable, error) {
	if err := checkSize(data); err != nil {
		return nil, nil, err
	}
	entries, err := readLocal(data, &b)
	if err != nil {
		return nil, nil, err
	}
	if b.HasID && len(entries) > 1 {
		return nil, nil, errOneID
	}
	var keys []*Key
	var unusable []Unusable
	for i := range entries {
		e := &entries[i]
		switch {
		case e.why == whyPrivate:
			return nil, nil, errPrivateJWK
		case e.key == nil:
			unusable = append(unusable, Unusable{Index: i, ID: e.id, Why: e.why})
		default:
			if b.HasID {
				e.key.ID, e.key.HasID = b.ID, true
			}
			keys = append(keys, e.key)
		}
	}
	switch {
	case len(keys) > 0:
		return keys, unusable, nil
	case len(unusable) == 1:
		return nil, unusable, errors.New(errNoneLeft.Error() + ": " + unusable[0].Why)
	default:
		return nil, unusable, errNoneLeft
	}
}

func readLocal(data []byte, b *Binding) ([]entry, error) {
	r := reader{binding: b, local: true}
	text := bytes.TrimSpace(data)
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		return nil, errPEMIsHere
	}
	if !bytes.HasPrefix(text, []byte("{")) {
		if inner, ok := unbase64(text); ok {
			text = inner
		}
	}
	o, err := jws.ParseDocument(string(text))
	if err != nil {
		return nil, notStrict(err, errNoJWK)
	}
	if o.Get("kty").Kind() == jws.Absent {
		return r.set(o, errNoJWK)
	}
	whole, err := jws.ParseObject(string(text))
	if err != nil {
		return nil, notStrict(err, errNoJWK)
	}
	return []entry{r.entry(whole)}, nil
}

// readSet reads what a provider publishes.
func readSet(text string, b *Binding) ([]entry, error) {
	o, err := jws.ParseDocument(text)
	if err != nil {
		if strings.HasPrefix(strings.TrimSpace(text), "<") {
			return nil, errors.New("is HTML or XML, not a JSON Web Key Set")
		}
		return nil, notStrict(err, errNoSet)
	}
	r := reader{binding: b}
	return r.set(o, errNoSet)
}

// notStrict adds what is wrong with the JSON to what was expected.
func notStrict(err, expected error) error {
	refusal, ok := errors.AsType[*jws.Refusal](err)
	if !ok {
		return expected
	}
	return errors.New(expected.Error() + ": " + refusal.Detail)
}

// reader reads the entries of one document.
type reader struct {
	binding *Binding
	local   bool // from the configuration: secrets are welcome
}

// set reads each entry by itself: a broken one costs no other.
func (r *reader) set(o jws.Object, expected error) ([]entry, error) {
	list := o.Get("keys")
	if list.Kind() != jws.Array {
		return nil, expected
	}
	var entries []entry
	for item := range list.Items() {
		if len(entries) == maxKeys {
			entries = append(entries, entry{why: "this one and all behind it are over the limit of 100 keys"})
			break
		}
		if item.Kind() != jws.ObjectKind {
			entries = append(entries, entry{why: "is no object"})
			continue
		}
		one, err := item.Object()
		if refusal, ok := errors.AsType[*jws.Refusal](err); ok {
			entries = append(entries, entry{why: refusal.Detail})
			continue
		}
		entries = append(entries, r.entry(one))
	}
	return entries, nil
}
