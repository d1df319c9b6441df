package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Front is a running Envoy.
type Front struct {
	*Process
	Admin     string            // host:port of its admin interface
	Listeners map[string]string // name → host:port really bound
}

// StartFront runs the Envoy at path with a bootstrap of its own in directory
// and waits until it serves. Ports of 0 in the bootstrap are chosen free.
func StartFront(ctx context.Context, path, directory, bootstrap string) (*Front, error) {
	file := filepath.Join(directory, "envoy.yaml")
	if err := os.WriteFile(file, []byte(bootstrap), 0o600); err != nil {
		return nil, err
	}
	address := filepath.Join(directory, "envoy-admin")
	process, err := Start(Command{Path: path, Dir: directory, Args: []string{
		"--config-path", file, "--admin-address-path", address,
		// Hot restart and a shared base id would tie Envoys of one machine together.
		"--disable-hot-restart", "--use-dynamic-base-id", "--concurrency", "1",
		"--log-level", "warning", "--file-flush-interval-msec", "50",
	}})
	if err != nil {
		return nil, err
	}
	front := &Front{Process: process, Listeners: map[string]string{}}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := front.await(ctx, address); err != nil {
		front.Stop(time.Second)
		return nil, err
	}
	return front, nil
}

func (f *Front) await(ctx context.Context, addressFile string) error {
	err := f.Await(ctx, "admin address", func() bool {
		text, err := os.ReadFile(addressFile)
		f.Admin = strings.TrimSpace(string(text))
		return err == nil && f.Admin != ""
	})
	if err != nil {
		return err
	}
	err = f.Await(ctx, "LIVE", func() bool {
		state, err := f.Ask(ctx, "/ready")
		return err == nil && strings.TrimSpace(state) == "LIVE"
	})
	if err != nil {
		return err
	}
	return f.readListeners(ctx)
}

// Ask gives the answer of the admin interface to GET path.
func (f *Front) Ask(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.Admin+path, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("envoy admin %s: %s", path, response.Status)
	}
	return string(body), err
}

func (f *Front) readListeners(ctx context.Context) error {
	text, err := f.Ask(ctx, "/listeners?format=json")
	if err != nil {
		return err
	}
	var listed struct {
		Statuses []struct {
			Name    string `json:"name"`
			Address struct {
				Socket struct {
					Address string `json:"address"`
					Port    int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal([]byte(text), &listed); err != nil {
		return fmt.Errorf("envoy's list of listeners: %w", err)
	}
	for _, status := range listed.Statuses {
		socket := status.Address.Socket
		f.Listeners[status.Name] = socket.Address + ":" + strconv.Itoa(socket.Port)
	}
	if len(f.Listeners) == 0 {
		return fmt.Errorf("envoy has no listener:\n%s", f.Output())
	}
	return nil
}
