package obs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// LogOptions is the section log of the file.
type LogOptions struct {
	Level    *slog.LevelVar // shared with whoever changes the level
	Format   string         // auto | text | json; "" is auto
	Out      io.Writer
	Terminal bool // Out is a terminal: auto means text

	// plain is the hook of the canary test: nothing is taken out.
	plain bool
}

// NewLogger makes the logger of the process: one line per record, escaped, with
// tokens and secrets taken out of whatever is logged.
func NewLogger(o LogOptions) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: o.Level}
	var handler slog.Handler
	switch format := strings.ToLower(o.Format); {
	case format == "text", (format == "auto" || format == "") && o.Terminal:
		handler = slog.NewTextHandler(o.Out, options)
	case format == "json", format == "auto", format == "":
		handler = slog.NewJSONHandler(o.Out, options)
	default:
		return nil, fmt.Errorf("unknown log format %q: use auto, text or json", o.Format)
	}
	return slog.New(scrubbed{next: handler, plain: o.plain}), nil
}

// ParseLevel reads log.level.
func ParseLevel(name string) (slog.Level, error) {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug, nil
	case "info", "":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	default:
		return 0, fmt.Errorf("unknown log level %q: use debug, info, warn or error", name)
	}
}
