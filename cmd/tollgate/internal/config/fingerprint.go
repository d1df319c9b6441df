package config

import (
	"crypto/sha256"
	"path/filepath"
	"slices"
)

// digests say of files what they were, by path. They are kept in memory only:
// they cover secrets.
type digests map[string][sha256.Size]byte

// digestOf covers the content of a file, or why it cannot be read.
func digestOf(data []byte, err error) [sha256.Size]byte {
	if err != nil {
		data = []byte("cannot be read: " + err.Error())
	}
	return sha256.Sum256(data)
}

// digests reads all files as they are now.
func (in *Inputs) digests() digests {
	out := digests{}
	for _, path := range in.files() {
		limit := int64(maxFile)
		if slices.Contains(in.Values, path) {
			limit = maxValue
		}
		data, _, err := readWhole(path, limit)
		out[path] = digestOf(data, err)
	}
	return out
}

// files lists the files, with those that the patterns fit now.
func (in *Inputs) files() []string {
	all := slices.Concat([]string{in.Main}, in.Included, in.Values)
	for _, pattern := range in.Patterns {
		paths, err := included(filepath.Dir(in.Main), pattern)
		if err != nil {
			paths = []string{pattern + " " + err.Error()} // no file, but a difference
		}
		all = append(all, paths...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// with joins two sets of inputs of one main file.
func (in *Inputs) with(other *Inputs) *Inputs {
	return &Inputs{
		Main:     in.Main,
		Patterns: union(in.Patterns, other.Patterns),
		Included: union(in.Included, other.Included),
		Values:   union(in.Values, other.Values),
	}
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
