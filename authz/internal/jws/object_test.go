package jws

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `{"sub":"user-1","realm":{"roles":["a","b"],"x.y":1,"deep":{"on":true}},
 "realm.literal":"whole","n":-12.50E+3,"t":true,"f":false,"nil":null,"esc":"a\"\\\/\b\f\n\r\tA\ud83d\ude00",
 "arr":[1,"two",[3],{"four":4},null,false], "empty":{}, "none":[]}`

func TestObjectReads(t *testing.T) {
	o, err := ParseObject(sample)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"sub":  `string user-1`,
		"n":    `number -12.50E+3`,
		"t":    `boolean true`,
		"f":    `boolean false`,
		"nil":  `null `,
		"esc":  "string a\"\\/\b\f\n\r\tA\U0001f600",
		"arr":  `array `,
		"SUB":  `absent `,
		"":     `absent `,
		"none": `array `,
	} {
		v := o.Get(name)
		if got := v.Kind().String() + " " + v.Text(); got != want {
			t.Errorf("Get(%q) = %q, want %q", name, got, want)
		}
	}
	if raw := o.Get("arr").Raw(); raw != `[1,"two",[3],{"four":4},null,false]` {
		t.Errorf("Raw = %s", raw)
	}
	kinds := []string{}
	for item := range o.Get("arr").Items() {
		kinds = append(kinds, item.Kind().String()+item.Raw())
	}
	want := []string{"number1", `string"two"`, "array[3]", `object{"four":4}`, "nullnull", "booleanfalse"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	names := []string{}
	for name := range o.All() {
		names = append(names, name)
	}
	if o.Len() != len(names) || names[0] != "sub" || names[len(names)-1] != "none" {
		t.Errorf("All yields %v", names)
	}
	for range o.Get("sub").Items() {
		t.Error("a text has items")
	}
	for range o.Get("arr").Members() {
		t.Error("an array has members")
	}
}

func TestLookup(t *testing.T) {
	o, err := ParseObject(sample)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"sub":            `"user-1"`,
		"realm.roles":    `["a","b"]`,
		"realm.deep.on":  `true`,
		"realm.literal":  `"whole"`, // the literal name wins
		"realm.x.y":      ``,        // a dot in a nested name cannot be said
		"realm.missing":  ``,
		"sub.x":          ``,
		"arr.0":          ``,
		"missing.roles":  ``,
		"":               ``,
		".":              ``,
		"realm.":         ``,
		".realm":         ``,
		"empty.anything": ``,
	} {
		if got := o.Lookup(path).Raw(); got != want {
			t.Errorf("Lookup(%q) = %s, want %s", path, got, want)
		}
	}
}

func TestScannerAgainstEncodingJSON(t *testing.T) {
	nested := func(n int) string {
		return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	wideObject := func(repeat bool) string {
		var b strings.Builder
		b.WriteString(`{"first":{"k":1}`)
		for i := range 1000 {
			fmt.Fprintf(&b, `,"m%d":{"m0":%d}`, i, i)
		}
		if repeat {
			b.WriteString(`,"m500":1`)
		}
		return b.String() + "}"
	}
	for _, text := range slices.Concat(jsonSeeds(), []string{
		nested(MaxDepth - 1), nested(MaxDepth), nested(30000), wideObject(false), wideObject(true),
	}) {
		compareWithSlow(t, text)
	}
}

// jsonSeeds are texts at the borders of the grammar.
func jsonSeeds() []string {
	seeds := []string{
		sample, ``, ` `, `{}`, " \t\r\n{ } \n", "{}\x00", `{} {}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a" : 1 , "b" : [ 1 , 2 ] }`,
		`{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `{"x":{"a":1},"y":{"a":1}}`, `{"x":[{"a":1},{"a":1}]}`, `{"x":{"y":{"a":1,"a":1}}}`,
		`{"a":1}/**/`, "\ufeff{}", "{\"a\":\"\x1f\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xc0\x80\"}",
		`{"a":"\ud800"}`, `{"a":"\ud800\ud800"}`, `{"a":"\udc00\ud800"}`, `{"a":"\ud83d\ude00"}`, `{"a":"\\ud800"}`, `{"a":"\ud800x\udc00"}`,
		`{"a":"\u12"}`, `{"a":"\x41"}`, `{"a":"\`, `{"a":"\u`, `{"a":"`, `{"a`, `{`, `{"a":tru`, `{"a":nulls}`, `{"a":True}`, `{"\ud800":1}`,
		`[]`, `"x"`, `1`, `null`, `{"a":[}`, `{"a":[1}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":{]}`, `{1:2}`, `{'a':1}`, `{"a":'x'}`,
	}
	for _, n := range []string{
		"0", "-0", "00", "01", "-", "+1", "1.", ".5", "1.0", "1e5", "1E+5", "1e-5", "1e", "1e+", "0e0", "0x10", "1_000", "NaN", "Infinity",
		"-Infinity", "1e400", "1e999", "1e1000", "1E-1000", "1e0000", "1e+001", "123456789012345678901234567890", "0.1e1", "1 2", "--1", "1-", "１",
	} {
		seeds = append(seeds, `{"n":`+n+`}`)
	}
	return seeds
}

func compareWithSlow(t *testing.T, text string) {
	t.Helper()
	o, err := ParseObject(text)
	want, slowErr := slowObject(text)
	if (err == nil) != (slowErr == nil) {
		t.Fatalf("%.80q: %v, encoding/json says %v", text, err, slowErr)
	}
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			t.Fatalf("%.80q: %v is not ErrMalformed", text, err)
		}
		return
	}
	// reflect, not cmp: cmp takes exponential time on deep nesting.
	if got := plainObject(o); !reflect.DeepEqual(want, got) {
		t.Fatalf("%.80q: %v, encoding/json says %v", text, got, want)
	}
	for name := range want {
		if got := o.Get(name); got.Kind() == Absent {
			t.Fatalf("%.80q: %q is not found", text, name)
		}
	}
}

func TestParseDocumentLooksAtTheOutermostNamesOnly(t *testing.T) {
	o, err := ParseDocument(`{"keys":[{"a":1,"a":2},{"b":1}]}`)
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for item := range o.Get("keys").Items() {
		_, err := item.Object()
		errs = append(errs, err)
	}
	if len(errs) != 2 || !errors.Is(errs[0], errDuplicate) || errs[1] != nil {
		t.Errorf("entries give %v", errs)
	}
	if _, err := ParseDocument(`{"keys":[],"keys":[]}`); !errors.Is(err, errDuplicate) {
		t.Errorf("repeated keys: %v", err)
	}
	if _, err := (Value{}).Object(); !errors.Is(err, ErrMalformed) {
		t.Errorf("an absent value as object: %v", err)
	}
}
