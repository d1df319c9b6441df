package config

import "strings"

// follows says whether a problem of Compile may only be the consequence of one
// that is known: what could not be read must not be reported as missing.
func follows(p Problem, known []Problem) bool {
	for _, k := range known {
		if k.Warning {
			continue
		}
		sameFile := k.File == p.File
		switch {
		case sameFile && (inside(p.At, k.At) || inside(k.At, p.At)): // in the same place, around or inside it
			return true
		case sameFile && section(k.At, 2) == "keys" && section(p.At, 2) == "algorithms" && entryOf(k.At) == entryOf(p.At):
			return true
		case hidesIDs(k) && isReference(p.At):
			return true
		}
	}
	return false
}

// hidesIDs says whether a problem leaves ids of APIs or policies unknown.
func hidesIDs(k Problem) bool {
	return k.At == "" || // the whole of a file
		section(k.At, 0) == "include" ||
		section(k.At, 2) == "id" ||
		strings.Count(k.At, "/") <= 2 && isEntry(section(k.At, 0))
}

// isReference says whether a place names an API or a policy.
func isReference(at string) bool {
	switch section(at, 0) {
	case "apis":
		return section(at, 2) == "policies"
	case "policies":
		return section(at, 2) == "access"
	default:
		return section(at, 0) == "token_endpoints"
	}
}

func isEntry(name string) bool { return name == "apis" || name == "policies" }

// section gives the nth part of a pointer, "" when it is shorter.
func section(at string, nth int) string {
	parts := strings.Split(strings.TrimPrefix(at, "/"), "/")
	if nth >= len(parts) {
		return ""
	}
	return parts[nth]
}

// entryOf gives the first two parts of a pointer: /apis/0.
func entryOf(at string) string { return section(at, 0) + "/" + section(at, 1) }

// inside says whether pointer a is b or below it.
func inside(a, b string) bool {
	return a == b || strings.HasPrefix(a, b) && (b == "" || a[len(b)] == '/')
}
