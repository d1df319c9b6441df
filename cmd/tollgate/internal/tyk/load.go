package tyk

import (
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/policies"
)

// Options say how files are read.
type Options struct {
	LegacyPaths bool // tyk.paths: legacy; a tyk.conf decides instead
	// HashFunction is tyk.hash_key_function; a tyk.conf decides instead.
	HashFunction string
	Resolve      Resolve // nil: references are refused
}

// Loaded is what files of Tyk say, natively.
type Loaded struct {
	APIs     []authz.APISpec
	Policies []policies.Spec
	Findings []Finding
	// HashFunction is hash_key_function of tyk.conf, else that of the options.
	// HasConf says that there is one.
	HashFunction string
	HasConf      bool
	// References are the references that source of a definition holds, by API.
	References map[string]string

	apiPlaces, policyPlaces []value
}

// errNoReferences is the answer where references cannot be resolved.
var errNoReferences = errors.New("references are not resolved here")

// Load reads all files together: policies speak of APIs, and tyk.conf says how
// both are read.
func Load(files []config.ForeignFile, o Options) *Loaded {
	if o.Resolve == nil {
		o.Resolve = func(string) ([]byte, error) { return nil, errNoReferences }
	}
	l := &Loaded{HashFunction: o.HashFunction, References: map[string]string{}}
	var definitions []definition
	var rules []named
	for _, f := range files {
		v, ok := l.parse(f)
		if !ok {
			continue
		}
		switch recognise(v) {
		case classic:
			definitions = append(definitions, readClassic(v))
		case oas:
			definitions = append(definitions, readOAS(v))
		case policy:
			rules = append(rules, named{value: v})
		case manyPolicies:
			rules = append(rules, policiesOf(v)...)
		case conf:
			l.conf(v, &o)
		case unknown:
			v.wrong("it is no file of Tyk that is known", "an API definition, policies or tyk.conf")
		}
	}
	p := &paths{legacy: func(string) bool { return o.LegacyPaths }, listen: map[string]string{}, also: map[string][]string{}, known: map[[2]string]string{}}
	l.addAPIs(definitions, p, o.Resolve)
	l.addPolicies(rules, p)
	l.Findings = once(l.Findings)
	return l
}

// once leaves out what was told before: a value may be read twice.
func once(list []Finding) []Finding {
	seen := make(map[Finding]bool, len(list))
	return slices.DeleteFunc(list, func(f Finding) bool {
		again := seen[f]
		seen[f] = true
		return again
	})
}

// parse reads one file as positions and values.
func (l *Loaded) parse(f config.ForeignFile) (value, bool) {
	where := &file{name: f.Path, found: &l.Findings}
	root := f.Root
	if root == nil {
		var doc yaml.Node
		if err := yaml.Unmarshal(f.Data, &doc); err != nil || len(doc.Content) == 0 {
			value{file: where}.wrong("it cannot be read as JSON", "one JSON document")
			return value{}, false
		}
		root = doc.Content[0]
	}
	v := value{file: where, node: root}
	if odd := notJSON(root); odd != nil {
		value{file: where, node: odd}.wrong("a file of Tyk has no aliases and merges, as JSON has none", "the value itself")
		return value{}, false
	}
	v.duplicates()
	return v, true
}

// notJSON finds a node that YAML has and JSON has not: an alias could expand
// without end, and what a merge brings in would not be looked at.
func notJSON(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.ShortTag() == "!!merge" {
		return n
	}
	for _, inner := range n.Content {
		if odd := notJSON(inner); odd != nil {
			return odd
		}
	}
	return nil
}

// duplicates tells of members that occur twice: which one counts is a matter of
// the reader, so neither does.
func (v value) duplicates() {
	if v.node.Kind == yaml.SequenceNode {
		for _, item := range v.list() {
			item.duplicates()
		}
		return
	}
	if v.node.Kind != yaml.MappingNode {
		return
	}
	seen := map[string]bool{}
	for _, m := range v.members() {
		if seen[m.name] {
			value{file: v.file, node: m.key, path: m.value.path}.wrong("the member occurs twice", "each member once")
		}
		seen[m.name] = true
		m.value.duplicates()
	}
}

func (l *Loaded) conf(v value, o *Options) {
	s := readConf(v)
	if l.HasConf {
		v.wrong("there is another tyk.conf", "one tyk.conf")
	}
	l.HasConf, l.HashFunction = true, s.function.text()
	o.LegacyPaths = s.legacy()
}

// policiesOf gives the policies of a map or an array.
func policiesOf(v value) []named {
	if v.node.Kind == yaml.MappingNode {
		return v.members()
	}
	var out []named
	for _, item := range v.list() {
		out = append(out, named{value: item})
	}
	return out
}

func (l *Loaded) addAPIs(definitions []definition, p *paths, resolve Resolve) {
	seen := map[string]bool{}
	for i := range definitions {
		d := &definitions[i]
		d.function = l.HashFunction
		spec := d.api(resolve)
		if seen[spec.ID] && spec.ID != "" {
			d.id.wrong("another definition has the id "+shown(spec.ID), "an id of its own")
		}
		seen[spec.ID] = true
		if d.reference != "" {
			l.References[spec.ID] = d.reference
		}
		p.listen[spec.ID] = strings.TrimSuffix(d.path(), "/")
		if d.internal {
			spec.Match = nil
		}
		l.APIs = append(l.APIs, spec)
		l.apiPlaces = append(l.apiPlaces, d.at)
	}
	l.versionPaths(definitions, p)
	for i := range l.APIs {
		if a := &l.APIs[i]; a.Definition != nil {
			a.Definition.Paths = authz.TykPaths{Legacy: p.legacy(a.ID), Also: p.also[a.ID]}
		}
	}
}

func (l *Loaded) addPolicies(rules []named, p *paths) {
	seen := map[[2]string]bool{}
	for _, r := range rules {
		spec := p.readPolicy(r.value, r.name)
		key := [2]string{spec.Org, spec.ID}
		if seen[key] && spec.ID != "" {
			r.value.wrong("another policy of this org has the id "+shown(spec.ID), "an id of its own")
		}
		seen[key] = true
		l.Policies = append(l.Policies, spec)
		l.policyPlaces = append(l.policyPlaces, r.value)
	}
}

// Foreign is Load in the shape that the configuration loader takes.
func Foreign(in config.ForeignInput) config.ForeignResult {
	l := Load(in.Files, Options{
		LegacyPaths: in.Settings.Paths == "legacy", HashFunction: in.Settings.HashKeyFunction, Resolve: in.Resolve,
	})
	r := config.ForeignResult{APIs: l.APIs, Policies: l.Policies, Locate: l.locate}
	for _, f := range l.Findings {
		r.Problems = append(r.Problems, f.problem())
	}
	return r
}

// locate gives the place of what Compile finds: the definition or the policy.
func (l *Loaded) locate(section string, nth int, pointer string) config.Problem {
	places := l.apiPlaces
	if section == "policies" {
		places = l.policyPlaces
	}
	v := places[nth]
	return config.Problem{File: v.file.name, Line: v.node.Line, Column: v.node.Column, At: pointer}
}
