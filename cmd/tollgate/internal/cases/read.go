package cases

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// maxFile bounds a case file.
const maxFile = 4 << 20

// Read reads one case file. The error is Problems where the file itself is wrong.
func Read(path string) (*File, error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	return parse(path, data)
}

func parse(path string, data []byte) (*File, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, Problems{fromYAML(path, err)}
	}
	if document.Kind == 0 || len(document.Content) == 0 {
		return nil, Problems{{File: path, What: "the file is empty", Instead: "write config and cases"}}
	}
	root := document.Content[0]
	checker := &strict{file: path}
	checker.walk(root, reflect.TypeFor[File](), "a case file")
	if len(checker.found) > 0 {
		return nil, checker.found
	}
	file := &File{path: path}
	if err := root.Decode(file); err != nil {
		return nil, Problems{fromYAML(path, err)}
	}
	for i := range file.Cases {
		if n := below(root, "cases", strconv.Itoa(i)); n != nil {
			file.Cases[i].line, file.Cases[i].column = n.Line, n.Column
		}
	}
	file.check(root, checker)
	if len(checker.found) > 0 {
		return nil, checker.found
	}
	return file, nil
}

// fromYAML takes the position out of an error of the YAML library, which is all
// that it gives of one.
func fromYAML(path string, err error) Problem {
	if place, ok := errors.AsType[*misplaced](err); ok {
		return Problem{File: path, Line: place.line, Column: place.column, What: place.what}
	}
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	what = strings.TrimPrefix(what, "unmarshal errors:\n  ")
	what, _, _ = strings.Cut(what, "\n")
	if rest, ok := strings.CutPrefix(what, "line "); ok {
		if number, text, found := strings.Cut(rest, ": "); found {
			if line, err := strconv.Atoi(number); err == nil {
				return Problem{File: path, Line: line, What: text}
			}
		}
	}
	return Problem{File: path, What: what}
}

// below goes down by keys and indexes, nil when it is not there.
func below(n *yaml.Node, path ...string) *yaml.Node {
	for _, step := range path {
		if n != nil && n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n == nil {
			return nil
		}
		var next *yaml.Node
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				next = n.Content[i+1]
			}
		}
		if index, err := strconv.Atoi(step); n.Kind == yaml.SequenceNode && err == nil && index < len(n.Content) {
			next = n.Content[index]
		}
		n = next
	}
	return n
}

// check finds mistakes of meaning.
func (f *File) check(root *yaml.Node, s *strict) {
	place := func(path ...string) *yaml.Node {
		for n := len(path); n > 0; n-- {
			if found := below(root, path[:n]...); found != nil {
				return found
			}
		}
		return root
	}
	if f.Config.path == "" && f.Config.inline == nil {
		s.add(root, "config is missing", "write config: and the path of a configuration, or the configuration itself")
	}
	if len(f.Cases) == 0 {
		s.add(root, "there are no cases", "write at least one under cases")
	}
	for name, key := range f.Keys {
		if !slices.Contains(tokens.Algorithms(), key.Alg) {
			s.add(place("keys", name, "alg"), "unknown algorithm "+strconv.Quote(key.Alg)+" of key "+name, "use one of "+strings.Join(tokens.Algorithms(), ", "))
		}
	}
	f.checkState(s, place)
	names := map[string]bool{}
	for i := range f.Cases {
		one, at := &f.Cases[i], index("cases", i, place)
		if one.Name == "" {
			s.add(at(), "a case without a name", "write name")
		}
		if names[one.Name] {
			s.add(at("name"), "two cases are called "+one.Name, "give each a name of its own")
		}
		names[one.Name] = true
		f.checkCase(one, s, at)
	}
}

// index places what is below an element of a list.
func index(list string, i int, place func(path ...string) *yaml.Node) func(path ...string) *yaml.Node {
	return func(path ...string) *yaml.Node {
		return place(append([]string{list, strconv.Itoa(i)}, path...)...)
	}
}

func (f *File) checkCase(one *Case, s *strict, at func(path ...string) *yaml.Node) {
	request := f.Request.with(one.Request)
	if _, _, _, err := request.split(); err != nil {
		s.add(at("request", "url"), err.Error(), "write scheme://host/target")
	}
	if one.Repeat < 0 || one.Repeat > 10_000 {
		s.add(at("repeat"), "repeat is out of range", "write 1 to 10000")
	}
	token := f.Token.with(one.Token)
	if token != nil && !token.None && token.Text == "" {
		if _, err := f.signer(token); err != nil {
			s.add(at("token", "key"), err.Error(), "")
		}
		if token.Split != nil && token.Split.API == "" {
			s.add(at("token", "split"), "split does not say which API keeps the token", "write split: and the id of the API")
		}
		if !slices.Contains([]string{"", "signature", "payload", "no_signature", "two_parts", "padding"}, token.Tamper) {
			s.add(at("token", "tamper"), "unknown tamper "+token.Tamper, "use signature, payload, no_signature, two_parts or padding")
		}
	}
	switch one.Expect.Decision {
	case "allow", "deny", "observed":
	case "":
		s.add(at("expect"), "expect does not say the decision", "write decision: allow, deny or observed")
	default:
		s.add(at("expect", "decision"), "unknown decision "+one.Expect.Decision, "use allow, deny or observed")
	}
	for name, code := range map[string]string{"reason": one.Expect.Reason, "code": one.Expect.Code} {
		if known := reasons(); code != "" && !slices.Contains(known, code) {
			s.add(at("expect", name), "unknown reason code "+code, meant(code, known))
		}
	}
}

// reasons are the codes of the table.
func reasons() []string {
	var codes []string
	for _, row := range authz.Rows() {
		codes = append(codes, string(row.Reason))
	}
	return codes
}
