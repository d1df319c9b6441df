package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// Client is who asks for split tokens at the front, with the grant
// client_credentials.
type Client struct{ ID, Secret string }

// Admin is the admin API of the gate.
type Admin struct{ URL, Secret string }

// half asks for a token and gets the half of one.
func (t *Tour) half(ctx context.Context) (string, error) {
	var granted struct {
		Token string `json:"access_token"`
	}
	err := t.post(ctx, "/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:read"}}, &granted)
	if err == nil && granted.Token == "" {
		err = errors.New("/token gives no access_token")
	}
	return granted.Token, err
}

// revoke ends a token.
func (t *Tour) revoke(ctx context.Context, token string) error {
	return t.post(ctx, "/revoke", url.Values{"token": {token}}, nil)
}

// revokedHalf is a half that was good and has been ended.
func revokedHalf(ctx context.Context, t *Tour) (string, error) {
	half, err := t.half(ctx)
	if err == nil {
		_, err = t.whole(ctx, half)
	}
	if err == nil {
		err = t.revoke(ctx, half)
	}
	return half, err
}

// revokedWhole is the whole token of a half that has been ended.
func revokedWhole(ctx context.Context, t *Tour) (string, error) {
	half, err := t.half(ctx)
	if err != nil {
		return "", err
	}
	whole, err := t.whole(ctx, half)
	if err == nil {
		err = t.revoke(ctx, half)
	}
	return whole, err
}

// whole is the token that the upstream gets for a half.
func (t *Tour) whole(ctx context.Context, half string) (string, error) {
	got, err := t.ask(ctx, &Step{
		Method: http.MethodGet, Path: "/orders/7",
		Token: func(context.Context, *Tour) (string, error) { return half, nil },
	})
	if err != nil {
		return "", err
	}
	if got.echo == nil || !got.joined() {
		return "", fmt.Errorf("a fresh half: status %d %s", got.status, string(got.reason))
	}
	return got.echo.bearer(), nil
}

// post sends a form to the front as the client, and reads the answer into out.
func (t *Tour) post(ctx context.Context, path string, form url.Values, out any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(t.Client.ID), url.QueryEscape(t.Client.Secret))
	return t.run(request, out)
}

// run makes a request that must be answered 200. What the answer says is told only
// where it is an error of OAuth's.
func (t *Tour) run(request *http.Request, out any) error {
	response, err := t.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		var refused struct {
			Error   string `json:"error"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(body, &refused) // the status says enough
		return fmt.Errorf("%s %s: %s %s%s", request.Method, request.URL.Path, response.Status, refused.Error, refused.Message)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s: no JSON comes back", request.URL.Path)
	}
	return nil
}

// holder signs with a secret of its own, under a key that it makes at the admin API
// before its first token.
type holder struct {
	id, secret string
	made       bool
}

func newHolder() *holder {
	return &holder{id: "aaa-bbb-" + strings.ToLower(rand.Text()[:9]), secret: rand.Text() + rand.Text()}
}

// signs is a token of the holder that names its key by kid.
func (h *holder) signs(kid string) Bearer {
	return func(ctx context.Context, t *Tour) (string, error) {
		if err := h.make(ctx, t); err != nil {
			return "", err
		}
		key, err := tokens.FromSecret("HS256", kid, []byte(h.secret))
		if err != nil {
			return "", err
		}
		return key.Sign(nil, map[string]any{
			"sub": "anybody", "pol": "slow", "aud": "orders", "exp": time.Now().Add(5 * time.Minute).Unix(),
		})
	}
}

// make makes the key, once.
func (h *holder) make(ctx context.Context, t *Tour) error {
	if h.made {
		return nil
	}
	body, err := json.Marshal(map[string]any{
		"key":    map[string]any{"id": h.id, "policies": []string{"reader"}, "alias": "made by the tour"},
		"secret": map[string]any{"hmac": h.secret},
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Admin.URL+"/v1/keys", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+t.Admin.Secret)
	request.Header.Set("Content-Type", "application/json")
	err = t.run(request, nil)
	h.made = err == nil
	return err
}
