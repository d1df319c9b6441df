package policies

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// shape says what a pattern asks of the end of a path.
type shape uint8

const (
	whole shape = iota // the path ends with the last segment
	slash              // … and with a slash after it
	below              // "/**": anything may follow
	expr               // a regular expression over the whole path
)

// pattern is one path of an access entry or a route, in the same spelling as
// Target.Path.
type pattern struct {
	shape    shape
	segments []string // "" stands for {name}: exactly one segment
	expr     *regexp.Regexp
	prefix   string // literal text that every match of expr starts with
	holds    string // literal text that every match of expr holds
}

// Bounds of regular expressions. RE2 matches in time linear in expression times
// path, so both factors are bounded; what is larger is refused at load.
const (
	maxExprText  = 2048
	maxExprInsts = 5000
)

// fault is what is wrong with a piece of a specification.
type fault struct{ what, instead string }

// parsePattern reads the path of an access entry.
func parsePattern(text string) (pattern, *fault) {
	if rest, ok := strings.CutPrefix(text, "regex:"); ok {
		return parseExpr(rest)
	}
	switch {
	case text == "":
		return pattern{}, &fault{"an entry without a path grants nothing", "write path: /a/b, /a/{id} or /a/**"}
	case text[0] != '/':
		return pattern{}, &fault{"a path must start with a slash", "write /" + text}
	case len(text) > MaxTarget:
		return pattern{}, &fault{"no request can match: the path is longer than 8192 bytes", ""}
	case strings.Contains(text, "?"):
		return pattern{}, &fault{"a rule matches the path only, never the query", "end it before the question mark"}
	}
	p := pattern{}
	parts := strings.Split(text[1:], "/")
	last := len(parts) - 1
	switch parts[last] {
	case "":
		p.shape, parts = slash, parts[:last]
	case "**":
		p.shape, parts = below, parts[:last]
	}
	for _, part := range parts {
		segment, f := parseSegment(part)
		if f != nil {
			return pattern{}, f
		}
		p.segments = append(p.segments, segment)
	}
	return p, nil
}

// parseSegment reads one segment; {name} gives "".
func parseSegment(part string) (string, *fault) {
	if strings.ContainsAny(part, "{}") {
		if !namedSegment(part) {
			return "", &fault{"braces must hold a name and be the whole segment", "write /a/{id}, or regex:^…$ for less than a segment"}
		}
		return "", nil
	}
	if strings.Contains(part, "*") {
		return "", &fault{"a star is no wildcard here", "write {name} for one segment, or end the path with /** for anything below"}
	}
	canonical, err := canonicalPath("/" + part)
	if err == nil && part == "" {
		err = errPathEmpty
	}
	if err != nil {
		return "", &fault{"no request can match: " + err.Error(), ""}
	}
	return canonical[1:], nil
}

// namedSegment reports whether part is "{name}".
func namedSegment(part string) bool {
	name, open := strings.CutPrefix(part, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !open || !closed || name == "" {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// parseExpr reads a regular expression. It describes the whole path however it
// is anchored: "^a|b$" matches neither "/ab" nor "/xb".
func parseExpr(text string) (pattern, *fault) {
	if len(text) > maxExprText {
		return pattern{}, &fault{"the regular expression is longer than 2048 bytes", "split it into several entries"}
	}
	if !anchored(text) {
		return pattern{}, &fault{"a regular expression must describe the whole path", "write regex:^…$"}
	}
	// Alone first: "^a)|(?:b$" would break out of the group below.
	if _, err := syntax.Parse(text, syntax.Perl); err != nil {
		return pattern{}, &fault{"the regular expression is wrong: " + exprFault(err), "write what RE2 understands"}
	}
	closed := `\A(?:` + text + `)\z`
	tree, err := syntax.Parse(closed, syntax.Perl)
	if err != nil {
		return pattern{}, &fault{tooLarge, smaller}
	}
	if prog, err := syntax.Compile(tree.Simplify()); err != nil || len(prog.Inst) > maxExprInsts {
		return pattern{}, &fault{tooLarge, smaller}
	}
	compiled, err := regexp.Compile(closed)
	if err != nil {
		return pattern{}, &fault{tooLarge, smaller}
	}
	return pattern{shape: expr, expr: compiled, prefix: literalPrefix(tree), holds: literalInside(tree)}, nil
}

const (
	tooLarge = "the regular expression is too large"
	smaller  = "use smaller repetitions or several entries"
)

// exprFault says what RE2 does not understand.
func exprFault(err error) string {
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return e.Code.String() + ": " + shown(e.Expr)
	}
	return err.Error()
}

// anchored reports whether text is written as ^…$, the dollar not escaped.
func anchored(text string) bool {
	body, ok := strings.CutSuffix(text, "$")
	if !ok || !strings.HasPrefix(body, "^") {
		return false
	}
	escapes := len(body) - len(strings.TrimRight(body, `\`))
	return escapes%2 == 0
}

// literalPrefix gives the text that every match starts with, as far as that can
// be read off the expression.
func literalPrefix(tree *syntax.Regexp) string {
	switch tree.Op {
	case syntax.OpCapture:
		return literalPrefix(tree.Sub[0])
	case syntax.OpLiteral:
		if tree.Flags&syntax.FoldCase == 0 {
			return string(tree.Rune)
		}
	case syntax.OpConcat:
		var prefix strings.Builder
		for _, sub := range tree.Sub {
			if sub.Op == syntax.OpBeginText || sub.Op == syntax.OpBeginLine || sub.Op == syntax.OpEmptyMatch {
				continue
			}
			prefix.WriteString(literalPrefix(sub))
			if sub.Op != syntax.OpLiteral || sub.Flags&syntax.FoldCase != 0 {
				break
			}
		}
		return prefix.String()
	default:
	}
	return ""
}

// literalInside gives the longest text that every match holds, as far as that can
// be read off the expression.
func literalInside(tree *syntax.Regexp) string {
	longest := ""
	if tree.Op == syntax.OpConcat || tree.Op == syntax.OpCapture {
		for _, sub := range tree.Sub {
			if text := literalInside(sub); len(text) > len(longest) {
				longest = text
			}
		}
	} else if tree.Op == syntax.OpLiteral && tree.Flags&syntax.FoldCase == 0 {
		longest = string(tree.Rune)
	}
	return longest
}
