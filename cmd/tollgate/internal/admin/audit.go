package admin

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// record is one line of the audit log. It names who, what and about what; no
// body, no header and no query is ever part of it.
type record struct {
	who    string // "" when nobody known
	role   Role
	method string // full name of the RPC, or HTTP method and path
	about  string // id that the call is about
	result string // ok, or a code
	from   string // address
	took   time.Duration
}

func (s *Server) audit(ctx context.Context, r record) {
	level := slog.LevelInfo
	if r.result != "ok" {
		level = slog.LevelWarn
	}
	s.log.LogAttrs(ctx, level, "admin call",
		slog.String("who", r.who), slog.String("role", string(r.role)),
		slog.String("method", shown(r.method)), slog.String("about", shown(r.about)),
		slog.String("result", r.result), slog.String("from", r.from),
		slog.Duration("took", r.took))
}

// shown bounds what a caller chose for the log; the handler escapes it.
func shown(id string) string {
	const most = 128
	if len(id) <= most {
		return id
	}
	return id[:most] + "…"
}

// address is where a request comes from: the connection, never a header.
func address(r *http.Request) string { return hostOnly(r.RemoteAddr) }
