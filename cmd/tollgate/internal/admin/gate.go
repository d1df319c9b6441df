package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// tykPrefix is where the Tyk-shaped API lives.
const tykPrefix = "/tyk/"

// Metadata that only the gateway sets: the transport behind it has no listener. A
// name that ends with -bin may have any bytes as its value.
const (
	metaCaller = "tollgate-caller-bin"
	metaRole   = "tollgate-role"
	metaFrom   = "tollgate-from"
	metaMatch  = "tollgate-if-match-bin"
)

type callerKey struct{}

// gate lets only known callers through, and only requests that a browser could
// not have been tricked into.
func (s *Server) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		from, now := address(r), s.now()
		ctx := r.Context()
		refuse := func(code int, text string) {
			s.audit(ctx, record{method: r.Method + " " + r.URL.Path, result: strconv.Itoa(code), from: from})
			s.fail(w, r, code, text)
		}
		if wait := s.throttle.blocked(from, now); wait > 0 {
			h.Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			refuse(http.StatusTooManyRequests, "too many wrong admin tokens from this address")
			return
		}
		who, known, given := s.auth.auth.Load().identify(r)
		if !known {
			if given {
				s.throttle.wrong(from, now)
			}
			h.Set("WWW-Authenticate", `Bearer realm="tollgate admin"`)
			refuse(http.StatusUnauthorized, "an admin token is needed: Authorization: Bearer …")
			return
		}
		if text := foreign(r); text != "" {
			refuse(http.StatusForbidden, text)
			return
		}
		if changes(r.Method) && r.ContentLength != 0 && !isJSON(r) {
			refuse(http.StatusUnsupportedMediaType, "the body must be application/json")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, callerKey{}, who)))
	})
}

func changes(method string) bool { return method != http.MethodGet && method != http.MethodHead }

// isJSON also takes no content type on Tyk's paths: curl -d of Tyk's own
// examples sends none or a form's. A form cannot carry a header that
// authenticates, but it can come with a client certificate.
func isJSON(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if _, given := secretOf(r); given && strings.HasPrefix(r.URL.Path, tykPrefix) {
		return kind == "application/json" || kind == "" || kind == "application/x-www-form-urlencoded"
	}
	return kind == "application/json"
}

// foreign says why a request looks like one of another site's page.
func foreign(r *http.Request) string {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return "requests from other sites are refused"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return ""
	}
	if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
		return "requests from other sites are refused"
	}
	return ""
}

// fail answers in the form of the API that was asked.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	if strings.HasPrefix(r.URL.Path, tykPrefix) {
		if code == http.StatusUnauthorized {
			code, text = http.StatusForbidden, "Attempted administrative access with invalid or missing key!"
		}
		w.WriteHeader(code)
		writeJSON(w, map[string]string{"status": "error", "message": text})
		return
	}
	w.WriteHeader(code)
	writeJSON(w, map[string]any{"code": rpcCode(code), "message": text, "details": []any{}})
}

func writeJSON(w http.ResponseWriter, v any) {
	json.NewEncoder(w).Encode(v) //nolint:errcheck,errchkjson // the client has gone; plain maps only
}

func rpcCode(status int) codes.Code {
	switch status {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case http.StatusNotFound:
		return codes.NotFound
	}
	return codes.InvalidArgument
}

// annotate hands the caller to the services.
func annotate(_ context.Context, r *http.Request) metadata.MD {
	who, _ := r.Context().Value(callerKey{}).(Caller)
	return metadata.Pairs(metaCaller, who.Name, metaRole, string(who.Role), metaFrom, address(r), metaMatch, r.Header.Get("If-Match"))
}

func one(ctx context.Context, name string) string {
	if values := metadata.ValueFromIncomingContext(ctx, name); len(values) == 1 {
		return values[0]
	}
	return ""
}

// permit holds a call against its permission.
func (s *Server) permit(ctx context.Context, method string) error {
	need, ok := s.allowed[method]
	if !ok {
		return status.Error(codes.PermissionDenied, "nobody may call this method")
	}
	if !Role(one(ctx, metaRole)).may(need) {
		return status.Errorf(codes.PermissionDenied, "role %s is needed", need)
	}
	return nil
}

// unary permits, calls and audits.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
	begun := s.now()
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "panic in the admin API", "method", info.FullMethod)
			answer, err = nil, status.Error(codes.Internal, "internal error")
		}
		s.told(ctx, info.FullMethod, aboutOf(req), begun, err)
	}()
	if err := s.permit(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// stream permits, calls and audits when the stream ends.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	begun := s.now()
	defer func() { s.told(ss.Context(), info.FullMethod, "", begun, err) }()
	if err := s.permit(ss.Context(), info.FullMethod); err != nil {
		return err
	}
	return next(srv, ss)
}

func (s *Server) told(ctx context.Context, method, about string, begun time.Time, err error) {
	result := "ok"
	if code := status.Code(err); code != codes.OK {
		result = code.String()
	}
	s.audit(ctx, record{
		who: one(ctx, metaCaller), role: Role(one(ctx, metaRole)), method: method, about: about,
		result: result, from: one(ctx, metaFrom), took: s.now().Sub(begun),
	})
}

// aboutOf is the id that a request is about. Tokens are not ids.
func aboutOf(req any) string {
	switch r := req.(type) {
	case *adminv1.CreateKeyRequest:
		return r.GetKey().GetId()
	case *adminv1.UpdateKeyRequest:
		return r.GetKey().GetId()
	case *adminv1.CreateRevocationRequest:
		return r.GetRevocation().GetKind()
	case interface{ GetSession() string }:
		return r.GetSession()
	case interface{ GetId() string }:
		return r.GetId()
	}
	return ""
}
