package public

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Tokens is what the engine does with tokens here.
type Tokens interface {
	// Split verifies a token on an API, keeps its other half and gives the half
	// for the client with the time until which it is kept. ErrRefused: the token
	// is not one that the API accepts, or cannot be split. Every other error is a
	// store that cannot be asked.
	Split(ctx context.Context, api, token string) (half string, until time.Time, err error)
	// Revoke ends a token, whole or split, on every replica. ErrUnknown: no API
	// knows it, nothing was changed.
	Revoke(ctx context.Context, token string) error
	// Introspect says what a token is. An error is a store that cannot be asked.
	Introspect(ctx context.Context, token string) (Introspection, error)
}

// Errors of Tokens.
var (
	ErrRefused = errors.New("the token is not one that can be split here")
	ErrUnknown = errors.New("no API knows the token")
)

// Introspection is what RFC 7662 tells of a token.
type Introspection struct {
	Active bool
	Claims json.RawMessage // as the token writes them; nil when not active
}

// Choice says what becomes of a part of the provider's answer.
type Choice string

// The choices.
const (
	Pass   Choice = "pass"
	Drop   Choice = "drop"
	Refuse Choice = "refuse"
)

// Endpoint is one token endpoint.
type Endpoint struct {
	Path         string
	Upstream     string // https, or http on loopback
	API          string // whose rules the tokens must meet
	RefreshToken Choice // Pass or Drop
	IDToken      Choice
	Opaque       Choice // an access token that is no JWT: Refuse or Pass
	Grants       []string
	Timeout      time.Duration
	Transport    http.RoundTripper // with the CA of the endpoint; nil: the default one's settings
	Requests     int64             // admitted in Per for each client and address
	Per          time.Duration
	Clients      []Client // may introspect and revoke
}

// Client is one client of /revoke and /introspect.
type Client struct {
	ID     string
	Secret []byte
}

// Spec is the public listener.
type Spec struct {
	Endpoints        []Endpoint
	ResourceMetadata string   // URL under which the metadata is published, "" for none
	Issuers          []string // authorization servers of the metadata
	Scopes           []string
	TrustedHops      int
	Now              func() time.Time // nil: time.Now
}
