package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// login makes sure that there is a token: it asks for one by AppRole, or looks
// once when the given one ends.
func (v *vault) login(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token.text != "" && (v.approle == nil || v.token.renew.IsZero() || v.now().Before(v.token.renew)) {
		return nil
	}
	if v.token.text != "" && v.renewed(ctx) == nil {
		return nil
	}
	return v.enter(ctx)
}

// enter gets a token by AppRole.
func (v *vault) enter(ctx context.Context) error {
	if v.approle == nil {
		return nil
	}
	answer, err := v.send(ctx, call{method: http.MethodPost, path: "auth/approle/login", body: map[string]string{
		"role_id": v.approle.role, "secret_id": v.approle.secret,
	}})
	if err != nil {
		return fmt.Errorf("needs a token; asked for by AppRole it %w", err)
	}
	v.keep(answer.Auth.Token, answer.Auth.Seconds, answer.Auth.Renewable)
	return nil
}

// replace gets another token for one that was refused, once for all who were.
func (v *vault) replace(ctx context.Context, refused string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token.text != refused {
		return nil
	}
	return v.enter(ctx)
}

// keep remembers a token and plans its renewal at half of its life.
func (v *vault) keep(token string, seconds int, renewable bool) {
	if token != "" {
		v.token.text = token
	}
	v.token.renewable = renewable
	v.token.renew = time.Time{}
	if seconds > 0 && (renewable || v.approle != nil) {
		v.token.renew = v.now().Add(time.Duration(seconds) * time.Second / 2)
	}
}

// renewed renews the token where that is possible.
func (v *vault) renewed(ctx context.Context) error {
	if !v.token.renewable {
		return errors.New("cannot be renewed")
	}
	answer, err := v.send(ctx, call{method: http.MethodPost, path: "auth/token/renew-self", token: v.token.text, body: struct{}{}})
	if err != nil {
		return err
	}
	v.keep("", answer.Auth.Seconds, answer.Auth.Renewable)
	return nil
}

// renew keeps the token alive and says when to call again, zero for never.
func (v *vault) renew(ctx context.Context) (next time.Time, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.token.text == "":
		return time.Time{}, nil
	case v.token.renew.IsZero() && v.approle == nil && !v.token.renewable:
		err = v.look(ctx)
	case !v.token.renew.IsZero() && !v.now().Before(v.token.renew):
		if err = v.renewed(ctx); err != nil && v.approle != nil {
			err = v.enter(ctx)
		}
	}
	return v.token.renew, err
}

// look learns how long a token that was given lives.
func (v *vault) look(ctx context.Context) error {
	answer, err := v.send(ctx, call{method: http.MethodGet, path: "auth/token/lookup-self", token: v.token.text})
	if err != nil {
		return err
	}
	var token struct {
		Seconds   int  `json:"ttl"`
		Renewable bool `json:"renewable"`
	}
	if err := json.Unmarshal(answer.Data, &token); err != nil {
		return errors.New("has an answer that cannot be read")
	}
	v.keep("", token.Seconds, token.Renewable)
	return nil
}
