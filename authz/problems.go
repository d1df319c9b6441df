package authz

import (
	"strconv"
	"strings"
)

// problems collects what is wrong with a specification.
type problems struct {
	list []Problem
}

func (p *problems) add(at, what, instead string) {
	p.list = append(p.list, Problem{At: at, What: what, Instead: instead})
}

func (p *problems) warn(at, what, instead string) {
	p.list = append(p.list, Problem{At: at, What: what, Instead: instead, Warning: true})
}

// soften adds a problem that is only a warning for APIs with Tyk's habits.
func (p *problems) soften(tyk bool, problem Problem) {
	problem.Warning = tyk
	p.list = append(p.list, problem)
}

// take adds the problems of a part of the specification that stands at prefix.
func (p *problems) take(prefix string, list []Problem) {
	for _, problem := range list {
		problem.At = prefix + problem.At
		p.list = append(p.list, problem)
	}
}

// broken says whether one of them stops the start.
func (p *problems) broken() bool {
	for i := range p.list {
		if !p.list[i].Warning {
			return true
		}
	}
	return false
}

// at joins parts to a JSON pointer (RFC 6901 section 3).
func at(base string, parts ...any) string {
	var out strings.Builder
	out.WriteString(base)
	for _, part := range parts {
		out.WriteByte('/')
		switch part := part.(type) {
		case int:
			out.WriteString(strconv.Itoa(part))
		case string:
			out.WriteString(strings.ReplaceAll(strings.ReplaceAll(part, "~", "~0"), "/", "~1"))
		}
	}
	return out.String()
}
