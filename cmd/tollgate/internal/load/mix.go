package load

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/envoy"
)

// Mix says what is asked.
type Mix struct {
	HTTP   envoy.HTTP     // the request, without a token
	Key    *tokens.Key    // signs the tokens
	Claims map[string]any // of every token; sub, iat and exp are set
	Users  int            // distinct subjects, one token each
	Fresh  float64        // share of checks with a token never seen before
	Bad    float64        // share of checks that must be denied
	Now    time.Time      // when the tokens are issued
}

// maxUsers bounds what is minted before a run.
const maxUsers = 1_000_000

// Shot is one check and what its answer has to be.
type Shot struct {
	HTTP    *envoy.HTTP
	Subject string // of an allowed check
	Reason  string // of a denied one, "" when it must be allowed

	question envoy.Question
}

// kinds are the ways in which checks are bad, with the exact reason.
var kinds = []struct{ name, reason string }{
	{"signature", "signature_invalid"}, {"expired", "token_expired"}, {"none", "token_missing"}, {"garbage", "token_malformed"},
}

// shots are what a mix asks, ready to be asked again and again.
type shots struct {
	mix  *Mix
	good []*Shot
	bad  []*Shot
}

func (m *Mix) prepare() (*shots, error) {
	switch {
	case m.Users < 1 || m.Users > maxUsers:
		return nil, fmt.Errorf("%d users: use 1 to %d", m.Users, maxUsers)
	case m.Bad < 0 || m.Bad > 1 || m.Fresh < 0 || m.Fresh > 1:
		return nil, errors.New("shares are between 0 and 1")
	}
	s := &shots{mix: m}
	for user := range m.Users {
		shot, err := m.allowed(user, nil)
		if err != nil {
			return nil, err
		}
		s.good = append(s.good, shot)
	}
	for _, kind := range kinds {
		shot, err := m.denied(kind.name, kind.reason)
		if err != nil {
			return nil, err
		}
		s.bad = append(s.bad, shot)
	}
	return s, nil
}

// pick chooses the next check.
func (s *shots) pick(random *rand.Rand) (*Shot, error) {
	switch {
	case s.mix.Bad > 0 && random.Float64() < s.mix.Bad:
		return s.bad[random.IntN(len(s.bad))], nil
	case s.mix.Fresh > 0 && random.Float64() < s.mix.Fresh:
		return s.mix.allowed(random.IntN(s.mix.Users), map[string]any{"jti": strconv.FormatUint(random.Uint64(), 36)})
	default:
		return s.good[random.IntN(len(s.good))], nil
	}
}

func subject(user int) string { return "user-" + strconv.Itoa(user) }

func (m *Mix) allowed(user int, more map[string]any) (*Shot, error) {
	claims := m.claims(subject(user))
	maps.Copy(claims, more)
	token, err := m.Key.Sign(nil, claims)
	if err != nil {
		return nil, err
	}
	return m.shot(token, subject(user), ""), nil
}

func (m *Mix) claims(subject string) map[string]any {
	claims := maps.Clone(m.Claims)
	if claims == nil {
		claims = map[string]any{}
	}
	claims["sub"], claims["iat"], claims["exp"] = subject, m.Now.Unix(), m.Now.Add(24*time.Hour).Unix()
	return claims
}

func (m *Mix) denied(kind, reason string) (*Shot, error) {
	claims := m.claims(subject(0))
	switch kind {
	case "none":
		return m.shot("", "", reason), nil
	case "garbage":
		return m.shot("not.a-token", "", reason), nil
	case "expired":
		claims["iat"], claims["exp"] = m.Now.Add(-2*time.Hour).Unix(), m.Now.Add(-time.Hour).Unix()
	}
	token, err := m.Key.Sign(nil, claims)
	if err != nil {
		return nil, err
	}
	if kind == "signature" {
		token = spoiled(token)
	}
	return m.shot(token, "", reason), nil
}

// spoiled changes one character in the middle of the signature.
func spoiled(token string) string {
	at := (strings.LastIndexByte(token, '.') + len(token)) / 2
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

func (m *Mix) shot(token, subject, reason string) *Shot {
	described := m.HTTP
	if token != "" {
		described.Headers = append(append([]envoy.Field{}, m.HTTP.Headers...), envoy.Field{Name: "authorization", Value: "Bearer " + token})
	}
	return &Shot{HTTP: &described, Subject: subject, Reason: reason, question: envoy.Prepare(&described)}
}
