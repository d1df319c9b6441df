package config

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
	c.admin(f)
	c.limits(&f.Limits)
	c.endpoints(f)
	c.pemFiles(f)
}
