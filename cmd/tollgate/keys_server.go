package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// maxAnswer bounds what is read of a service's answer.
const maxAnswer = 16 << 20

// adminAddress is a listener of a running service.
type adminAddress struct {
	base   string
	secret string
	client *http.Client
}

// newAdminAddress reads --server. The secret is not sent where others could read
// it on the way.
func newAdminAddress(server, secret string) (*adminAddress, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, usage("--server wants a URL such as http://127.0.0.1:9192")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if secret != "" && u.Scheme == "http" && !local {
		return nil, usage("TOLLGATE_ADMIN_SECRET is not sent over http to another machine: use https")
	}
	return &adminAddress{
		base: strings.TrimSuffix(server, "/"), secret: secret,
		client: &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("a service does not redirect") },
		},
	}, nil
}

// get asks for path; the secret goes along where it is needed.
func (a *adminAddress) get(ctx context.Context, path, secret string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return 0, nil, err
	}
	if secret != "" {
		request.Header.Set("Authorization", "Bearer "+secret)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, body, err
}

// keySets asks the admin API; nil without an error means that there is none here.
func (a *adminAddress) keySets(ctx context.Context) ([]*adminv1.KeySet, error) {
	status, body, err := a.get(ctx, "/v1/keysets", a.secret)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, fmt.Errorf("%s: the admin API answers %d: TOLLGATE_ADMIN_SECRET must be one of its secrets", a.base, status)
	case status != http.StatusOK:
		return nil, fmt.Errorf("%s: the admin API answers %d", a.base, status)
	}
	var all adminv1.ListKeySetsResponse
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("%s: this is no answer of an admin API", a.base)
	}
	if all.GetKeySets() == nil {
		return []*adminv1.KeySet{}, nil
	}
	return all.GetKeySets(), nil
}

// tellReadiness prints what the metrics listener says of the key sets.
func (a *adminAddress) tellReadiness(ctx context.Context, out io.Writer) error {
	status, body, err := a.get(ctx, "/readyz?verbose", "")
	if err != nil {
		return err
	}
	if status != http.StatusOK && status != http.StatusServiceUnavailable {
		return usage("%s is neither the admin nor the metrics listener of a service", a.base)
	}
	sets, useless := 0, false
	for lines := bufio.NewScanner(strings.NewReader(string(body))); lines.Scan(); {
		mark, rest, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasPrefix(rest, "keys of ") {
			continue
		}
		sets++
		useless = useless || mark != "[+]"
		if _, err := fmt.Fprintln(out, strings.ReplaceAll(rest, "; ", "\n  ")); err != nil {
			return err
		}
	}
	if sets == 0 {
		_, err = fmt.Fprintln(out, "no API has jwks or discover")
	}
	if err == nil && useless {
		return &exit{code: exitFail}
	}
	return err
}
