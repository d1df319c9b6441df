package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// routes joins the REST gateway, the OpenAPI document and Tyk's paths.
func (s *Server) routes() (http.Handler, error) {
	rest := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
		}),
		// An id may hold a slash: it is escaped in the path, and stays one segment.
		runtime.WithUnescapingMode(runtime.UnescapingModeAllCharacters),
		runtime.WithMetadata(annotate),
		// No header of the client becomes metadata, none of ours leaks but the etag.
		runtime.WithIncomingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingHeaderMatcher(func(name string) (string, bool) { return "ETag", name == "etag" }),
		runtime.WithErrorHandler(restErrors()),
	)
	ctx := context.Background()
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		adminv1.RegisterKeyServiceHandler, adminv1.RegisterUsageServiceHandler, adminv1.RegisterTokenServiceHandler,
		adminv1.RegisterStatusServiceHandler, adminv1.RegisterDecisionServiceHandler,
	} {
		if err := register(ctx, rest, s.conn); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", rest)
	mux.HandleFunc("GET /v1/decisions", func(w http.ResponseWriter, r *http.Request) {
		// A stream lasts as long as its reader wants: the listener's deadlines are not for it.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{})  // not every writer has deadlines
		_ = control.SetWriteDeadline(time.Time{}) // likewise
		rest.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(adminv1.OpenAPI()) //nolint:errcheck // the client has gone
	})
	mux.Handle(tykPrefix, s.tyk())
	return s.gate(mux), nil
}

// restErrors answers 412 where a condition of the caller did not hold.
func restErrors() runtime.ErrorHandlerFunc {
	return func(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
		if status.Code(err) == codes.Aborted && r.Header.Get("If-Match") != "" {
			err = &runtime.HTTPStatusError{HTTPStatus: http.StatusPreconditionFailed, Err: err}
		}
		runtime.DefaultHTTPErrorHandler(ctx, mux, m, w, r, err)
	}
}
