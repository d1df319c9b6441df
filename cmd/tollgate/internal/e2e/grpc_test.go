package e2e

import (
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// TestGRPCClientsUnderstandDenials: a denial reaches a gRPC client as a status
// with a code and a text, not as an HTTP error that its library must guess from.
func TestGRPCClientsUnderstandDenials(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		conn, err := grpc.NewClient(w.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		tests := []struct {
			name, method, token string
			code                codes.Code
			text, reason        string
		}{
			{"no token", "/shop.Orders/Get", "", codes.Unauthenticated, "Authorization field missing", "token_missing"},
			{"expired", "/shop.Orders/Get", w.token(t, "alice", map[string]any{"exp": 1577836800}), codes.Unauthenticated, "Token has expired", "token_expired"},
			{"not granted", "/orders/Get", w.token(t, "alice", nil), codes.PermissionDenied, "Access to this resource has been disallowed", "access_refused"},
			{"no such API", "/nowhere.Nothing/Get", w.token(t, "alice", nil), codes.Unimplemented, "No API matches this request", "api_unknown"},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				ctx := t.Context()
				if test.token != "" {
					ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+test.token)
				}
				var header, trailer metadata.MD
				err := conn.Invoke(ctx, test.method, &emptypb.Empty{}, &emptypb.Empty{}, grpc.Header(&header), grpc.Trailer(&trailer))
				if got := status.Code(err); got != test.code {
					t.Errorf("code %v, expected %v", got, test.code)
				}
				if got := status.Convert(err).Message(); got != test.text {
					t.Errorf("message %q, expected %q", got, test.text)
				}
				told := strings.Join(append(header.Get("x-tollgate-reason"), trailer.Get("x-tollgate-reason")...), ",")
				if told != test.reason {
					t.Errorf("reason %q, expected %q", told, test.reason)
				}
				w.upstream.none(t)
			})
		}
	})
}
