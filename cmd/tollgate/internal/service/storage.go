package service

import (
	"errors"
	"fmt"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// Storage is an opened store and the keyring of what is sealed in it.
type Storage struct {
	store.Backend
	Keyring *seal.Keyring // nil: nothing can be sealed, as no key was given
	Shared  bool          // with other processes, over a network
	MadeKey string        // the file of a seal key that was made just now
}

// StorageOptions are what a store is opened with.
type StorageOptions struct {
	Hooks store.Hooks
	Now   func() time.Time // nil: time.Now
}

// OpenStorage opens the store that a configuration names. A server that cannot be
// reached yet is no error; a directory that another process holds is.
func OpenStorage(c *config.Config, o StorageOptions) (*Storage, error) {
	address, err := c.Store.Address()
	if err != nil {
		return nil, err
	}
	keys, err := sealKeys(c.Seal)
	if err != nil {
		return nil, err
	}
	s := &Storage{}
	switch address.Scheme {
	case store.SchemeMemory:
		if len(keys) == 0 {
			keys = append(keys, seal.NewKey("random"))
		}
		s.Backend = memory.Open(memory.Options{Hooks: o.Hooks, Now: o.Now})
	case store.SchemeFile:
		if len(keys) == 0 {
			key, made, err := file.SealKey(address.Path)
			if err != nil {
				return nil, err
			}
			if keys = append(keys, key); made {
				s.MadeKey = seal.KeyFile(address.Path)
			}
		}
		if s.Backend, err = file.Open(address.Path, file.Options{Hooks: o.Hooks, Now: o.Now}); err != nil {
			return nil, err
		}
	default:
		s.Shared = true
		if s.Backend, err = redis.Open(redisOptions(&c.Store, address, o)); err != nil {
			return nil, err
		}
	}
	if len(keys) > 0 {
		if s.Keyring, err = seal.New(keys...); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func sealKeys(s config.Seal) ([]seal.Key, error) {
	keys := make([]seal.Key, 0, len(s.Keys))
	for _, k := range s.Keys {
		key, err := seal.ParseKey(k.ID, string(k.Key.Bytes()))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func redisOptions(s *config.Store, address store.Address, o StorageOptions) redis.Options {
	out := redis.Options{
		Address: address,
		TLS:     redis.TLS{CA: string(s.CA), Cert: string(s.Cert), Key: string(s.Key), ServerName: s.ServerName.Text()},
		Prefix:  s.Prefix, Timeout: time.Duration(s.Timeout), Hooks: o.Hooks, Now: o.Now,
	}
	if user, password := s.Username.Text(), s.Password.Bytes(); user != "" || len(password) > 0 {
		out.Credentials = func() (string, string, error) { return user, string(password), nil }
	}
	return out
}

// errNoSealKey says that a shared store cannot keep secrets.
var errNoSealKey = fmt.Errorf("credentials and split tokens are kept sealed, and in a shared store the keys must be given: "+
	"name one under seal.keys, as `openssl rand -base64 %d` makes it", seal.KeySize)
