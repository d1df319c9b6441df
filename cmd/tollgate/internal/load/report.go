package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Tell prints results as a table, then what went wrong.
func Tell(out io.Writer, results ...*Result) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%-10s %10s %10s %10s %9s %9s %9s %9s %9s %7s %7s\n",
		"target", "checks", "checks/s", "cpu/check", "p50", "p90", "p99", "p99.9", "max", "errors", "wrong")
	for _, r := range results {
		cpu := "-"
		if r.CPU > 0 {
			cpu = brief(r.CPU)
		}
		fmt.Fprintf(&text, "%-10s %10d %10.0f %10s %9s %9s %9s %9s %9s %7d %7d\n",
			r.Name, r.Checks, r.PerSecond, cpu, brief(r.P50), brief(r.P90), brief(r.P99), brief(r.P999), brief(r.Max), r.Errors, r.Mistakes)
	}
	for _, r := range results {
		for _, sample := range slices.Sorted(maps.Keys(r.Samples)) {
			fmt.Fprintf(&text, "%s: %d × %s\n", r.Name, r.Samples[sample], sample)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// TellComparison prints every round and the ratios.
func TellComparison(out io.Writer, c *Comparison) error {
	var all []*Result
	for i := range c.Own {
		all = append(all, c.Own[i], c.Empty[i])
	}
	if err := Tell(out, all...); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\nratios to the empty server, median of %d rounds (smallest … largest)\n", len(c.Own))
	for _, row := range []struct {
		name   string
		spread Spread
	}{{"checks/s", c.Speed}, {"p50", c.Median}, {"cpu/check", c.CPU}} {
		if row.spread == (Spread{}) {
			fmt.Fprintf(&text, "  %-10s not known\n", row.name)
			continue
		}
		fmt.Fprintf(&text, "  %-10s %.2f (%.2f … %.2f)\n", row.name, row.spread.Median, row.spread.Min, row.spread.Max)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// brief rounds to three digits or so.
func brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	default:
		return d.Round(100 * time.Nanosecond).String()
	}
}
