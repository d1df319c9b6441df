package envoy

import (
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// FuzzMessage (row 19): whatever bytes come as a CheckRequest, the call fails or
// is answered well, and nothing is let in: no bytes that a fuzzer finds are a
// signature of our key.
func FuzzMessage(f *testing.F) {
	forged := bearer(f, nil)
	forged.Value = forged.Value[:len(forged.Value)-6] + "AAAAAA"
	for _, h := range []*HTTP{
		on("/orders/7", forged), on("/orders/7"), on("//orders", forged),
		{Method: "CONNECT", Host: "api.example.com"},
		on("/places/1?token=x&token=y", Field{"cookie", "session=a,b"}), on("/strip/7?token=a.b.c", Field{"x_tollgate_subject", "admin"}),
		on("/inject/7", Field{"authorization", "Bearer a,b"}, Field{"content-type", "application/grpc"}),
	} {
		for _, raw := range []bool{false, true} {
			h.Raw = raw
			data, err := proto.Marshal(describe(h).(*authv3.CheckRequest))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte{})
	f.Add([]byte{0x0a, 0x07, 0x22, 0x05, 0x12, 0x03, 0x22, 0x01, 0xff})
	s := spec()
	for i := range s.APIs { // every API asks for a token
		s.APIs[i].Observe, s.APIs[i].Public, s.APIs[i].PreflightAllow = false, nil, false
	}
	a := New(engine(f, s), Options{})
	a.Open()
	f.Fuzz(func(t *testing.T, data []byte) {
		reply, err := a.serve(t.Context(), newRequest(), func(into any) error {
			if err := newSchema().decode(string(data), into.(*request)); err != nil {
				return status.Error(codes.Internal, "undecodable")
			}
			return nil
		}, nil)
		if err != nil {
			return
		}
		answer := overWire(t, reply)
		switch {
		case answer.GetStatus().GetCode() == 0:
			t.Fatal("let in")
		case answer.GetDeniedResponse().GetStatus().GetCode() < 400:
			t.Fatal("a denial without status")
		case answer.GetDynamicMetadata().GetFields()["reason"].GetStringValue() == "internal":
			t.Fatal("a client's bytes are no fault of ours")
		}
		if err := answer.ValidateAll(); err != nil {
			t.Fatal(err)
		}
		if data, err := proto.Marshal(answer); err != nil || len(data) > 32<<10 {
			t.Fatalf("an answer of %d bytes: %v", len(data), err)
		}
		if n := a.Counts().Panics; n != 0 || strings.Contains(answer.GetDeniedResponse().GetBody(), secret) {
			t.Fatalf("%d panics", n)
		}
	})
}
