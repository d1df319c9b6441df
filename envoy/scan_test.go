package envoy

import (
	"errors"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"
)

// sameReading reads bytes by the codec and by the generated messages: both fail or
// both say the same to every question.
func sameReading(tb failer, data []byte) (r *request, ok bool) {
	tb.Helper()
	msg := &authv3.CheckRequest{}
	want := proto.Unmarshal(data, msg)
	got, err := decoded(data)
	if (want == nil) != (err == nil) {
		tb.Fatalf("generated: %v, codec: %v", want, err)
	}
	if err != nil {
		return nil, false
	}
	if diff := diffViews(generatedView(msg), got); diff != "" {
		tb.Fatalf("generated (-), codec (+):\n%s", diff)
	}
	return got, true
}

// in writes a message into a field.
func in(number protowire.Number, inside ...[]byte) []byte {
	out := protowire.AppendTag(nil, number, protowire.BytesType)
	return protowire.AppendBytes(out, join(inside...))
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, part := range parts {
		out = append(out, part...)
	}
	return out
}

// inHTTP writes a CheckRequest around the inside of its HttpRequest.
func inHTTP(inside ...[]byte) []byte { return in(1, in(4, in(2, inside...))) }

func TestScan(t *testing.T) {
	path := in(4, []byte("/a"))
	source := func(inside ...[]byte) []byte { return in(1, in(1, in(1, inside...))) }
	group := func(n int) []byte {
		return join([]byte(strings.Repeat("\x7b", n)), []byte(strings.Repeat("\x7c", n))) // field 15
	}
	tests := map[string]struct {
		data   []byte
		fails  bool
		target string
		source string
		value  string // of x-a
	}{
		"nothing":                             {data: nil},
		"two requests are one":                {data: join(inHTTP(path), inHTTP(in(5, []byte("h")))), target: "/a"},
		"the last path counts":                {data: inHTTP(path, in(4, []byte("/b"))), target: "/b"},
		"an empty last path counts":           {data: inHTTP(path, in(4)), target: ""},
		"the last entry of a name counts":     {data: inHTTP(in(3, in(1, []byte("x-a")), in(2, []byte("1"))), in(3, in(1, []byte("x-a")), in(2, []byte("2")))), value: "2"},
		"an entry whose value stands twice":   {data: inHTTP(in(3, in(2, []byte("1")), in(1, []byte("x-a")), in(2, []byte("2")))), value: "2"},
		"an entry without a value":            {data: inHTTP(in(3, in(1, []byte("x-a"))))},
		"a number where a text should be":     {data: inHTTP(path, []byte{4 << 3, 7}), target: "/a"},
		"a text where a number should be":     {data: inHTTP(path, in(9, []byte("\xff"))), target: "/a"},
		"an unknown field":                    {data: inHTTP(path, in(1000, []byte("\xff"))), target: "/a"},
		"the largest field number":            {data: inHTTP(path, in(maxNumber, []byte("\xff"))), target: "/a"},
		"a field number beyond it":            {data: inHTTP(path, protowire.AppendVarint(nil, (maxNumber+1)<<3), []byte{0}), fails: true},
		"field number 0":                      {data: inHTTP(path, []byte{0, 0}), fails: true},
		"a fixed number of 4 bytes":           {data: inHTTP(path, []byte{15<<3 | 5, 1, 2, 3, 4}), target: "/a"},
		"a fixed number of 8 bytes":           {data: inHTTP(path, []byte{15<<3 | 1, 1, 2, 3, 4, 5, 6, 7, 8}), target: "/a"},
		"a fixed number cut off":              {data: inHTTP(path, []byte{15<<3 | 5, 1, 2, 3}), fails: true},
		"wire type 6":                         {data: inHTTP(path, []byte{15<<3 | 6, 0}), fails: true},
		"wire type 7":                         {data: inHTTP(path, []byte{15<<3 | 7, 0}), fails: true},
		"a group":                             {data: inHTTP(path, group(1)), target: "/a"},
		"a group that ends as another":        {data: inHTTP(path, []byte{0x7b, 0x74}), fails: true},
		"a group without an end":              {data: inHTTP(path, []byte{0x7b}), fails: true},
		"the end of no group":                 {data: inHTTP(path, []byte{0x7c}), fails: true},
		"a large field number within a group": {data: inHTTP(path, []byte{0x7b}, protowire.AppendVarint(nil, (maxNumber+1)<<3), []byte{0, 0x7c}), target: "/a"},
		"groups deeper than the scanner goes": {data: inHTTP(path, group(maxDepth+1)), target: "/a"},
		"groups deeper than anybody goes":     {data: inHTTP(path, group(20000)), fails: true},
		"ten bytes of a number":               {data: inHTTP(path, []byte{9 << 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}), target: "/a"},
		"a number over 64 bits":               {data: inHTTP(path, []byte{9 << 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2}), fails: true},
		"a number without an end":             {data: inHTTP(path, []byte{9 << 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}), fails: true},
		"a long way to write a short length":  {data: inHTTP(join([]byte{4<<3 | 2, 0x82, 0x80, 0x00}, []byte("/a"))), target: "/a"},
		"a text longer than the message":      {data: inHTTP([]byte{4<<3 | 2, 3}, []byte("/a")), fails: true},
		"a path of no UTF-8":                  {data: inHTTP(in(4, []byte("/\xff"))), fails: true},
		"a key of no UTF-8":                   {data: inHTTP(in(3, in(1, []byte("x\xff")))), fails: true},
		"labels of no UTF-8":                  {data: in(1, in(2, in(3, in(1, []byte("\xff"))))), fails: true},
		"metadata of no UTF-8":                {data: in(1, in(11, in(1, in(2, in(1, in(2, in(3, []byte("\xff")))))))), fails: true},
		"raw bytes may be anything":           {data: inHTTP(in(13, in(1, in(1, []byte("x-a")), in(3, []byte("\xff"))))), value: "\xff"},
		"an address":                          {data: join(in(1, source(in(2, []byte("a")))), inHTTP(path)), source: "a", target: "/a"},
		"an address in two parts":             {data: join(in(1, source(in(2, []byte("a")))), in(1, source()), inHTTP(path)), source: "a", target: "/a"},
		"a pipe takes the place of an address": {
			data: join(in(1, source(in(2, []byte("a")))), in(1, in(1, in(1, in(2)))), inHTTP(path)), target: "/a",
		},
		"an address after a pipe": {
			data: join(in(1, source(in(2, []byte("a")))), in(1, in(1, in(1, in(2)))), in(1, source(in(4, []byte("p")))), inHTTP(path)), target: "/a",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, ok := sameReading(t, test.data)
			if ok == test.fails {
				t.Fatalf("read: %v", ok)
			}
			if !ok {
				return
			}
			if line := r.Line(); line.Target != test.target || line.SourceAddress != test.source {
				t.Errorf("target %q, source %q", line.Target, line.SourceAddress)
			}
			if value, _ := r.Header("x-a", 0); value != test.value {
				t.Errorf("x-a: %q", value)
			}
		})
	}
}

