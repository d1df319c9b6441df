package demo

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const direct = `
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: edge
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}]}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
`

func envoyPath(t *testing.T) string {
	t.Helper()
	path, err := FindEnvoy(os.Getenv("TOLLGATE_ENVOY"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFrontServesOnAFreePort(t *testing.T) {
	front, err := StartFront(t.Context(), envoyPath(t), t.TempDir(), direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { front.Stop(time.Second) })
	response, err := http.Get("http://" + front.Listeners["edge"] + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); string(body) != "hello" || err != nil {
		t.Errorf("body %q, %v", body, err)
	}
	front.Stop(10 * time.Second)
	select {
	case <-front.Ended():
	default:
		t.Error("it runs after Stop")
	}
}

func TestFrontTellsWhatIsWrong(t *testing.T) {
	_, err := StartFront(t.Context(), envoyPath(t), t.TempDir(), strings.Replace(direct, "stat_prefix", "surprise", 1))
	if err == nil || !strings.Contains(err.Error(), "surprise") {
		t.Errorf("error %v, expected Envoy's own words about surprise", err)
	}
}

func TestFindEnvoySaysHowToGetOne(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Chdir(t.TempDir())
	_, err := FindEnvoy("")
	if err == nil || !strings.Contains(err.Error(), "make demo") {
		t.Errorf("error %v", err)
	}
	if _, err := FindEnvoy("/nowhere/envoy"); err == nil {
		t.Error("a path that is not there was found")
	}
}
