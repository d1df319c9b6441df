package cases

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// stage is the configuration of a case file as files of its own, in which the
// throw-away keys and values stand where the original names its own. Every
// surface reads the same ones.
type stage struct {
	main string // path of the staged configuration

	dir     string
	values  map[string]string        // of the case file
	keys    map[string][]*tokens.Key // by what they stand for
	used    map[string]bool          // what of both was met in the configuration
	written int
	issuer  *issuer
	origins map[string]origin // by staged path
}

// origin is where a staged file comes from.
type origin struct {
	path string
	text *spliced
}

// newStage writes the configuration of f into dir. The stage has to be closed,
// also after an error.
func newStage(ctx context.Context, dir string, f *File, keys map[string]*tokens.Key) (*stage, error) {
	s := &stage{
		dir: dir, values: f.Values, issuer: &issuer{},
		keys: map[string][]*tokens.Key{}, used: map[string]bool{}, origins: map[string]origin{},
	}
	for name, key := range f.Keys {
		for _, target := range key.For {
			s.keys[target] = append(s.keys[target], keys[name])
		}
	}
	path, text, err := f.configuration()
	if err != nil {
		return s, err
	}
	if s.main, err = s.write(ctx, path, text); err != nil {
		return s, err
	}
	for target := range s.keys {
		if !s.used[target] {
			return s, fmt.Errorf("the configuration does not write %s, which a key stands for", target)
		}
	}
	for target := range s.values {
		if !s.used[target] {
			return s, fmt.Errorf("the configuration does not write %s, which has a value", target)
		}
	}
	return s, nil
}

// configuration gives the text of the configuration and the file it stands in.
func (f *File) configuration() (path, text string, err error) {
	if f.Config.inline == nil {
		path = f.Config.path
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(f.path), path)
		}
		data, err := os.ReadFile(path)
		return path, string(data), err
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return "", "", err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil || len(document.Content) == 0 {
		return "", "", fmt.Errorf("%s has changed while it was read", f.path)
	}
	var next *yaml.Node
	root := document.Content[0]
	for i := 0; i+3 < len(root.Content); i += 2 {
		if root.Content[i].Value == "config" {
			next = root.Content[i+2]
		}
	}
	text, err = lifted(string(data), f.Config.inline, next)
	return f.path, text, err
}

// write stages one file and gives its new path.
func (s *stage) write(ctx context.Context, path, text string) (string, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return "", Problems{fromYAML(path, err)}
	}
	w := &walker{stage: s, base: filepath.Dir(path)}
	w.walk(ctx, &document, nil, nil)
	if err := errors.Join(w.failed...); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	edited, err := splice(text, w.edits)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	staged, err := s.file(filepath.Base(path), []byte(edited.text))
	s.origins[staged] = origin{path: path, text: edited}
	return staged, err
}

// file writes a file of the stage. Numbers keep the order in which files are
// included, and names apart.
func (s *stage) file(name string, data []byte) (string, error) {
	s.written++
	path := filepath.Join(s.dir, fmt.Sprintf("%04d-%s", s.written, name))
	return path, os.WriteFile(path, data, 0o600) //nolint:gosec // a base name below a folder of our own
}

// close ends the issuer.
func (s *stage) close() error { return s.issuer.close() }

// original gives the place in the original of a place in a staged file.
func (s *stage) original(path string, line, column int) (string, int, int) {
	from, ok := s.origins[path]
	if !ok {
		return path, line, column
	}
	if line > 0 {
		line, column = from.text.place(line, column)
	}
	return from.path, line, column
}

// stand gives the scalar that replaces a reference or URL written under key.
func (s *stage) stand(ctx context.Context, key, written string) (string, bool, error) {
	if value, ok := s.values[written]; ok {
		s.used[written] = true
		return value, true, nil
	}
	keys, ok := s.keys[written]
	if !ok {
		return "", false, nil
	}
	s.used[written] = true
	switch key {
	case "jwk":
		set, err := tokens.JWKS(keys...)
		if err != nil {
			return "", true, err
		}
		path, err := s.file("set.json", set)
		return "file://" + path, true, err
	case "pem":
		var all []byte
		for _, one := range keys {
			block, err := one.PEM()
			if err != nil {
				return "", true, err
			}
			all = append(all, block...)
		}
		path, err := s.file("key.pem", all)
		return "file://" + path, true, err
	case "secret":
		secret := keys[0].Secret()
		if secret == nil {
			return "", true, fmt.Errorf("a secret stands where the %s key belongs: use HS256, HS384 or HS512", keys[0].Alg)
		}
		path, err := s.file("secret", secret)
		return "file://" + path, true, err
	case "source", "jwt_source": // of Tyk's definitions: base64 of what it is
		material := keys[0].Secret()
		if material == nil {
			var err error
			if material, err = keys[0].PEM(); err != nil {
				return "", true, err
			}
		}
		return base64.StdEncoding.EncodeToString(material), true, nil
	case "jwks", "discover", "url": // url of jwksURIs
		url, err := s.issuer.serve(ctx, keys)
		return url, true, err
	default:
		return "", true, fmt.Errorf("%s stands under %s, where no key belongs", strings.TrimSpace(written), key)
	}
}
