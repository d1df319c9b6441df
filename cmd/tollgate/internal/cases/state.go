package cases

import (
	"slices"
	"time"

	"github.com/invopop/jsonschema"
	"go.yaml.in/yaml/v3"
)

// The part of the format that says what a store holds and how it fares.

// Credential is a key of a client that the store holds.
type Credential struct {
	ID       string            `yaml:"id" json:"id" jsonschema_description:"The id, which tokens name by kid or identity."`
	Org      string            `yaml:"org" json:"org,omitempty"`
	Secrets  Texts             `yaml:"secrets" json:"secrets" jsonschema_description:"The throw-away keys that its tokens are signed with, by name: one or two."`
	Policies []string          `yaml:"policies" json:"policies"`
	Tags     []string          `yaml:"tags" json:"tags,omitempty"`
	Meta     map[string]string `yaml:"meta" json:"meta,omitempty"`
	Inactive bool              `yaml:"inactive" json:"inactive,omitempty"`
	Expires  When              `yaml:"expires" json:"expires,omitempty" jsonschema_description:"A moment, or +1h from the time of the file."`
}

// Revocation ends the tokens that fit it.
type Revocation struct {
	Kind   string `yaml:"kind" json:"kind" jsonschema:"enum=jti,enum=subject,enum=session,enum=client,enum=issuer,enum=all"`
	Value  string `yaml:"value" json:"value,omitempty" jsonschema_description:"What it names; none for all."`
	Issuer string `yaml:"issuer" json:"issuer,omitempty" jsonschema_description:"Only tokens of this issuer."`
	Before When   `yaml:"before" json:"before,omitempty" jsonschema_description:"Only tokens issued before: a moment, or -1h from the time of the file."`
	Until  When   `yaml:"until" json:"until,omitempty" jsonschema_description:"When it ends: a moment, or +1h from the time of the file."`
}

// revocationKinds are the kinds that a case file can name. The hash of a token is
// none: tokens are made anew for every run.
func revocationKinds() []string {
	return []string{"jti", "subject", "session", "client", "issuer", "all"}
}

// Store is what is wrong with the store.
type Store struct {
	Away  bool `yaml:"away" json:"away,omitempty" jsonschema_description:"It does not answer, and nothing is remembered of it."`
	Stale Span `yaml:"stale" json:"stale,omitempty" jsonschema_description:"For so long nothing has been heard of revocations."`
}

// Split says that a token is split.
type Split struct {
	API string `yaml:"api" json:"api" jsonschema_description:"The API that keeps it."`
	At  When   `yaml:"at" json:"at,omitempty" jsonschema_description:"When: a moment, or -1h from the time of the case."`
}

// UnmarshalYAML reads a split, or the API alone.
func (s *Split) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		s.API = n.Value
		return nil
	}
	type plain Split // without this method
	return n.Decode((*plain)(s))
}

// JSONSchemaExtend adds the API alone.
func (Split) JSONSchemaExtend(s *jsonschema.Schema) {
	object := *s
	*s = *either(text(), &object)
}

// When is a moment: RFC 3339, or relative to another one.
type When string

// UnmarshalYAML reads both forms.
func (w *When) UnmarshalYAML(n *yaml.Node) error {
	*w = When(n.Value)
	if w.from(standstill()).IsZero() {
		return at(n, "a moment is written after RFC 3339, such as 2026-01-01T12:00:00Z, or as now, +1h, -5m")
	}
	return nil
}

// JSONSchema describes both forms.
func (When) JSONSchema() *jsonschema.Schema { return text() }

// from is the moment, as seen from another one; zero where nothing is written.
func (w When) from(now time.Time) time.Time {
	if moment, ok := seconds(string(w), now).(int64); ok {
		return time.Unix(moment, 0).UTC()
	}
	moment, err := time.Parse(time.RFC3339, string(w))
	if err != nil {
		return time.Time{}
	}
	return moment
}

// Span is a length of time.
type Span time.Duration

// UnmarshalYAML reads 30s, 5m, 1h.
func (s *Span) UnmarshalYAML(n *yaml.Node) error {
	length, err := time.ParseDuration(n.Value)
	if err != nil || length < 0 {
		return at(n, "a length of time is written as 40s or 5m")
	}
	*s = Span(length)
	return nil
}

// JSONSchema describes it.
func (Span) JSONSchema() *jsonschema.Schema { return text() }

// checkState finds mistakes of meaning in what the store holds.
func (f *File) checkState(s *strict, place func(path ...string) *yaml.Node) {
	for i := range f.Credentials {
		c, at := &f.Credentials[i], index("credentials", i, place)
		if c.ID == "" {
			s.add(at(), "a credential without an id", "write id")
		}
		if len(c.Policies) == 0 {
			s.add(at(), "a credential without a policy opens nothing", "write policies")
		}
		if len(c.Secrets) == 0 {
			s.add(at(), "a credential without a key", "write secrets: and the name of one or two keys")
		}
		for _, name := range c.Secrets {
			if _, ok := f.Keys[name]; !ok {
				s.add(at("secrets"), "the key "+name+" is not under keys", "")
			}
		}
	}
	for i := range f.Revocations {
		r, at := &f.Revocations[i], index("revocations", i, place)
		if !slices.Contains(revocationKinds(), r.Kind) {
			s.add(at("kind"), "unknown kind "+r.Kind, meant(r.Kind, revocationKinds()))
		}
	}
}

// stored says whether a case needs a store that the file can fill.
func (f *File) stored(one *Case) bool {
	token := f.Token.with(one.Token)
	return len(f.Credentials) > 0 || len(f.Revocations) > 0 || one.Store != Store{} ||
		token != nil && (token.Split != nil || token.Revoked)
}
