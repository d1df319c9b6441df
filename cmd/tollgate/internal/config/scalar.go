package config

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The spellings of durations and sizes. The JSON Schema has the same patterns.
const (
	durationPattern = `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`
	sizePattern     = `^[0-9]+(B|KiB|MiB|GiB|kB|KB|MB|GB)?$`
)

// scalar decodes a place that one scalar fills.
func (d *decoder) scalar(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	switch f.kind {
	case kindText, kindPath, kindPEMPath:
		d.text(n, f, into, at)
	case kindValue, kindSecret, kindLoose:
		d.value(n, f, into, at)
	case kindInteger, kindNumber:
		d.number(n, f, into, at)
	case kindBoolean:
		d.boolean(n, f, into, at)
	case kindDuration:
		d.duration(n, f, into, at)
	case kindSize:
		d.size(n, f, into, at)
	case kindScalar:
		d.anyScalar(n, f, into, at)
	case kindObject, kindList, kindMap, kindAllow:
		d.wrongType(n, f, at)
	}
}

// isText says whether a scalar is text in YAML 1.2, where dates are.
func isText(n *yaml.Node) bool {
	tag := n.ShortTag()
	return tag == "!!str" || tag == "!!timestamp"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// text decodes text that is no reference.
func (d *decoder) text(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	switch {
	case !isText(n):
		d.wrongType(n, f, at)
	case slices.Contains(f.later, n.Value):
		d.problem(meaning, spot{n, at}, at.name()+": "+n.Value+notAvailable, "write "+strings.Join(f.enum, " or "))
	case len(f.enum) > 0 && !slices.Contains(f.enum, n.Value):
		d.wrong(n, at, at.name()+" cannot be "+quote(n.Value), oneOf(n.Value, f.enum))
	case schemeOf(n.Value) != "":
		d.problem(meaning, spot{n, at}, at.name()+" cannot be a reference", "write the "+noun(f)+" itself")
		into.SetString(n.Value) // written, even if not usable
	case f.kind == kindPEMPath && n.Value != "":
		into.SetString(within(d.doc.dir(), n.Value))
	default:
		into.SetString(n.Value)
	}
}

// value decodes text that may be a reference.
func (d *decoder) value(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	if !isText(n) && f.kind != kindLoose {
		d.wrongType(n, f, at)
		return
	}
	v := Value{written: n.Value, ref: d.reference(n, f, at)}
	switch f.kind {
	case kindSecret:
		into.Set(reflect.ValueOf(Secret{value: &v}))
	case kindLoose:
		into.Set(reflect.ValueOf(Loose{v}))
	default:
		into.Set(reflect.ValueOf(v))
	}
}

// number decodes whole numbers and fractions, in decimal spelling only.
func (d *decoder) number(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	tag := n.ShortTag()
	if tag != "!!int" && tag != "!!float" {
		d.wrongType(n, f, at)
		return
	}
	number, ok := decimal(n.Value)
	if !ok {
		d.problem(text, spot{n, at}, at.name()+" is spelled "+quote(n.Value), "write it in decimal digits")
		return
	}
	if f.kind == kindInteger && number != math.Trunc(number) {
		d.wrongType(n, f, at)
		return
	}
	if len(f.enum) > 0 && !slices.Contains(f.enum, plain(number)) {
		d.wrong(n, at, at.name()+" cannot be "+n.Value, "write "+strings.Join(f.enum, " or "))
		return
	}
	if !d.within64(n, f, number, at) {
		return
	}
	if f.kind == kindNumber {
		into.SetFloat(number)
		return
	}
	whole, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil { // 1.0 or 1e3: whole as well
		whole = int64(number)
	}
	into.SetInt(whole)
}

// decimal reads a JSON number. A leading zero is octal to some readers of YAML.
func decimal(written string) (float64, bool) {
	if !json.Valid([]byte(written)) {
		return 0, false
	}
	number, err := strconv.ParseFloat(written, 64)
	return number, err == nil
}

// within64 checks the bounds of a number.
func (d *decoder) within64(n *yaml.Node, f *form, number float64, at *trail) bool {
	switch {
	case f.min != nil && number < *f.min:
		d.wrong(n, at, at.name()+" is less than "+plain(*f.min), "write "+plain(*f.min)+" or more")
	case f.max != nil && number > *f.max:
		d.wrong(n, at, at.name()+" is more than "+plain(*f.max), "write "+plain(*f.max)+" or less")
	case f.kind != kindNumber && math.Abs(number) > 1<<62:
		d.problem(meaning, spot{n, at}, at.name()+" is too large", "write a smaller number")
	default:
		return true
	}
	return false
}

func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (d *decoder) boolean(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	value, err := strconv.ParseBool(strings.ToLower(n.Value))
	if n.ShortTag() != "!!bool" || err != nil {
		d.wrongType(n, f, at)
		return
	}
	into.SetBool(value)
}

func (d *decoder) duration(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	if !isText(n) || !d.forms.duration.MatchString(n.Value) {
		d.wrongType(n, f, at)
		return
	}
	length, err := time.ParseDuration(n.Value)
	if err != nil { // the pattern fits: only the range can be wrong
		d.problem(meaning, spot{n, at}, at.name()+" is too long", "write a shorter duration, such as 24h")
		return
	}
	into.SetInt(int64(length))
}

func (d *decoder) size(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	if number, ok := decimal(n.Value); ok && !isText(n) && number >= 0 && number < 1<<53 && number == math.Trunc(number) {
		if d.withinSize(n, f, int64(number), at) { // 1e3 is a whole number to JSON
			into.SetInt(int64(number))
		}
		return
	}
	if !isText(n) && n.ShortTag() != "!!int" || !d.forms.size.MatchString(n.Value) {
		d.wrongType(n, f, at)
		return
	}
	digits := strings.TrimRight(n.Value, "kBKMGi")
	factor, err := strconv.ParseInt(digits, 10, 64)
	unit := sizeUnit(n.Value[len(digits):])
	if err != nil || factor > math.MaxInt64/unit {
		d.problem(meaning, spot{n, at}, at.name()+" is too large", "write a smaller size")
		return
	}
	if d.withinSize(n, f, factor*unit, at) {
		into.SetInt(factor * unit)
	}
}

// sizeUnit is the number of bytes of a unit.
func sizeUnit(name string) int64 {
	switch name {
	case "kB", "KB":
		return 1e3
	case "MB":
		return 1e6
	case "GB":
		return 1e9
	case "KiB":
		return 1 << 10
	case "MiB":
		return 1 << 20
	case "GiB":
		return 1 << 30
	default:
		return 1
	}
}

// withinSize checks the bounds of a size, which a schema can only do for plain
// numbers.
func (d *decoder) withinSize(n *yaml.Node, f *form, size int64, at *trail) bool {
	k := meaning
	if !isText(n) {
		k = shape
	}
	switch {
	case f.min != nil && float64(size) < *f.min:
		d.problem(k, spot{n, at}, at.name()+" is less than "+plain(*f.min)+" bytes", "write "+plain(*f.min)+" or more")
	case f.max != nil && float64(size) > *f.max:
		d.problem(k, spot{n, at}, at.name()+" is more than "+plain(*f.max)+" bytes", "write "+plain(*f.max)+" or less")
	default:
		return true
	}
	return false
}

// anyScalar decodes a text, number, boolean or null of a claim rule.
func (d *decoder) anyScalar(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	switch n.ShortTag() {
	case "!!null":
	case "!!bool":
		into.Field(0).Set(reflect.ValueOf(strings.EqualFold(n.Value, "true")))
	case "!!int", "!!float":
		if _, ok := decimal(n.Value); !ok {
			d.problem(text, spot{n, at}, at.name()+" is spelled "+quote(n.Value), "write it in decimal digits, or in quotes")
			return
		}
		into.Field(0).Set(reflect.ValueOf(json.Number(n.Value)))
	default:
		if !isText(n) {
			d.wrongType(n, f, at)
			return
		}
		into.Field(0).Set(reflect.ValueOf(n.Value))
	}
}
