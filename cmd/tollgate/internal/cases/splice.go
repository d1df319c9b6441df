package cases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// edit replaces one scalar of a text, where it stands: whatever is said of the
// edited text later has the positions of the original.
type edit struct {
	node *yaml.Node
	text string // in YAML's own syntax
	more string // a further line, put under the scalar's own
}

// spliced is an edited text with the way back to the places of the original.
type spliced struct {
	text  string
	added []int  // lines of the original below which one was added
	swaps []swap // from the left to the right of each line
}

// swap is what an edit did to its line.
type swap struct{ line, start, before, after int }

// place gives the line and column of the original.
func (s *spliced) place(line, column int) (int, int) {
	original := line
	for i, below := range s.added {
		if line > below+i+1 {
			original--
		}
	}
	moved := 0
	for _, one := range s.swaps {
		switch start := one.start + moved; {
		case one.line != original || column <= start:
		case column <= start+one.after: // inside of what stands there now
			return original, one.start
		default:
			moved += one.after - one.before
		}
	}
	return max(original, 1), column - moved
}

// splice applies edits to a text.
func splice(text string, edits []edit) (*spliced, error) {
	lines := strings.Split(text, "\n")
	result := &spliced{}
	// From the end, so that the positions of the others hold.
	slices.SortFunc(edits, func(a, b edit) int {
		if a.node.Line != b.node.Line {
			return b.node.Line - a.node.Line
		}
		return b.node.Column - a.node.Column
	})
	for _, one := range edits {
		row := one.node.Line - 1
		if row < 0 || row >= len(lines) {
			return nil, errors.New("a value stands outside its file")
		}
		line := []rune(lines[row])
		start := one.node.Column - 1
		length, err := extent(line, start, one.node)
		if err != nil {
			return nil, err
		}
		lines[row] = string(line[:start]) + one.text + string(line[start+length:])
		result.swaps = append(result.swaps, swap{one.node.Line, one.node.Column, length, utf8.RuneCountInString(one.text)})
		if one.more != "" {
			lines = slices.Insert(lines, row+1, one.more)
			result.added = append(result.added, one.node.Line)
		}
	}
	slices.Sort(result.added)
	slices.Reverse(result.swaps)
	result.text = strings.Join(lines, "\n")
	return result, nil
}

// extent is how many characters of its line a scalar takes.
func extent(line []rune, start int, n *yaml.Node) (int, error) {
	awkward := fmt.Errorf("line %d: the value cannot be replaced where it stands: write it on one line, without a tag or an anchor", n.Line)
	if start < 0 || start >= len(line) {
		return 0, awkward
	}
	rest := line[start:]
	switch n.Style {
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		quote := rest[0]
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\\' && quote == '"' {
				i++
			} else if rest[i] == quote {
				return i + 1, nil
			}
		}
		return 0, awkward
	case 0:
		if value := []rune(n.Value); len(rest) >= len(value) && string(rest[:len(value)]) == n.Value {
			return len(value), nil
		}
		return 0, awkward
	default:
		return 0, awkward
	}
}

// quoted writes a text as a YAML scalar.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// lifted gives the part of text that the mapping n takes, with everything else
// blank, so that lines and columns stay what they are. next is the key after it,
// nil when n is the last.
func lifted(text string, n, next *yaml.Node) (string, error) {
	lines := strings.Split(text, "\n")
	end := len(lines)
	if next != nil {
		end = next.Line - 1
	}
	if end < n.Line {
		return "", errors.New("config shares its line with another key: write each on a line of its own")
	}
	for i := range lines {
		switch {
		case i < n.Line-1 || i >= end:
			lines[i] = ""
		case i == n.Line-1:
			line := []rune(lines[i])
			lines[i] = strings.Repeat(" ", n.Column-1) + string(line[n.Column-1:])
		}
	}
	return strings.Join(lines, "\n"), nil
}
