package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/doctor"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// serviceFlags say which running services doctor looks at.
type serviceFlags struct {
	servers   []string
	check     string
	transport transportFlags
}

func (f *serviceFlags) add(c *cobra.Command) {
	set := c.Flags()
	set.StringSliceVar(&f.servers, "server", nil, "metrics or admin listener of a running service; may be repeated, for replicas")
	set.StringVar(&f.check, "check", "", "listen.check of a running service: host:port or unix:///path")
	f.transport.add(set)
}

func (f *serviceFlags) given() bool { return len(f.servers) > 0 || f.check != "" }

// examine finds what is wrong with the services. hash is that of the configuration
// that they should run, "" for any.
func (f *serviceFlags) examine(ctx context.Context, t *terminal, hash string, apis []doctor.API) ([]doctor.Finding, error) {
	var found []doctor.Finding
	var all []*doctor.Running
	for _, server := range f.servers {
		running, err := f.running(ctx, t, server)
		if _, wrongly := errors.AsType[*exit](err); wrongly {
			return nil, err
		}
		if err != nil {
			found = append(found, doctor.Unreachable(server, err)...)
			continue
		}
		all = append(all, running)
		found = append(found, running.Examine(hash)...)
	}
	found = append(found, doctor.Replicas(all)...)
	if f.check == "" {
		return found, nil
	}
	port, err := f.port()
	if err != nil {
		return nil, err
	}
	defer port.Close() //nolint:errcheck // nothing is left to lose
	asked := &doctor.Port{Address: f.check, Conn: port, Secure: f.transport.given()}
	return append(found, asked.Ask(ctx, apis)...), nil
}

// port is a connection to listen.check.
func (f *serviceFlags) port() (*grpc.ClientConn, error) {
	transport, err := f.transport.credentials()
	if err != nil {
		return nil, err
	}
	if transport == nil {
		transport = insecure.NewCredentials()
	}
	address := f.check
	if !strings.HasPrefix(address, "unix:") {
		address = "passthrough:///" + address
	}
	return grpc.NewClient(address, grpc.WithTransportCredentials(transport))
}

// running asks one listener, whichever it is. The secret goes to nobody who has
// not refused to answer without it.
func (f *serviceFlags) running(ctx context.Context, t *terminal, server string) (*doctor.Running, error) {
	metrics, err := f.listener(server, "")
	if err != nil {
		return nil, err
	}
	status, readyz, err := metrics.get(ctx, "/readyz?verbose", "")
	if err != nil {
		return nil, err
	}
	if status == http.StatusOK || status == http.StatusServiceUnavailable {
		_, text, err := metrics.get(ctx, "/metrics", "")
		if err != nil {
			return nil, err
		}
		return doctor.ReadMetrics(server, string(text), string(readyz))
	}
	secret := t.variable("TOLLGATE_ADMIN_SECRET")
	if secret == "" {
		return nil, usage("%s is no metrics listener; an admin listener wants TOLLGATE_ADMIN_SECRET", server)
	}
	address, err := f.listener(server, secret)
	if err != nil {
		return nil, err
	}
	var told adminv1.GetStatusResponse
	if err := (&api{adminAddress: address}).call(ctx, http.MethodGet, "/v1/status", nil, &told); err != nil {
		return nil, err
	}
	return doctor.ReadStatus(server, &told), nil
}

// listener is newAdminAddress over the transport of the flags.
func (f *serviceFlags) listener(server, secret string) (*adminAddress, error) {
	address, err := newAdminAddress(server, secret)
	if err != nil {
		return nil, err
	}
	settings, err := f.transport.settings()
	if err != nil {
		return nil, err
	}
	if settings != nil {
		address.client.Transport = &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true}
	}
	return address, nil
}
