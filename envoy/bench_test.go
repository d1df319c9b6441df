package envoy

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

func plaintext() credentials.TransportCredentials { return insecure.NewCredentials() }

// scenario is one question to one server.
type scenario struct {
	name   string
	server string
	ask    *HTTP
	allow  bool
}

// BenchmarkCheck measures a whole Check on servers in processes of their own, in
// turns within each round: CPU of the server, its allocations, and the ratio of
// both to those of an empty stock grpc-go server in the same round (medians).
func BenchmarkCheck(b *testing.B) {
	keys := newBenchKeys(b)
	scenarios := []scenario{
		{"stock", stockServer, benchRequest(keys.token(b, "RS256")), true},
		{"warm", warmServer, benchRequest(keys.token(b, "RS256")), true},
		{"cold_RS256", coldServer, benchRequest(keys.token(b, "RS256")), true},
		{"cold_ES256", coldServer, benchRequest(keys.token(b, "ES256")), true},
		{"no_token", warmServer, benchRequest(""), false},
	}
	servers := map[string]*benchServer{}
	for _, s := range scenarios {
		if servers[s.server] == nil {
			servers[s.server] = startBenchServer(b, s.server, keys.public)
		}
	}
	for _, inFlight := range []int{16, 64} {
		b.Run(fmt.Sprintf("in_flight=%d", inFlight), func(b *testing.B) {
			const rounds = 15
			ratios, allocs, cpus := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
			calls := max(b.N/(rounds*len(scenarios)), 1)
			for round := range rounds {
				order := slices.Clone(scenarios)
				if round%2 == 1 {
					slices.Reverse(order)
				}
				spent := map[string]usage{}
				for _, s := range order {
					spent[s.name] = servers[s.server].spend(b, s, inFlight, calls)
				}
				base := float64(spent["stock"].CPU)
				for name, u := range spent {
					ratios[name] = append(ratios[name], float64(u.CPU)/base)
					cpus[name] = append(cpus[name], float64(u.CPU.Nanoseconds())/float64(calls))
					allocs[name] = append(allocs[name], float64(u.Mallocs)/float64(calls))
				}
			}
			for _, s := range scenarios {
				b.ReportMetric(median(cpus[s.name])/1000, s.name+"_cpu_us")
				b.ReportMetric(median(ratios[s.name]), s.name+"/stock")
				b.ReportMetric(median(allocs[s.name]), s.name+"_allocs")
			}
			b.ReportMetric(0, "ns/op") // of all scenarios together: says nothing
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// benchServer is a server process and a connection to it.
type benchServer struct {
	client  *Client
	in      io.WriteCloser
	answers *bufio.Reader
}

func startBenchServer(b *testing.B, name string, keys []byte) *benchServer {
	b.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), benchServerEnv+"="+name, benchKeysEnv+"="+string(keys))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
	})
	s := &benchServer{in: in, answers: bufio.NewReader(out)}
	line, err := s.answers.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	addr, err := net.ResolveTCPAddr("tcp", strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	s.client = NewClient(dial(b, addr))
	return s
}

// usage asks the process.
func (s *benchServer) usage(b *testing.B) usage {
	b.Helper()
	if _, err := fmt.Fprintln(s.in); err != nil {
		b.Fatal(err)
	}
	line, err := s.answers.ReadBytes('\n')
	if err != nil {
		b.Fatal(err)
	}
	var u usage
	if err := json.Unmarshal(line, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

// spend makes calls and says what they cost the server. Every answer is checked.
func (s *benchServer) spend(b *testing.B, sc scenario, inFlight, calls int) usage {
	b.Helper()
	question := Prepare(sc.ask)
	for range 20 { // the connection, the cache
		s.once(b, question, sc)
	}
	before := s.usage(b)
	var next atomic.Int64
	var clients sync.WaitGroup
	for range inFlight {
		clients.Go(func() {
			for next.Add(1) <= int64(calls) {
				s.once(b, question, sc)
			}
		})
	}
	clients.Wait()
	after := s.usage(b)
	return usage{CPU: after.CPU - before.CPU, Mallocs: after.Mallocs - before.Mallocs, Bytes: after.Bytes - before.Bytes}
}

func (s *benchServer) once(b *testing.B, q Question, sc scenario) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	v, err := s.client.Ask(ctx, q)
	if err != nil || v.Allowed != sc.allow {
		b.Errorf("%s: %v, reason %q", sc.name, err, v.Metadata["reason"])
	}
}

// BenchmarkServe is what is ours of a Check: from the bytes of the request, in
// memory of their own, to those of the answer.
func BenchmarkServe(b *testing.B) {
	keys := newBenchKeys(b)
	for _, raw := range []bool{false, true} {
		for name, server := range map[string]string{"warm": warmServer, "cold_RS256": coldServer} {
			b.Run(fmt.Sprintf("%s/raw=%v", name, raw), func(b *testing.B) {
				e, err := benchEngine(server, keys.public)
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				a := New(e, Options{})
				h := benchRequest(keys.token(b, "RS256"))
				h.Raw = raw
				data, err := proto.Marshal(describe(h).(proto.Message))
				if err != nil {
					b.Fatal(err)
				}
				codec, text := newSchema(), string(data)
				b.ReportAllocs()
				for b.Loop() {
					r := newRequest()
					if err := codec.decode(text, r); err != nil {
						b.Fatal(err)
					}
					r.open()
					if _, err := a.check(b.Context(), r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// benchRequest is a browser's request of 2 kB behind an edge Envoy.
func benchRequest(token string) *HTTP {
	h := &HTTP{
		Method: "GET", Scheme: "https", Host: "api.example.com", Target: "/orders/4711?expand=lines", Source: "192.0.2.7",
		Headers: []Field{
			{"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
			{"accept", "application/json, text/plain, */*"},
			{"accept-language", "en-US,en;q=0.7,de;q=0.3"},
			{"accept-encoding", "gzip, deflate, br, zstd"},
			{"referer", "https://shop.example.com/orders/4711"},
			{"origin", "https://shop.example.com"},
			{"sec-fetch-dest", "empty"},
			{"sec-fetch-mode", "cors"},
			{"sec-fetch-site", "same-site"},
			{"te", "trailers"},
			{"cookie", "theme=dark; locale=en; _ga=GA1.2.1234567890.1234567890"},
			{"x-forwarded-for", "192.0.2.7"},
			{"x-forwarded-proto", "https"},
			{"x-envoy-external-address", "192.0.2.7"},
			{"x-request-id", "0f1d3c52-9f6c-4f0a-8d1e-3a4b5c6d7e8f"},
			{"x-b3-sampled", "0"},
		},
	}
	if token != "" {
		h.Headers = append(h.Headers, Field{"authorization", "Bearer " + token})
	}
	return h
}

// benchKeys sign tokens of about 1,000 characters.
type benchKeys struct {
	rsa    *rsa.PrivateKey
	ecdsa  *ecdsa.PrivateKey
	public []byte // JWKS
}

func newBenchKeys(b *testing.B) *benchKeys {
	b.Helper()
	k := &benchKeys{}
	var err error
	if k.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		b.Fatal(err)
	}
	if k.ecdsa, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		b.Fatal(err)
	}
	point, err := k.ecdsa.PublicKey.Bytes() // 4, x, y
	if err != nil {
		b.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	k.public, err = json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "RS256", "n": encode(k.rsa.N.Bytes()), "e": encode(big.NewInt(int64(k.rsa.E)).Bytes())},
		{"kty": "EC", "crv": "P-256", "kid": "ES256", "x": encode(point[1:33]), "y": encode(point[33:])},
	}})
	if err != nil {
		b.Fatal(err)
	}
	return k
}

func (k *benchKeys) token(b *testing.B, alg string) string {
	b.Helper()
	now := time.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": benchIssuer, "sub": "6c1a8a52-5d3e-4f7d-9a44-3e5d5f1f2b3c", "aud": []string{"orders"}, "scope": "openid profile orders:read orders:write",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": "f2f7d2f0-7c58-4a4b-9f7e-0d6a0c0e6b4a",
		"name": "Alice Example", "email": "alice@example.com", "locale": "en", "plan": "pro", "tenant": "shop", "padding": strings.Repeat("p", 100),
	})
	if err != nil {
		b.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"`+alg+`","kid":"`+alg+`","typ":"JWT"}`)) + "." + encode(payload)
	digest := sha256.Sum256([]byte(signed))
	if alg == "RS256" {
		signature, err := rsa.SignPKCS1v15(nil, k.rsa, crypto.SHA256, digest[:])
		if err != nil {
			b.Fatal(err)
		}
		return signed + "." + encode(signature)
	}
	r, s, err := ecdsa.Sign(rand.Reader, k.ecdsa, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	return signed + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}
