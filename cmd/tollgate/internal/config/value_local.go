package config

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
)

// fromEnv resolves env://NAME.
func fromEnv(lookup func(string) (string, bool)) resolver {
	return func(_ context.Context, name string) ([]byte, error) {
		if name == "" {
			return nil, errors.New("names no variable")
		}
		value, ok := lookup(name)
		if !ok {
			return nil, errors.New("is not set")
		}
		return []byte(value), nil
	}
}

// fromFile resolves file://PATH. One line end at the end of the file is none of
// the value: editors put it there.
func fromFile(s *source) resolver {
	return func(_ context.Context, path string) ([]byte, error) {
		data, err := s.file(path, maxValue)
		if err != nil {
			return nil, err
		}
		data = bytes.TrimSuffix(data, []byte("\n"))
		return bytes.TrimSuffix(data, []byte("\r")), nil
	}
}

// fromBase64 resolves base64:TEXT in the standard or the URL alphabet, padded or
// not.
func fromBase64(_ context.Context, written string) ([]byte, error) {
	written = strings.TrimRight(written, "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(written, "-_") {
		encoding = base64.RawURLEncoding
	}
	value, err := encoding.Strict().DecodeString(written)
	if err != nil {
		return nil, errors.New("is no base64")
	}
	return value, nil
}
