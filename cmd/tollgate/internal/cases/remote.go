package cases

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// Remote is the surface of `tollgate check --server`: the command, and behind it
// the admin API of a service, which has a store that the case file fills.
func Remote(parts Parts, run Run) Surface { return remote{explained{parts}, run} }

type remote struct {
	explained
	run Run
}

// Name names the surface.
func (remote) Name() string { return "server" }

// Open serves the admin API over the configuration.
func (r remote) Open(ctx context.Context, path string) (Session, error) {
	s, err := r.open(ctx, path)
	if err != nil {
		return nil, err
	}
	return &asking{explaining: s, run: r.run}, nil
}

// asking is a served admin API that the command asks.
type asking struct {
	*explaining
	run Run
}

// Ask runs check.
func (a *asking) Ask(ctx context.Context, q *Question) (*Answer, error) {
	args, ok := commandLine(q)
	if _, sayable := toExplain(q); !ok || !sayable {
		return nil, errUnasked
	}
	a.set(q.Now)
	said := &adminv1.ExplainResponse{}
	read := func(text []byte) error { return protojson.Unmarshal(text, said) }
	code, err := a.run.check(ctx, map[string]string{"TOLLGATE_ADMIN_SECRET": a.secret}, read, append(args, "--server", a.url)...)
	if err != nil {
		return nil, err
	}
	if denied := said.GetOutcome() == "deny"; denied != (code == 1) {
		return nil, fmt.Errorf("check --server says %s and ends with %d", said.GetOutcome(), code)
	}
	return a.told(ctx, q, said)
}
