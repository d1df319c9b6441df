package main

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
)

// gateOfDemo starts a gate inside this process: the very service of serve. The
// environment does not reach it, so that the tour is the same everywhere.
func gateOfDemo(t *terminal) func(context.Context, string, authz.Observer) (demo.Gate, error) {
	return func(ctx context.Context, file string, observer authz.Observer) (demo.Gate, error) {
		inner := *t
		log := &lockedBuffer{}
		inner.err = log
		nothing := func(string) (string, bool) { return "", false }
		s, err := open(ctx, &inner, service.Options{
			Loader:   &config.Loader{Path: file, Env: nothing, Now: t.now},
			Observer: observer,
		})
		if err != nil {
			return demo.Gate{}, errors.New("the gate does not start:\n" + log.String())
		}
		serving, stop := context.WithCancel(context.WithoutCancel(ctx))
		ready, ended := make(chan struct{}), make(chan error, 1)
		go func() { ended <- s.Serve(serving, func() { close(ready) }) }()
		end := func() error { stop(); return <-ended }
		select {
		case <-ready:
			at := map[string]string{}
			for _, bound := range s.Bound() {
				at[bound.Name] = bound.Address
			}
			return demo.Gate{Check: at["check"], Public: at["public"], Admin: at["admin"], End: end}, nil
		case err := <-ended:
			stop()
			return demo.Gate{}, errors.Join(errors.New("the gate has ended"), err)
		case <-ctx.Done():
			return demo.Gate{}, errors.Join(ctx.Err(), end())
		}
	}
}

// lockedBuffer keeps the log of the gate for the case that it does not start.
type lockedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

const mostLog = 1 << 20

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.text.Len() > mostLog {
		b.text.Reset()
	}
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}
