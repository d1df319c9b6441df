package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser is a client of an identity provider: it asks for tokens as an
// application does, and logs in as its user does.
type browser struct {
	http     *http.Client
	cookies  map[string]string // sent on http, too, Secure or not: everything is on loopback
	id       string            // of the client
	secret   string
	user     url.Values // what its user types into forms
	endpoint struct {
		Issuer        string `json:"issuer"`
		Authorization string `json:"authorization_endpoint"`
		Token         string `json:"token_endpoint"`
		JWKS          string `json:"jwks_uri"`
	}
}

// redirectTo is where the code is sent; nobody listens there.
const redirectTo = "http://127.0.0.1/callback"

// newBrowser reads the discovery document of issuer.
func newBrowser(t *testing.T, issuer string) *browser {
	t.Helper()
	b := &browser{cookies: map[string]string{}, id: "shop", secret: "shop-secret"}
	b.http = &http.Client{
		Timeout:       startup,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	_, _, text := b.do(t, http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
	if err := json.Unmarshal([]byte(text), &b.endpoint); err != nil {
		t.Fatalf("discovery: %v", err)
	}
	return b
}

// do sends one request, keeps the cookies of its answer and follows nothing.
func (b *browser) do(t *testing.T, method, address string, form url.Values) (status int, location, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if address == b.endpoint.Token {
		request.SetBasicAuth(url.QueryEscape(b.id), url.QueryEscape(b.secret))
	}
	for name, value := range b.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value, Quoted: false})
	}
	response, err := b.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range response.Cookies() {
		b.cookies[cookie.Name] = cookie.Value
		if cookie.MaxAge < 0 || cookie.Value == "" {
			delete(b.cookies, cookie.Name)
		}
	}
	if at, err := response.Location(); err == nil {
		location = at.String()
	}
	return response.StatusCode, location, string(text)
}

// token asks the token endpoint.
func (b *browser) token(t *testing.T, form url.Values) string {
	t.Helper()
	status, _, text := b.do(t, http.MethodPost, b.endpoint.Token, form)
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("%s of %s: status %d, %s %s %v", form.Get("grant_type"), b.id, status, answer.Error, answer.Description, err)
	}
	return answer.AccessToken
}

// credentials is the grant of RFC 6749 section 4.4.
func (b *browser) credentials(t *testing.T, more url.Values) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	maps.Copy(form, more)
	return b.token(t, form)
}

// code is the grant of RFC 6749 section 4.1 with PKCE. Pages on the way are
// forms that the user fills in.
func (b *browser) code(t *testing.T) string {
	t.Helper()
	const verifier = "a-verifier-that-is-long-enough-to-be-one-0123456789"
	challenge := sha256.Sum256([]byte(verifier))
	method, form := http.MethodGet, url.Values(nil)
	next := b.endpoint.Authorization + "?" + url.Values{
		"response_type": {"code"}, "client_id": {b.id}, "redirect_uri": {redirectTo}, "scope": {"openid"}, "state": {"some"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	for range 12 {
		status, location, page := b.do(t, method, next, form)
		if strings.HasPrefix(location, redirectTo) {
			at, err := url.Parse(location)
			if err != nil || at.Query().Get("code") == "" {
				t.Fatalf("no code: %s %v", at.Query().Get("error_description"), err)
			}
			return b.token(t, url.Values{
				"grant_type": {"authorization_code"}, "code": {at.Query().Get("code")},
				"redirect_uri": {redirectTo}, "code_verifier": {verifier},
			})
		}
		method, form = http.MethodGet, nil
		switch {
		case location != "":
			next = location
		case status == http.StatusOK:
			method = http.MethodPost
			next, form = b.fill(t, page)
		default:
			t.Fatalf("login: status %d", status)
		}
	}
	t.Fatal("login: too many pages")
	return ""
}

// fill finds the form of a page and fills it in: hidden fields as they are.
func (b *browser) fill(t *testing.T, page string) (action string, form url.Values) {
	t.Helper()
	_, rest, ok := strings.Cut(page, "<form")
	rest, _, closed := strings.Cut(rest, "</form>")
	found := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(rest)
	if !ok || !closed || found == nil {
		t.Fatal("login: a page without a form")
	}
	form = url.Values{}
	for _, input := range regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`).FindAllString(rest, -1) {
		name := regexp.MustCompile(`name="([^"]*)"`).FindStringSubmatch(input)
		value := regexp.MustCompile(`value="([^"]*)"`).FindStringSubmatch(input)
		if name != nil && value != nil {
			form.Set(html.UnescapeString(name[1]), html.UnescapeString(value[1]))
		}
	}
	maps.Copy(form, b.user)
	return html.UnescapeString(found[1]), form
}
