package cases

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// keyring makes throw-away keys and lends them: RSA keys take a tenth of a second
// each, and a key that one file has thrown away may serve the next.
type keyring struct {
	mutex sync.Mutex
	made  map[string][]*tokens.Key // by algorithm
}

// lend gives a key for every entry, no two the same.
func (r *keyring) lend(entries map[string]Key) (map[string]*tokens.Key, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.made == nil {
		r.made = map[string][]*tokens.Key{}
	}
	lent, used := map[string]*tokens.Key{}, map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		entry := entries[name]
		if used[entry.Alg] == len(r.made[entry.Alg]) {
			key, err := generate(entry.Alg)
			if err != nil {
				return nil, err
			}
			r.made[entry.Alg] = append(r.made[entry.Alg], key)
		}
		key := *r.made[entry.Alg][used[entry.Alg]]
		used[entry.Alg]++
		key.Kid = entry.Kid
		lent[name] = &key
	}
	return lent, nil
}

// generate makes a key. A secret is text: configurations read it from a file, and
// a line end at its end would be none of it.
func generate(alg string) (*tokens.Key, error) {
	if strings.HasPrefix(alg, "HS") {
		return tokens.FromSecret(alg, "", []byte(rand.Text()+rand.Text()+rand.Text()))
	}
	return tokens.Generate(alg, "")
}
