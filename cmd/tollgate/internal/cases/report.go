package cases

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Tell prints what came of cases: failures with what was expected and what came,
// then a count. It says whether all is well.
func Tell(out io.Writer, results []Result) (bool, error) {
	passed, failed := 0, 0
	var text strings.Builder
	for i := range results {
		r := &results[i]
		if r.Passed() {
			passed++
		}
		if !r.Failed() {
			continue
		}
		failed++
		fmt.Fprintf(&text, "FAIL %s", r.File)
		if r.Line > 0 {
			fmt.Fprintf(&text, ":%d", r.Line)
		}
		if r.Case != "" {
			fmt.Fprintf(&text, ": %s", r.Case)
		}
		if r.Surface != "" {
			fmt.Fprintf(&text, " (%s)", r.Surface)
		}
		text.WriteByte('\n')
		for line := range strings.Lines(r.Error) {
			fmt.Fprintf(&text, "    %s\n", strings.TrimSuffix(line, "\n"))
		}
		for _, d := range r.Differences {
			fmt.Fprintf(&text, "    %s\n      - %s\n      + %s\n", d.What, d.Want, d.Got)
		}
	}
	fmt.Fprintf(&text, "%d passed, %d failed\n", passed, failed)
	_, err := io.WriteString(out, text.String())
	return failed == 0, err
}

// TellJSON prints the same for machines.
func TellJSON(out io.Writer, results []Result) (bool, error) {
	passed := 0
	for i := range results {
		if results[i].Failed() {
			continue
		}
		if results[i].Passed() {
			passed++
		}
	}
	failed := 0
	for i := range results {
		if results[i].Failed() {
			failed++
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(struct {
		Passed  int      `json:"passed"`
		Failed  int      `json:"failed"`
		Results []Result `json:"results"`
	}{passed, failed, results})
	return failed == 0, err
}
