package envoy

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/tollgate-authz/tollgate/authz"
)

// inChunks gives bytes as a transport lends them: in pieces.
func inChunks(data []byte) mem.BufferSlice {
	half := len(data) / 2
	return mem.BufferSlice{mem.SliceBuffer(data[:half]), mem.SliceBuffer(data[half:])}
}

// TestCodecKeepsNothingOfTheTransport: a view still says the same when the
// transport has used its memory for something else.
func TestCodecKeepsNothingOfTheTransport(t *testing.T) {
	for _, raw := range []bool{false, true} {
		h := on("/orders/7", Field{"authorization", "Bearer a"})
		h.Raw = raw
		data, err := proto.Marshal(describe(h).(*authv3.CheckRequest))
		if err != nil {
			t.Fatal(err)
		}
		r := newRequest()
		if err := newCodec().Unmarshal(inChunks(data), r); err != nil {
			t.Fatal(err)
		}
		clear(data)
		r.open()
		value, _ := r.Header("authorization", 0)
		if line := r.Line(); line.Target != "/orders/7" || line.Method != "GET" || value != "Bearer a" {
			t.Errorf("raw %v: %q %q %q", raw, line.Method, line.Target, value)
		}
	}
}

// TestWhoHasTheCodec: a Server reads checks by the codec unless it is told not to; on
// any other gRPC server, whose codec is not ours to choose, there are generated
// messages. All answer.
func TestWhoHasTheCodec(t *testing.T) {
	var generated bool
	d := deciderFunc(func(ctx context.Context, r authz.Request) authz.Answer {
		generated = r.(*request).generated != nil
		return allowAll(ctx, r)
	})
	address := []Listener{{Address: "127.0.0.1:0"}}
	usual, told := serve(t, d), serveConfig(t, d, Config{Listeners: address, generated: true})
	told.server.Ready()

	foreign := grpc.NewServer()
	a := New(d, Options{})
	a.Open()
	Register(foreign, a)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- foreign.Serve(l) }()
	t.Cleanup(func() {
		foreign.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	for name, test := range map[string]struct {
		client    *Client
		generated bool
	}{
		"usual": {usual.Client, false}, "told": {told.Client, true}, "foreign": {NewClient(dial(t, l.Addr())), true},
	} {
		v, err := test.client.Check(soon(t), on("/"))
		if err != nil || !v.Allowed || v.set("x-tollgate-subject") != "alice" {
			t.Errorf("%s: %v, %+v", name, err, v)
		}
		if generated != test.generated {
			t.Errorf("%s: generated messages: %v", name, generated)
		}
	}
}

// TestCodecLeavesOthersAlone: what is no Check goes the way of grpc's own codec.
func TestCodecLeavesOthersAlone(t *testing.T) {
	c := newCodec()
	if c.Name() != "proto" {
		t.Errorf("name = %q", c.Name())
	}
	data, err := c.Marshal(&authv3.CheckRequest{Attributes: &authv3.AttributeContext{}})
	if err != nil {
		t.Fatal(err)
	}
	msg := &authv3.CheckRequest{}
	if err := c.Unmarshal(data, msg); err != nil || msg.GetAttributes() == nil {
		t.Errorf("%v: %v", err, msg)
	}
	if _, err := c.Marshal(struct{}{}); err == nil {
		t.Error("a message of no kind was written")
	}
	if err := c.Unmarshal(data, &struct{}{}); err == nil {
		t.Error("a message of no kind was read")
	}
}

// overCodec serves bytes the way a server does and gives the answer as it is
// received.
func overCodec(tb failer, a *Authz, r *request, data []byte) (*authv3.CheckResponse, codes.Code) {
	tb.Helper()
	codec := newCodec()
	reply, err := a.serve(context.Background(), r, func(into any) error {
		if err := codec.Unmarshal(inChunks(data), into); err != nil {
			return status.Error(codes.Internal, "undecodable")
		}
		return nil
	}, nil)
	if err != nil {
		return nil, status.Code(err)
	}
	written, err := codec.Marshal(reply)
	if err != nil {
		tb.Fatal(err)
	}
	answer := &authv3.CheckResponse{}
	if err := proto.Unmarshal(written.Materialize(), answer); err != nil {
		tb.Fatal(err)
	}
	return answer, codes.OK
}

// FuzzScan: whatever the bytes, the codec and the generated messages both refuse
// them, or read the same request.
func FuzzScan(f *testing.F) {
	for _, data := range messages(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameReading(t, data) })
}

// FuzzCodec: whatever the bytes, a gate says by the codec what it says by generated
// messages: the same failure of the call, or the same answer in every field. Good
// tokens are among the seeds, so that allows are compared too.
func FuzzCodec(f *testing.F) {
	for _, data := range messages(f) {
		f.Add(data)
	}
	a := New(engine(f, spec()), Options{})
	a.Open()
	f.Fuzz(func(t *testing.T, data []byte) {
		want, code := overCodec(t, a, newGenerated(), data)
		got, gotCode := overCodec(t, a, newRequest(), data)
		if code != gotCode {
			t.Fatalf("generated: %v, codec: %v", code, gotCode)
		}
		if code != codes.OK {
			return
		}
		if want, got := inJSON(t, want), inJSON(t, got); want != got {
			t.Fatalf("generated (-), codec (+):\n%s", cmp.Diff(want, got))
		}
		if n := a.Counts().Panics; n != 0 {
			t.Fatalf("%d panics", n)
		}
	})
}

