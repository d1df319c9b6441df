package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
)

// apiFlags say whose admin API a command asks.
type apiFlags struct {
	server, output string
	offline        bool
	file           *fileFlags
}

func addAPIFlags(c *cobra.Command) *apiFlags {
	f := &apiFlags{}
	c.Flags().StringVar(&f.server, "server", "", "the admin listener of a running service, such as http://127.0.0.1:9193")
	c.Flags().BoolVar(&f.offline, "offline", false, "open the store of --config itself")
	oneOfThem(c)
	outputFlag(c, &f.output)
	f.file = addFileFlags(c)
	return f
}

// oneOfThem makes --offline, when it is given, outdo TOLLGATE_SERVER, and --server
// TOLLGATE_OFFLINE.
func oneOfThem(c *cobra.Command) {
	for name, other := range map[string]string{"offline": "server", "server": "offline"} {
		flag := c.Flags().Lookup(name)
		if flag.Annotations == nil {
			flag.Annotations = map[string][]string{}
		}
		flag.Annotations[inPlaceOf] = []string{other}
	}
}

// api is an admin API that a command asks.
type api struct {
	*adminAddress
	close func() error
}

// open finds the API. The secret is TOLLGATE_ADMIN_SECRET, never a flag.
func (f *apiFlags) open(ctx context.Context, t *terminal) (*api, error) {
	switch {
	case f.output != "" && f.output != "json":
		return nil, unknownOutput(f.output)
	case f.offline && f.server != "":
		return nil, usage("--server and --offline: give one of them")
	case f.offline:
		loaded, err := readConfig(ctx, t, f.file)
		if err != nil {
			return nil, err
		}
		if !service.Lasts(loaded) {
			return nil, usage("the store is memory:, which would end with this command: ask the running service with --server")
		}
		inside, err := service.OpenOffline(ctx, loaded, t.now)
		if err != nil {
			return nil, held(err)
		}
		address := &adminAddress{base: "http://offline", secret: inside.Secret, client: &http.Client{Transport: inside}}
		return &api{adminAddress: address, close: inside.Close}, nil
	case f.server == "":
		return nil, usage("whose? --server URL asks a running service (or TOLLGATE_SERVER), --offline --config FILE opens the store itself")
	}
	secret := t.variable("TOLLGATE_ADMIN_SECRET")
	if secret == "" {
		return nil, usage("TOLLGATE_ADMIN_SECRET is not set: it must be one of the service's admin secrets")
	}
	address, err := newAdminAddress(f.server, secret)
	if err != nil {
		return nil, err
	}
	return &api{adminAddress: address, close: func() error { return nil }}, nil
}

// asks opens the API, asks it and closes it.
func (f *apiFlags) asks(ctx context.Context, t *terminal, ask func(*api) error) error {
	a, err := f.open(ctx, t)
	if err != nil {
		return err
	}
	return errors.Join(ask(a), a.close())
}

// call makes one call. in may be nil.
func (a *api) call(ctx context.Context, method, path string, in, out proto.Message) error {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := (protojson.MarshalOptions{UseProtoNames: true}).Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+a.secret)
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the admin API: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("ask the admin API: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return a.refused(response.StatusCode, text)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s: this is no answer of an admin API", a.base)
	}
	return nil
}

// refused is the error of an answer that is none.
func (a *api) refused(status int, text []byte) error {
	var told struct{ Message string }
	if json.Unmarshal(text, &told) != nil || told.Message == "" {
		return fmt.Errorf("%s answers %d: is it the admin listener?", a.base, status)
	}
	if status == http.StatusUnauthorized {
		return fmt.Errorf("%s: TOLLGATE_ADMIN_SECRET is none of its admin secrets", a.base)
	}
	return errors.New(told.Message)
}

// say prints an answer: text for people, or the message as JSON.
func (f *apiFlags) say(t *terminal, text string, answer proto.Message) error {
	if f.output == "json" {
		data, err := protojson.MarshalOptions{Multiline: true, UseProtoNames: true}.Marshal(answer)
		if err != nil {
			return err
		}
		text = string(data) + "\n"
	}
	_, err := io.WriteString(t.out, text)
	return err
}
