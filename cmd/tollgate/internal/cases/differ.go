package cases

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/envoy"
)

// Difference is one thing that came otherwise than expected.
type Difference struct {
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// differ compares what was expected with what came.
type differ struct {
	want  *Expect
	got   *Answer
	asked *envoy.HTTP
	found []Difference
}

func (d *differ) all() []Difference {
	d.same("decision", d.want.Decision, d.got.Decision)
	if d.want.Reason != "" || d.want.Decision == "allow" {
		d.same("reason", d.want.Reason, d.got.Reason)
	}
	if d.want.Code != "" {
		code, _ := d.got.header("x-tollgate-reason")
		d.same("code", d.want.Code, code)
	}
	if d.want.Status != 0 {
		d.same("status", strconv.Itoa(d.want.Status), strconv.Itoa(d.got.Status))
	}
	for _, name := range slices.Sorted(maps.Keys(d.want.Edits)) {
		value, there := d.upstream(strings.ToLower(name))
		if there && d.want.Edits[name] != nil && d.got.Hidden[strings.ToLower(name)] {
			continue
		}
		d.optional("edits "+name, d.want.Edits[name], value, there)
	}
	for _, name := range slices.Sorted(maps.Keys(d.want.Headers)) {
		value, there := d.got.header(name)
		if d.got.Peeked && d.want.Headers[name] != nil && there && strings.Contains(strings.ToLower(name), "ratelimit") {
			continue
		}
		d.optional("headers "+name, d.want.Headers[name], value, there)
	}
	d.body()
	for _, name := range slices.Sorted(maps.Keys(d.want.Metadata)) {
		if d.got.Peeked && name == "remaining" {
			continue
		}
		if value, told := d.got.Metadata[name]; told || d.got.Whole {
			d.same("metadata "+name, d.want.Metadata[name], value)
		}
	}
	if d.want.Steps != nil && d.got.Explained {
		d.steps()
	}
	return d.found
}

func (d *differ) same(what, want, got string) {
	if want != got {
		d.found = append(d.found, Difference{What: what, Want: orElse(want, "(nothing)"), Got: orElse(got, "(nothing)")})
	}
}

// optional compares a value that may have to be absent.
func (d *differ) optional(what string, want *string, got string, there bool) {
	switch {
	case want == nil && there:
		d.found = append(d.found, Difference{What: what, Want: "(absent)", Got: got})
	case want != nil && !there:
		d.found = append(d.found, Difference{What: what, Want: *want, Got: "(absent)"})
	case want != nil:
		d.same(what, *want, got)
	}
}

// upstream is a request header as it reaches the upstream: what the client sent,
// with the edits applied.
func (d *differ) upstream(name string) (value string, there bool) {
	var lines []string
	for _, field := range d.asked.Headers {
		if field.Name == name {
			lines = append(lines, field.Value)
		}
	}
	value, there = strings.Join(lines, ","), lines != nil
	if name == ":path" {
		value, there = d.asked.Target, true
	}
	for _, edit := range d.got.Edits {
		if edit.Name == name {
			value, there = edit.Value, !edit.Remove
		}
	}
	return value, there
}

func (d *differ) body() {
	switch {
	case d.want.Body.Text != nil:
		d.same("body", *d.want.Body.Text, d.got.Body)
	case d.want.Body.Members != nil:
		var members map[string]any
		if err := json.Unmarshal([]byte(d.got.Body), &members); err != nil {
			d.found = append(d.found, Difference{What: "body", Want: "a JSON object", Got: d.got.Body})
			return
		}
		for _, name := range slices.Sorted(maps.Keys(d.want.Body.Members)) {
			d.same("body "+name, encoded(d.want.Body.Members[name]), encoded(members[name]))
		}
	}
}

func encoded(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// steps compares the names and reasons of all steps, and those facts that are
// written.
func (d *differ) steps() {
	type brief struct{ name, reason string }
	var want, got []brief
	for _, step := range d.want.Steps {
		want = append(want, brief{step.Step, step.Reason})
	}
	for _, step := range d.got.Steps {
		got = append(got, brief{step.Name, string(step.Reason)})
	}
	show := func(steps []brief) string {
		var words []string
		for _, step := range steps {
			words = append(words, strings.TrimSpace(step.name+" "+step.reason))
		}
		return strings.Join(words, ", ")
	}
	if !reflect.DeepEqual(want, got) {
		d.same("steps", show(want), show(got))
		return
	}
	for i, step := range d.want.Steps {
		for _, name := range slices.Sorted(maps.Keys(step.Facts)) {
			d.same("step "+step.Step+" "+name, step.Facts[name], fact(d.got.Steps[i], name))
		}
	}
}

// fact gives the facts of one name, joined by a comma.
func fact(step authz.Step, name string) string {
	var values []string
	for _, f := range step.Facts {
		if f.Name == name {
			values = append(values, f.Value)
		}
	}
	return strings.Join(values, ", ")
}
