package config

import (
	"fmt"
	"strings"
)

// Reference is the list of all keys in Markdown, for docs/configuration.md.
func Reference() string {
	r := referencer{schemer: schemer{docs: comments(), features: features()}, done: map[string]string{}}
	r.object(describe[File](), "")
	return r.out.String()
}

// referencer writes one table for each object, at its first place.
type referencer struct {
	schemer
	out  strings.Builder
	done map[string]string // type → its first place
}

// object writes the table of an object and then those of the objects in it.
func (r *referencer) object(f *form, place string) {
	name := typeName(f)
	r.done[name] = place
	title := "The file"
	if place != "" {
		title = "`" + place + "`"
	}
	fmt.Fprintf(&r.out, "### %s\n\n", title)
	if doc := r.docs[name]; doc != "" {
		fmt.Fprintf(&r.out, "%s\n\n", sentence(doc, name))
	}
	r.out.WriteString("| key | takes | default | meaning |\n|---|---|---|---|\n")
	type next struct {
		form  *form
		place string
	}
	var below []next
	for _, fd := range f.fields {
		here := strings.TrimPrefix(place+"."+fd.key, ".")
		inner, suffix := innermost(fd.form)
		takes := noun(fd.form)
		if inner.kind == kindObject {
			first, ok := r.done[typeName(inner)]
			if !ok {
				first = here + suffix
				r.done[typeName(inner)] = first
				below = append(below, next{inner, first})
			}
			takes = strings.TrimSpace(takes + ", see `" + first + "`")
		} else {
			takes = r.takes(fd.form)
		}
		fmt.Fprintf(&r.out, "| `%s` | %s | %s | %s |\n", fd.key, cell(takes), cell(shownDefault(fd)), cell(r.description(fd, name)))
	}
	r.out.WriteString("\n")
	for _, n := range below {
		r.object(n.form, n.place)
	}
}

// innermost goes through lists and maps, and gives what that adds to a place.
func innermost(f *form) (inner *form, suffix string) {
	for f.elem != nil {
		if f.kind == kindMap {
			suffix += ".NAME"
		} else {
			suffix += "[]"
		}
		f = f.elem
	}
	return f, suffix
}

// takes says what a form takes that holds no object.
func (r *referencer) takes(f *form) string {
	switch f.kind {
	case kindList:
		if f.many {
			return r.takes(f.elem) + ", or a list"
		}
		return "list: " + r.takes(f.elem)
	case kindMap:
		return "names with " + r.takes(f.elem)
	case kindLoose:
		return "value, number or boolean"
	case kindValue:
		return "value"
	case kindSecret:
		return "secret value"
	case kindScalar:
		return "text, number, boolean or null"
	default: // as the noun says, or one of a few
	}
	if len(f.enum) > 0 {
		return "`" + strings.Join(f.enum, "`, `") + "`"
	}
	return strings.TrimPrefix(noun(f), "a ")
}

// shownDefault is the default as the table shows it.
func shownDefault(fd *field) string {
	switch {
	case fd.required:
		return "required"
	case fd.fallback != nil && fd.shown != "":
		return "`" + fd.shown + "`"
	default:
		return ""
	}
}

// sentence turns the comment of a Go type into one about the thing itself.
func sentence(doc, name string) string {
	for _, verb := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(doc, name+verb); ok {
			return strings.ToUpper(rest[:1]) + rest[1:]
		}
	}
	return doc
}

// cell makes text fit into a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
