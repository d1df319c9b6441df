package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// nearest gives the known word that was most likely meant, "" for none.
func nearest(word string, known []string) string {
	best, least := "", 1+max(1, len(word)/3)
	folded := fold(word)
	for _, k := range known {
		if fold(k) == folded {
			return k
		}
		if d := distance(folded, fold(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// fold takes the differences away that people do not see.
func fold(word string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(word))
}

// distance counts insertions, deletions, replacements and swaps of neighbours
// that turn a into b.
func distance(a, b string) int {
	const longest = 64 // of words that people could have meant
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// oneOf is the advice for a word that is none of a few.
func oneOf(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	for _, k := range known { // warning for warn, information for info
		if len(k) >= 3 && strings.HasPrefix(strings.ToLower(word), k) {
			return "did you mean " + k + "?"
		}
	}
	return "write " + strings.Join(known, " or ")
}

// rewrite turns what stands in the file into what was most likely meant, "" when
// that is not clear.
func rewrite(n *yaml.Node, f *form) string {
	if n.Kind != yaml.ScalarNode {
		return ""
	}
	switch f.kind {
	case kindDuration:
		return rewriteDuration(n.Value)
	case kindSize:
		return rewriteSize(n.Value)
	case kindBoolean:
		return rewriteBoolean(n.Value)
	case kindList:
		return "[" + n.Value + "]"
	case kindText, kindValue, kindSecret, kindPath, kindPEMPath:
		if !isText(n) && len(f.enum) == 0 {
			return strconv.Quote(n.Value)
		}
	case kindInteger, kindNumber:
		if _, ok := decimal(n.Value); ok && isText(n) {
			return n.Value + " without quotes"
		}
	case kindObject, kindMap, kindLoose, kindScalar, kindAllow:
	}
	return ""
}

// rewriteDuration reads durations as people write them: 5 minutes, 1d, 60.
func rewriteDuration(written string) string {
	if seconds, err := strconv.ParseInt(written, 10, 64); err == nil && seconds >= 0 {
		return written + "s"
	}
	part := regexp.MustCompile(`(?i)([0-9]+(?:\.[0-9]+)?)\s*([a-zµ]+)`)
	rest := part.ReplaceAllString(written, "")
	if strings.Trim(rest, " ,and") != "" {
		return ""
	}
	var sum time.Duration
	for _, m := range part.FindAllStringSubmatch(written, -1) {
		unit := durationUnit(m[2])
		count, err := strconv.ParseFloat(m[1], 64)
		if unit == 0 || err != nil || count*float64(unit) > float64(1<<62) {
			return ""
		}
		sum += time.Duration(count * float64(unit))
	}
	if sum <= 0 {
		return ""
	}
	return Duration(sum).String()
}

// durationUnit reads the name of a unit of time.
func durationUnit(name string) time.Duration {
	const day = 24 * time.Hour
	switch strings.ToLower(name) {
	case "ms", "msec", "millis", "millisecond", "milliseconds":
		return time.Millisecond
	case "s", "sec", "secs", "second", "seconds":
		return time.Second
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour
	case "d", "day", "days":
		return day
	case "w", "week", "weeks":
		return 7 * day
	}
	return 0
}

// rewriteSize reads sizes as people write them: 64 MiB, 64m, 1G.
func rewriteSize(written string) string {
	m := regexp.MustCompile(`(?i)^\s*([0-9]+)\s*([kmg])i?b?\s*$`).FindStringSubmatch(written)
	if m == nil {
		return ""
	}
	return m[1] + strings.ToUpper(m[2]) + "iB"
}

func rewriteBoolean(written string) string {
	switch strings.ToLower(written) {
	case "yes", "on", "y", "1", "true":
		return "true"
	case "no", "off", "n", "0", "false":
		return "false"
	}
	return ""
}
