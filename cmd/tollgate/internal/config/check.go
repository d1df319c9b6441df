package config

import (
	"fmt"
	"path/filepath"
)

// checker holds a decoded file against the rules that need no engine.
type checker struct {
	origins  *origins
	problems []Problem
}

// fault adds a problem at a pointer.
func (c *checker) fault(at, what, instead string) {
	p := c.origins.locate(at)
	p.What, p.Instead = what, instead
	c.problems = append(c.problems, p)
}

// warn adds a warning at a pointer.
func (c *checker) warn(at, what, instead string) {
	c.fault(at, what, instead)
	c.problems[len(c.problems)-1].Warning = true
}

// check holds the settings against their rules.
func (c *checker) check(f *File) {
	c.listen(&f.Listen)
	c.storeURL(f.Store.URL)
	c.seals(&f.Seal)
	c.admin(f)
	c.limits(&f.Limits)
	c.quotas(f.Policies)
	c.endpoints(f)
	c.pemFiles(f)
	for i := range f.APIs {
		for j := range f.APIs[i].Keys {
			k, at := &f.APIs[i].Keys[j], fmt.Sprintf("/apis/%d/keys/%d", i, j)
			c.document(at+"/pem", k.PEM)
			c.document(at+"/jwk", k.JWK)
		}
	}
}

// document finds the name of a file where its content is meant.
func (c *checker) document(at string, v Value) {
	if v.ref != nil || v.IsZero() {
		return
	}
	switch filepath.Ext(v.Written()) {
	case ".pem", ".crt", ".cer", ".der", ".pub", ".json", ".jwk", ".jwks":
		c.fault(at, quote(v.Written())+" is the name of a file, not its content", "write file://"+v.Written())
	}
}
