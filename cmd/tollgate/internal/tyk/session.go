package tyk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/policies"
)

// Session is what a session document, as Tyk's keys API takes it, says of a key.
type Session struct {
	Org, Alias string
	Secret     string // of jwt_data; "": not given
	Policies   []string
	Expires    int64 // seconds since 1970; 0 and below: never
	Inactive   bool
	Tags       []string
	Meta       map[string]string
	// Own are rights, rate and quota of its own, natively. Tyk is all that the
	// document says of them, nil where policies say it.
	Own policies.Spec
	Tyk *policies.TykSpec
	// Warnings name what is kept differently, or has no meaning for this gate.
	Warnings []string
}

// SessionOptions say how patterns of paths are read, by the id of the API.
type SessionOptions struct {
	Legacy map[string]bool     // tyk.paths: legacy
	Listen map[string]string   // the path it listens on, without the last slash
	Also   map[string][]string // other ones, as regular expressions
}

// ErrSession says that a session document cannot be read. Its text never shows a
// secret.
var ErrSession = errors.New("request malformed")

// ReadSession reads a session document.
func ReadSession(doc []byte, o SessionOptions) (*Session, error) {
	root, err := nodeOf(doc)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSession, err)
	}
	var found []Finding
	v := value{file: &file{found: &found}, node: root}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%w: the body is no object", ErrSession)
	}
	v.duplicates()
	p := &paths{legacy: func(api string) bool { return o.Legacy[api] }, listen: o.Listen, also: o.Also, known: map[[2]string]string{}}
	rightsShape(v.get("access_rights"))
	s := p.session(v)
	for _, f := range found {
		text := f.Field + ": " + f.Reason
		if f.Error {
			return nil, fmt.Errorf("%w: %s", ErrSession, text)
		}
		s.Warnings = append(s.Warnings, text)
	}
	s.Warnings = append(s.Warnings, meaningless(v)...)
	slices.Sort(s.Warnings)
	s.Warnings = slices.Compact(s.Warnings)
	return s, nil
}

func (p *paths) session(v value) *Session {
	s := &Session{
		Org: v.get("org_id").text(), Alias: v.get("alias").text(), Secret: v.get("jwt_data", "secret").text(),
		Policies: v.get("apply_policies").texts(), Expires: v.get("expires").whole(), Inactive: v.get("is_inactive").flag(),
		Tags: v.get("tags").texts(), Meta: metaOf(v.get("meta_data")),
	}
	if old := v.get("apply_policy_id").text(); old != "" && !slices.Contains(s.Policies, old) {
		if len(s.Policies) == 0 {
			s.Policies = []string{old}
		} else {
			s.warn("apply_policy_id: apply_policies counts where both are given")
		}
	}
	access := p.access(v.get("access_rights"))
	limit := limitOf(v)
	if len(access) > 0 && len(s.Policies) == 0 {
		// A right with a limit of its own counts apart, the others share that of the
		// document: what per_api says of a policy.
		s.Tyk = &policies.TykSpec{PerAPI: true, Limit: limit, Access: access}
	}
	for i := range access {
		if s.Tyk != nil {
			break
		}
		if access[i].Limit != (policies.TykLimit{}) {
			s.warn("access_rights." + access[i].API + ".limit: beside apply_policies it has no meaning")
		}
		if len(access[i].Versions) > 0 && !slices.Equal(access[i].Versions, []string{"Default"}) {
			s.warn("access_rights." + access[i].API + ".versions: beside apply_policies they have no meaning")
		}
	}
	native, lost := (&policies.Spec{Tyk: &policies.TykSpec{Limit: limit, Access: access}}).Native()
	for _, text := range lost {
		if s.Tyk == nil {
			s.warn("access_rights: not kept: " + text)
		}
	}
	s.Own = native
	return s
}

func (s *Session) warn(text string) { s.Warnings = append(s.Warnings, text) }

// meant are the members of a document that are read, and those that only tell how
// things stood when Tyk gave it.
func meant(name string) bool {
	switch name {
	case "org_id", "alias", "jwt_data", "apply_policies", "apply_policy_id", "expires", "is_inactive", "tags", "meta_data",
		"access_rights", "rate", "per", "quota_max", "quota_renewal_rate", "throttle_interval", "throttle_retry_limit", "smoothing":
		return true
	case "last_check", "allowance", "date_created", "last_updated", "quota_renews", "quota_remaining", "id_extractor_deadline":
		return true
	}
	return false
}

// meaningless tells of members that say something this gate does not do.
func meaningless(v value) []string {
	var out []string
	for _, m := range v.members() {
		if !meant(m.name) && !empty(m.value.node) {
			out = append(out, shown(m.name)+": it has no meaning here and is only kept")
		}
	}
	for _, m := range v.get("jwt_data").members() {
		if m.name != "secret" && !empty(m.value.node) {
			out = append(out, "jwt_data."+shown(m.name)+": it has no meaning here")
		}
	}
	return out
}

// empty says whether a value is Go's zero value in JSON: Tyk writes and means them
// as if they were not there. -1 is "unlimited".
func empty(n *yaml.Node) bool {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			if !empty(n.Content[i]) {
				return false
			}
		}
		return true
	case yaml.SequenceNode:
		return len(n.Content) == 0
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	switch n.Value {
	case "", "0", "-1", "false", "null":
		return true
	}
	return false
}

// deepest bounds how deep a document may be.
const deepest = 32

// nodeOf reads one JSON document as the nodes that a file gives.
func nodeOf(doc []byte) (*yaml.Node, error) {
	if !utf8.Valid(doc) {
		return nil, errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	n, err := next(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return n, nil
}

// errJSON hides the decoder's own words: they may quote a secret.
var errJSON = errors.New("it is no JSON")

func next(d *json.Decoder, depth int) (*yaml.Node, error) {
	t, err := d.Token()
	if err != nil {
		return nil, errJSON
	}
	switch t := t.(type) {
	case json.Delim:
		if depth >= deepest {
			return nil, fmt.Errorf("it is more than %d deep", deepest)
		}
		return inside(d, t, depth+1)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}, nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(t.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(t)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

func inside(d *json.Decoder, open json.Delim, depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for d.More() {
		item, err := next(d, depth)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, item)
	}
	if _, err := d.Token(); err != nil {
		return nil, errJSON
	}
	return n, nil
}
