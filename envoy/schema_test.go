package envoy

import (
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestSchema: the codec knows of every text and every message that the generated
// messages know, and nothing else. A field that Envoy adds fails this test.
func TestSchema(t *testing.T) {
	schema := newSchema()
	seen := map[shape]protoreflect.FullName{}
	var compare func(of shape, message protoreflect.MessageDescriptor)
	compare = func(of shape, message protoreflect.MessageDescriptor) {
		if name, again := seen[of]; again {
			if name != message.FullName() && of != textEntry {
				t.Errorf("shape %d stands for %s and for %s", of, name, message.FullName())
			}
			return
		}
		seen[of] = message.FullName()
		known := map[protoreflect.FieldNumber]field{}
		for number, f := range schema[of] {
			if f != (field{}) {
				known[protoreflect.FieldNumber(number)] = f
			}
		}
		fields := message.Fields()
		for i := range fields.Len() {
			generated := fields.Get(i)
			f, ok := known[generated.Number()]
			delete(known, generated.Number())
			want := field{}
			switch generated.Kind() {
			case protoreflect.StringKind:
				want.kind = text
			case protoreflect.MessageKind:
				want.kind = nested
			case protoreflect.GroupKind:
				t.Errorf("%s is a group", generated.FullName())
			default:
			}
			if f.kind != want.kind || (want.kind != blob) && !ok {
				t.Errorf("%s: kind %d, want %d", generated.FullName(), f.kind, want.kind)
			}
			if f.kind == nested && generated.Message() != nil {
				compare(f.of, generated.Message())
			}
		}
		for number := range known {
			t.Errorf("%s has no field %d", message.FullName(), number)
		}
	}
	compare(checkRequest, (&authv3.CheckRequest{}).ProtoReflect().Descriptor())
	if len(seen) != int(shapes) {
		t.Errorf("%d shapes were met, %d are declared", len(seen), shapes)
	}
}