// messages are CheckRequests of every kind, allowed ones among them.
func messages(f *testing.F) [][]byte {
	f.Helper()
	good := bearer(f, nil)
	out := [][]byte{{}, []byte("\x0a\x07\x22\x05\x12\x03\x22\x01\xff")}
	for _, h := range []*HTTP{
		on("/orders/7", good), on("/orders/7"), on("/nowhere", good), on("/public/open"), on("/watched/7"),
		on("/inject/7", bearer(f, claims{"plan": "pro"}), Field{"x_tollgate_subject", "admin"}),
		on("/strip/7?a=1&token=" + token(f, nil)), on("/strip/7", Field{"cookie", "a=1; session=" + token(f, nil)}),
		on("/orders/7", bearer(f, claims{"exp": 1}), Field{"content-type", "application/grpc"}),
		{Method: "CONNECT", Host: "api.example.com"},
	} {
		h.Extensions = map[string]string{"other": "ignored"}
		h.Principal, h.Source = "spiffe://example/front", "192.0.2.7"
		for _, raw := range []bool{false, true} {
			h.Raw = raw
			data, err := proto.Marshal(describe(h).(*authv3.CheckRequest))
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, data)
		}
	}
	parted := out[2]
	extension := in(1, in(10, in(1, []byte("api_id")), in(2, []byte("orders"))))
	deep := []byte("\x1a\x01a")
	for range maxDepth {
		deep = in(6, in(1, deep))
	}
	return append(out,
		join(parted, extension), join(parted, inHTTP(in(4, []byte("/orders/8")))), join(parted, inHTTP(in(13, in(1, in(1, []byte("x")))))),
		join(parted, in(1, in(11, in(1, in(1, []byte("ns")), in(2, in(1, in(1, []byte("k")), in(2, []byte("\x1a\x01v")))))))),
		join(parted, in(1, in(11, in(1, in(2, in(1, in(2, deep))))))),
		join(parted, in(1, []byte("\x7b\x7c"))),
	)
}

// FuzzRespond: whatever stands in an answer, the codec writes what the generated
// messages write, or neither writes anything.
func FuzzRespond(f *testing.F) {
	f.Add(uint8(authz.Allow), 0, 0, "x-a\n1\nx-b\n\n:path\n/b", "x-tollgate-decision\nd-1", "orders\nalice\nbasic", "")
	f.Add(uint8(authz.Observed), 0, 0, "cookie\na=1\nauthorization\n", "set-cookie\na", "\xff", "")
	f.Add(uint8(authz.Deny), 401, 16, "", "www-authenticate\nBearer\nx\n"+strings.Repeat("v", 200), "a\n\nb", `{"error":"no"}`)
	f.Add(uint8(authz.Deny), 200, -1, "", "grpc-status\n0", "", strings.Repeat("b", maxBody+1))
	f.Fuzz(func(t *testing.T, outcome uint8, code, grpc int, edits, headers, facts, body string) {
		answer := authz.Answer{Outcome: authz.Outcome(outcome % 3), Status: code, GRPC: grpc, Body: body, ID: "d-1"}
		for name, value := range pairs(edits) {
			answer.Edits = append(answer.Edits, authz.Edit{Name: name, Value: value, Remove: len(value)%5 == 1})
		}
		for name, value := range pairs(headers) {
			answer.Headers = append(answer.Headers, authz.Header{Name: name, Value: value, Append: len(value)%2 == 1})
		}
		m, lines := &answer.Metadata, strings.Split(facts, "\n")
		for i, fact := range []*string{&m.API, &m.Subject, &m.Policies, &m.Session, &m.Limit, &m.Remaining, &m.Degraded, &m.Config, &m.Reason} {
			*fact = lines[i%len(lines)] + strconv.Itoa(i)
		}
		for _, r := range []*request{
			{line: authz.Line{Target: "/a"}},
			{line: authz.Line{Target: "/a"}, joined: []pair{{key: "content-type", value: "application/grpc"}}},
		} {
			msg, _, err := respond(&answer, r)
			if err != nil {
				generated := *r
				generated.generated = &authv3.CheckRequest{}
				if _, _, other := respond(&answer, &generated); other == nil {
					t.Fatalf("only the codec refuses: %v", err)
				}
				continue
			}
			if err := sameAnswer(t, &answer, r, msg).ValidateAll(); err != nil && answer.Outcome == authz.Deny {
				t.Fatal(err)
			}
		}
	})
}

// pairs reads lines two by two.
func pairs(text string) func(yield func(a, b string) bool) {
	return func(yield func(a, b string) bool) {
		for text != "" {
			var a, b string
			a, text, _ = strings.Cut(text, "\n")
			b, text, _ = strings.Cut(text, "\n")
			if !yield(a, b) {
				return
			}
		}
	}
}
