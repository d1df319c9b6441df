package authz

import (
	"context"
	"time"
)

// Observer is told what the engine did, for metrics and logs. Its methods must
// not block and must not keep what they are given.
type Observer interface {
	// Decision is called once for every decision, after the answer is built.
	Decision(ctx context.Context, info *DecisionInfo)
	// Dependency is called after each use of something outside the process.
	Dependency(name, result string, took time.Duration)
}

// DecisionInfo is what one decision was. It never holds a token, a secret, a
// cookie or a query string.
type DecisionInfo struct {
	ID         string
	Outcome    Outcome
	Reason     Reason
	API        string
	Subject    string
	Session    string
	Policies   string
	Method     string
	Path       string // without query; "" when the target was refused
	Degraded   string
	Generation uint64
	Cached     bool   // the token was found in the verified-token cache
	Warned     string // claims whose warn_only rules would have refused, joined by ","
	Took       time.Duration
	Err        error // cause of internal and of *_unavailable, without secrets
}
