package obs

import (
	"context"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/tollgate-authz/tollgate/authz"
)

// maxText bounds what one attribute takes of a line: subjects and paths are the
// client's, and may be kilobytes.
const maxText = 512

// Decision implements authz.Observer: every decision is counted; a denial is
// logged, up to a number per second and reason, and an allowed request when the
// sample says so.
func (o *Obs) Decision(ctx context.Context, info *authz.DecisionInfo) {
	o.metrics.decision(info)
	allowed := info.Outcome == authz.Allow
	if allowed && !o.sampled() {
		return
	}
	level := slog.LevelInfo
	if info.Err != nil {
		level = slog.LevelError
	}
	if !o.log.Enabled(ctx, level) {
		return
	}
	suppressed := int64(0)
	if !allowed {
		var ok bool
		if suppressed, ok = o.floods.take(info.Reason, o.now()); !ok {
			o.metrics.suppressed.Inc()
			return
		}
	}
	o.log.LogAttrs(ctx, level, message(info.Outcome), attributes(info, suppressed)...) //nolint:sloglint // one of three constants
}

// Dependency implements authz.Observer.
func (o *Obs) Dependency(name, result string, took time.Duration) {
	o.metrics.dependency(name, result, took)
}

func message(outcome authz.Outcome) string {
	switch outcome {
	case authz.Allow:
		return messageAllowed
	case authz.Observed:
		return messageObserved
	default:
		return messageDenied
	}
}

// attributes leaves out what is empty.
func attributes(info *authz.DecisionInfo, suppressed int64) []slog.Attr {
	attrs := make([]slog.Attr, 0, 15)
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, clip(value)))
		}
	}
	text(keyDecision, info.ID)
	text(keyOutcome, info.Outcome.String())
	text(keyReason, string(info.Reason))
	text(keyAPI, info.API)
	text(keySubject, info.Subject)
	text(keySession, info.Session)
	text(keyPolicies, info.Policies)
	text(keyMethod, info.Method)
	text(keyPath, info.Path)
	text(keyDegraded, info.Degraded)
	attrs = append(attrs,
		slog.Uint64(keyGeneration, info.Generation),
		slog.Bool(keyCached, info.Cached),
		slog.Duration(keyTook, info.Took))
	if info.Err != nil {
		attrs = append(attrs, slog.String(keyError, clip(info.Err.Error())))
	}
	if suppressed > 0 {
		attrs = append(attrs, slog.Int64(keySuppressed, suppressed))
	}
	return attrs
}

// clip cuts at a rune, so that the line stays valid UTF-8.
func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
