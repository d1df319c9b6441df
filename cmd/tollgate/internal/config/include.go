package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxIncluded bounds how many files include may name.
const maxIncluded = 20_000

// included gives the files that a pattern names, in the order of their names.
// Names that begin with a dot are matched only by a pattern that does: the
// working files of editors and of Kubernetes are none of ours.
func included(dir, pattern string) ([]string, error) {
	if pattern == "" {
		return nil, errors.New("is empty")
	}
	if strings.Contains(pattern, "**") {
		return nil, errors.New("has **, which is not known")
	}
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, errors.New("has a bracket that is not closed")
	}
	if !hasMeta(pattern) {
		return []string{within(dir, pattern)}, nil
	}
	start, rest := dir, filepath.Clean(pattern)
	if filepath.IsAbs(rest) {
		start, rest = string(filepath.Separator), rest[1:]
	}
	return match(start, strings.Split(rest, string(filepath.Separator)))
}

// match walks the directories below dir along the parts of a pattern. Unlike
// filepath.Glob it reports a directory that cannot be read: what is in it would
// be gone silently.
func match(dir string, parts []string) ([]string, error) {
	if len(parts) == 0 {
		return []string{dir}, nil
	}
	part, last := parts[0], len(parts) == 1
	if !hasMeta(part) {
		return match(filepath.Join(dir, part), parts[1:])
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, errors.New("names a directory that cannot be read (" + cause(err).Error() + ")")
	}
	var out []string
	for _, e := range entries {
		if ok, _ := filepath.Match(part, e.Name()); !ok || hidden(part, e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.IsDir() == last {
			continue // a directory where a file is meant, or the other way round
		}
		found, err := match(path, parts[1:])
		if err != nil {
			return nil, err
		}
		if out = append(out, found...); len(out) > maxIncluded {
			return nil, errors.New("names too many files")
		}
	}
	slices.Sort(out)
	return out, nil
}

func hasMeta(pattern string) bool { return strings.ContainsAny(pattern, `*?[`) }

// hidden says whether a name begins with a dot that the pattern does not write.
func hidden(part, name string) bool {
	return strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".")
}

// within joins a path to the directory that it is relative to.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
