package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxDump bounds a dump; that of a large mesh is some tens of megabytes.
const maxDump = 256 << 20

// Read gives the dump at source: an http address of Envoy's admin interface
// (http://127.0.0.1:9901), or a file with a dump or with a configuration, YAML
// or JSON.
func Read(ctx context.Context, source string) (*Front, error) {
	var data []byte
	var err error
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		data, err = fetch(ctx, strings.TrimSuffix(source, "/")+"/config_dump?include_eds")
	} else {
		data, err = load(source)
	}
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

func load(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bounded(file, path)
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: is this the admin address of an Envoy?", url, response.Status)
	}
	return bounded(response.Body, url)
}

func bounded(from io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxDump+1))
	if err == nil && len(data) > maxDump {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxDump>>20)
	}
	return data, err
}

// Parse reads a dump, or a configuration as Envoy takes it.
func Parse(data []byte) (*Front, error) {
	var value any
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' {
		decoder := json.NewDecoder(bytes.NewReader(trimmed))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("the dump is no JSON: %w", err)
		}
	} else if err := yaml.Unmarshal(data, &value); err != nil {
		return nil, fmt.Errorf("neither a dump nor a configuration: %w", err)
	}
	root := tree{value}
	if !root.at("configs").there() && !root.at("static_resources").there() {
		return nil, errors.New(`this is no dump (no "configs") and no configuration (no "static_resources"): give the answer of Envoy's /config_dump`)
	}
	return newFront(root), nil
}
