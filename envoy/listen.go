package envoy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// maxSocketPath is what a Unix socket address holds on Linux, less its final NUL.
const maxSocketPath = 107

// socketMode lets the owner and the group connect (contract section 3, listen):
// Envoy runs as another user, in a shared group.
const socketMode = 0o660

// Listener is one address that is served.
type Listener struct {
	Address string // "host:port" or "unix:///path"
	TLS     *TLS   // nil: plaintext
}

// listen binds the address.
func (l Listener) listen(ctx context.Context, warn func(error)) (net.Listener, error) {
	transport := insecure.NewCredentials()
	if l.TLS != nil {
		var err error
		if transport, err = l.TLS.credentials(warn); err != nil {
			return nil, err
		}
	}
	path, isSocket := strings.CutPrefix(l.Address, "unix://")
	bind := listenTCP
	if isSocket {
		bind = listenSocket
	} else {
		path = l.Address
	}
	inner, err := bind(ctx, path)
	if err != nil {
		return nil, err
	}
	return &securedListener{Listener: inner, transport: transport}, nil
}

func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

// listenSocket binds a Unix socket. A socket file that nobody answers on is the
// rest of a process that was killed and is replaced; one that is alive, and any
// other file, is left alone.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	switch {
	case !strings.HasPrefix(path, "/"):
		return nil, fmt.Errorf("listen unix://%s: the path of a socket is absolute: write unix:///path", path)
	case len(path) > maxSocketPath:
		return nil, fmt.Errorf("listen unix://%s: a socket path has at most %d bytes, this one has %d", path, maxSocketPath, len(path))
	}
	if err := clearSocket(ctx, path); err != nil {
		return nil, fmt.Errorf("listen unix://%s: %w", path, err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// clearSocket removes the socket file of a process that is gone.
func clearSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return errors.New("there is a file that is no socket: remove it or choose another path")
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(errors.New("another process is serving this socket: stop it or choose another path"), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("cannot tell whether another process is serving this socket: %w", err)
	}
	return os.Remove(path)
}

// securedListener hands its own credentials along with every connection, so that
// one server can have listeners with and without TLS.
type securedListener struct {
	net.Listener
	transport credentials.TransportCredentials
}

// Accept waits for a connection.
func (l *securedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &securedConn{Conn: conn, transport: l.transport}, nil
}

type securedConn struct {
	net.Conn
	transport credentials.TransportCredentials
}

// perListener are server credentials that do what the listener says.
type perListener struct {
	credentials.TransportCredentials
}

// ServerHandshake runs the handshake of the connection's listener. A connection
// from anywhere else has no credentials and is refused.
func (p perListener) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, ok := conn.(*securedConn)
	if !ok {
		return nil, nil, errors.New("a connection that no listener accepted")
	}
	return secured.transport.ServerHandshake(secured.Conn)
}

// Clone gives the same credentials: they hold no state.
func (p perListener) Clone() credentials.TransportCredentials { return p }