// TestScanLeavesDepthAlone: what is deeper than a front nests it is not judged here.
func TestScanLeavesDepthAlone(t *testing.T) {
	deep := []byte("\x1a\x01a") // Value.string_value
	for range 2 * maxDepth {
		deep = in(6, in(1, deep)) // Value.list_value, ListValue.values
	}
	data := join(in(1, in(11, in(1, in(2, in(1, in(2, deep)))))), inHTTP(in(4, []byte("/a"))))
	s := scanner{schema: newSchema(), into: newRequest()}
	if err := s.message(checkRequest, string(data), 0); !errors.Is(err, errDeep) {
		t.Errorf("err = %v", err)
	}
	if r, ok := sameReading(t, data); !ok || r.Line().Target != "/a" {
		t.Error("the generated message was not asked")
	}
}

// TestScanOfAnything: messages with every field that there is, cut into parts that
// are read as one, with unknown fields between.
func TestScanOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var data []byte
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			msg := &authv3.CheckRequest{}
			fill(t, msg.ProtoReflect(), 0)
			part, err := proto.Marshal(msg)
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, part...)
			if rapid.Bool().Draw(t, "unknown") {
				data = append(data, in(77, rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "bytes"))...)
			}
		}
		if _, ok := sameReading(t, data); !ok {
			t.Fatal("a message that was written could not be read")
		}
		if len(data) > 0 { // and with one byte changed
			data[rapid.IntRange(0, len(data)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			sameReading(t, data)
		}
	})
}

// fill sets some fields of a message to something.
func fill(t *rapid.T, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		likely := 3
		if f.Message() != nil && depth < 4 {
			likely = 6
		}
		if rapid.IntRange(0, 7).Draw(t, "skip") >= likely || depth > 9 {
			continue
		}
		switch {
		case f.IsMap():
			entries := m.Mutable(f).Map()
			for range rapid.IntRange(0, 3).Draw(t, "entries") {
				value := entries.NewValue()
				if inner, ok := value.Interface().(protoreflect.Message); ok {
					fill(t, inner, depth+2)
				} else {
					value = scalar(t, f.MapValue())
				}
				entries.Set(scalar(t, f.MapKey()).MapKey(), value)
			}
		case f.IsList():
			list := m.Mutable(f).List()
			for range rapid.IntRange(0, 3).Draw(t, "items") {
				fill(t, list.AppendMutable().Message(), depth+1)
			}
		case f.Message() != nil:
			fill(t, m.Mutable(f).Message(), depth+1)
		default:
			m.Set(f, scalar(t, f))
		}
	}
}

// scalar draws a value for a field; texts are those that mean something here.
func scalar(t *rapid.T, f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.SampledFrom([]string{
			"", ":path", ":method", ":authority", "authorization", "Authorization", "cookie", "content-type", "application/grpc",
			"api_id", "require_scopes", "/a?b", "é", "GET",
		}).Draw(t, "text"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "bytes"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.Int32Range(0, 3).Draw(t, "enum")))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32"))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "uint32"))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "int64"))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(rapid.Float64().Draw(t, "double"))
	default:
		t.Fatalf("no value for a %v", f.Kind())
		return protoreflect.Value{}
	}
}
