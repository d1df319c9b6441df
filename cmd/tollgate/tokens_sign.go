package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// signFlags are the flags of tokens sign.
type signFlags struct {
	key, alg, kid, claims, header string
	expires                       time.Duration
}

func newTokensSign(t *terminal) *cobra.Command {
	var flags signFlags
	c := &cobra.Command{
		Use:   "sign --key FILE --claims JSON",
		Short: "sign a token, for tests",
		Long: `Sign a token with a key of your own, to try a configuration out. This is for
tests: a gate has no business with private keys, and issuers do more than sign.

The key is a PEM private key, or a file with a shared secret; "-" reads it from
standard input. iat and exp are set unless the claims say them.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			token, err := flags.sign(t)
			if err != nil {
				return err
			}
			fmt.Fprintln(t.err, "this token is for tests")
			_, err = fmt.Fprintln(t.out, token)
			return err
		},
	}
	c.Flags().StringVar(&flags.key, "key", "", "the signing key")
	c.Flags().StringVar(&flags.alg, "alg", "", "the algorithm; default: the usual one of the key")
	c.Flags().StringVar(&flags.kid, "kid", "", "the key id in the token's header")
	c.Flags().StringVar(&flags.claims, "claims", "{}", "the claims as a JSON object, or @FILE")
	c.Flags().StringVar(&flags.header, "header", "{}", "more header members as a JSON object; null takes one away")
	c.Flags().DurationVar(&flags.expires, "expires", time.Hour, "how long it is valid; may be negative")
	return c
}

func (f *signFlags) sign(t *terminal) (string, error) {
	if f.key == "" {
		return "", usage("--key is missing: give the file of a private key or secret")
	}
	data, err := t.readSmall(f.key)
	if err != nil {
		return "", err
	}
	key, err := tokens.Parse(data, f.alg, f.kid)
	if err != nil {
		return "", usage("--key: %w", err)
	}
	written := []byte(f.claims)
	if path, ok := strings.CutPrefix(f.claims, "@"); ok {
		if written, err = t.readSmall(path); err != nil {
			return "", err
		}
	}
	claims, err := object(written)
	if err != nil {
		return "", usage("--claims: %w", err)
	}
	header, err := object([]byte(f.header))
	if err != nil {
		return "", usage("--header: %w", err)
	}
	now := t.now()
	for name, at := range map[string]time.Time{"iat": now, "exp": now.Add(f.expires)} {
		if _, said := claims[name]; !said {
			claims[name] = at.Unix()
		}
	}
	return key.Sign(header, claims)
}

// object reads a JSON object and keeps its numbers as they are written.
func object(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil || members == nil {
		return nil, errors.New(`this is no JSON object: write {"name": "value"}`)
	}
	return members, nil
}
