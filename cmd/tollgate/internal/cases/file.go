package cases

import "go.yaml.in/yaml/v3"

// File is one case file.
type File struct {
	About       string         `yaml:"about" json:"about,omitempty" jsonschema_description:"What the file shows, for people."`
	Config      Config         `yaml:"config" json:"config" jsonschema_description:"The configuration: a path relative to this file, or the configuration itself."`
	Time        Time           `yaml:"time" json:"time,omitzero" jsonschema_description:"The time of every case, RFC 3339. Default 2026-01-01T00:00:00Z."`
	Keys        map[string]Key `yaml:"keys" json:"keys,omitempty" jsonschema_description:"Throw-away keys, made for every run."`
	Credentials []Credential   `yaml:"credentials" json:"credentials,omitempty" jsonschema_description:"Keys of clients (credentials) that the store holds."`
	Revocations []Revocation   `yaml:"revocations" json:"revocations,omitempty" jsonschema_description:"What has been revoked."`

	Values map[string]string `yaml:"values" json:"values,omitempty" jsonschema_description:"What references of the configuration stand for, by reference (env://NAME)."`

	Request Request `yaml:"request" json:"request,omitzero" jsonschema_description:"What the request of every case begins with."`
	Token   *Token  `yaml:"token" json:"token,omitempty" jsonschema_description:"What the token of every case begins with."`
	Cases   []Case  `yaml:"cases" json:"cases" jsonschema:"minItems=1"`

	path string
}

// Config is a path or a configuration.
type Config struct {
	path   string
	inline *yaml.Node
}

// Key is a throw-away key.
type Key struct {
	Alg string `yaml:"alg" json:"alg" jsonschema:"enum=HS256,enum=HS384,enum=HS512,enum=RS256,enum=RS384,enum=RS512,enum=PS256,enum=PS384,enum=PS512,enum=ES256,enum=ES384,enum=ES512,enum=EdDSA"`
	Kid string `yaml:"kid" json:"kid,omitempty" jsonschema_description:"Stands in the tokens of this key and in its JWK."`
	For Texts  `yaml:"for" json:"for,omitempty" jsonschema_description:"What the configuration writes where this key belongs: a reference (file://orders.pem, env://SECRET) or the URL of a key set. Keys with the same one form a set. A key without it is known to nobody."`
}

// Case is one request and what has to come of it.
type Case struct {
	Name    string  `yaml:"name" json:"name"`
	Time    Time    `yaml:"time" json:"time,omitzero" jsonschema_description:"The time of this case, RFC 3339."`
	Request Request `yaml:"request" json:"request,omitzero"`
	Token   *Token  `yaml:"token" json:"token,omitempty" jsonschema_description:"The token; none sends the request without one."`
	Store   Store   `yaml:"store" json:"store,omitzero" jsonschema_description:"What is wrong with the store during this case."`
	Repeat  int     `yaml:"repeat" json:"repeat,omitempty" jsonschema:"minimum=1,maximum=10000" jsonschema_description:"Sends the request this many times and looks at the last answer: for limits."`
	Expect  Expect  `yaml:"expect" json:"expect"`

	line, column int
}

// Request is a request as Envoy would describe it.
type Request struct {
	Method  string            `yaml:"method" json:"method,omitempty" jsonschema_description:"Default GET."`
	URL     string            `yaml:"url" json:"url,omitempty" jsonschema_description:"scheme://host/target; the target is sent as it is written. $token is replaced by the token."`
	Headers Lines             `yaml:"headers" json:"headers,omitempty" jsonschema_description:"Values by name, a list for repeated lines, null to take away one that the file sets. $token is replaced by the token."`
	Context map[string]string `yaml:"context" json:"context,omitempty" jsonschema_description:"context_extensions of the route, such as api_id."`
	Source  Source            `yaml:"source" json:"source,omitzero"`
}

// Source is where a request comes from, as the front saw it.
type Source struct {
	Address   string `yaml:"address" json:"address,omitempty"`
	Principal string `yaml:"principal" json:"principal,omitempty" jsonschema_description:"The verified identity of the client certificate."`
}

// Token is a token to mint. It goes where the request says $token, else into
// Authorization: Bearer.
type Token struct {
	None    bool           `yaml:"-" json:"-"`
	Key     string         `yaml:"key" json:"key,omitempty" jsonschema_description:"The key that signs; may be left out while there is only one."`
	Header  map[string]any `yaml:"header" json:"header,omitempty" jsonschema_description:"Members of the header; null takes one away (alg, typ, kid are there)."`
	Claims  map[string]any `yaml:"claims" json:"claims,omitempty" jsonschema_description:"The claims; null takes one away. exp, nbf and iat may say now, +1h or -5m."`
	Payload string         `yaml:"payload" json:"payload,omitempty" jsonschema_description:"The payload byte for byte, in place of claims."`
	Text    string         `yaml:"text" json:"text,omitempty" jsonschema_description:"The whole credential as it is, in place of a minted token."`
	Tamper  string         `yaml:"tamper" json:"tamper,omitempty" jsonschema:"enum=signature,enum=payload,enum=no_signature,enum=two_parts,enum=padding" jsonschema_description:"What is done to the signed token."`
	Split   *Split         `yaml:"split" json:"split,omitempty" jsonschema_description:"Splits the token before the request, which carries the client's half."`
	Revoked bool           `yaml:"revoked" json:"revoked,omitempty" jsonschema_description:"Revokes the token, or the half, before the request. It stays revoked: give it a jti of its own."`
}

// Expect is what has to come. What is not written is not compared.
type Expect struct {
	Decision string             `yaml:"decision" json:"decision" jsonschema:"enum=allow,enum=deny,enum=observed"`
	Reason   string             `yaml:"reason" json:"reason,omitempty" jsonschema_description:"The exact reason code, as log and metadata have it."`
	Code     string             `yaml:"code" json:"code,omitempty" jsonschema_description:"The reason code that the client sees in x-tollgate-reason."`
	Status   int                `yaml:"status" json:"status,omitempty" jsonschema_description:"HTTP status of a denial."`
	Edits    map[string]*string `yaml:"edits" json:"edits,omitempty" jsonschema_description:"Request headers as they reach the upstream: the value that is set, or null for one that must not arrive."`
	Headers  map[string]*string `yaml:"headers" json:"headers,omitempty" jsonschema_description:"Headers for the client: the value (lines joined by a comma), or null for one that must not be there."`
	Body     Body               `yaml:"body" json:"body,omitzero" jsonschema_description:"The body: the text, or the members that its JSON must have."`
	Metadata map[string]string  `yaml:"metadata" json:"metadata,omitempty" jsonschema_description:"Dynamic metadata; an empty text for a member that must not be there."`
	Steps    []Step             `yaml:"steps" json:"steps,omitempty" jsonschema_description:"Every step of the explanation, in order."`
}

// Step is one step of an explanation.
type Step struct {
	Step   string            `yaml:"step" json:"step"`
	Reason string            `yaml:"reason" json:"reason,omitempty" jsonschema_description:"The reason with which this step refused."`
	Facts  map[string]string `yaml:"facts" json:"facts,omitempty" jsonschema_description:"Facts that the step has to tell."`
}
