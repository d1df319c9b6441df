package cases

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// walker finds the scalars of one configuration file that are written differently
// on the stage: what a key or value stands for, and paths, which are relative to
// a folder that the staged file does not stand in.
type walker struct {
	stage  *stage
	base   string
	edits  []edit
	failed []error
}

// isPath names the keys whose values are paths of PEM files.
func isPath(key string) bool { return slices.Contains([]string{"ca", "cert", "key", "client_ca"}, key) }

func (w *walker) walk(ctx context.Context, n, key, parent *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.walk(ctx, n.Content[i+1], n.Content[i], n)
		}
	case yaml.ScalarNode:
		if key != nil {
			w.scalar(ctx, n, key, parent)
		}
	default: // a document, or a list, whose elements stand under the key of the list
		for _, below := range n.Content {
			w.walk(ctx, below, key, nil)
		}
	}
}

func (w *walker) scalar(ctx context.Context, n, key, parent *yaml.Node) {
	text, replaced, err := w.stage.stand(ctx, key.Value, n.Value)
	path, isFile := strings.CutPrefix(n.Value, "file://")
	switch {
	case err != nil:
		w.failed = append(w.failed, err)
	case replaced && key.Value == "discover":
		w.discover(n, key, parent, text)
	case replaced:
		w.edits = append(w.edits, edit{node: n, text: quoted(text)})
	case key.Value == "include":
		w.include(ctx, n)
	case isFile && path != "":
		w.edits = append(w.edits, edit{node: n, text: quoted("file://" + w.absolute(path))})
	case isPath(key.Value) && n.Value != "":
		w.edits = append(w.edits, edit{node: n, text: quoted(w.absolute(n.Value))})
	}
}

// discover becomes jwks with the issuer beside it: the document of a discovery
// would have to name an issuer of loopback.
func (w *walker) discover(n, key, parent *yaml.Node, url string) {
	w.edits = append(w.edits, edit{node: key, text: "jwks"})
	value := edit{node: n, text: quoted(url)}
	issuer := "issuer: " + quoted(n.Value)
	if parent.Style&yaml.FlowStyle != 0 {
		value.text += ", " + issuer
	} else {
		value.more = strings.Repeat(" ", key.Column-1) + issuer
	}
	w.edits = append(w.edits, value)
}

// include stages what a pattern names and names that.
func (w *walker) include(ctx context.Context, n *yaml.Node) {
	found, err := filepath.Glob(w.absolute(n.Value))
	if err != nil {
		w.failed = append(w.failed, err)
		return
	}
	before := w.stage.dir
	defer func() { w.stage.dir = before }()
	if w.stage.dir, err = os.MkdirTemp(before, "include"); err != nil {
		w.failed = append(w.failed, err)
		return
	}
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err == nil {
			_, err = w.stage.write(ctx, path, string(data))
		}
		if err != nil {
			w.failed = append(w.failed, err)
		}
	}
	w.edits = append(w.edits, edit{node: n, text: quoted(w.stage.dir + "/*.*")})
}

func (w *walker) absolute(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(w.base, path)
	}
	if all, err := filepath.Abs(path); err == nil {
		return all
	}
	return path
}
